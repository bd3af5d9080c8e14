-- Sends the requests of a file through wrk, each once (or again and again), for so many seconds;
-- then waits for the answers that are due and ends wrk, so that every request is accounted for.
--
-- Arguments: file, bytes per request, seconds, connections, "once" or "again"

local ffi = require("ffi")
ffi.cdef [[
  typedef struct { long seconds; long nanoseconds; } perf_time;
  int clock_gettime(int clock, perf_time *time);
  int getpid(void);
  int kill(int process, int signal);
]]
local MONOTONIC, SIGINT = 1, 2
local time = ffi.new("perf_time")

local function now()
  ffi.C.clock_gettime(MONOTONIC, time)
  return tonumber(time.seconds) + tonumber(time.nanoseconds) / 1e9
end

local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

local file, length, seconds, connections, again, trial
local idle = 0
sent, first, last = 0, 0, 0 -- read by done(), which runs in another Lua state

function init(args)
  file = assert(io.open(args[1], "rb"))
  file:setvbuf("full", 1024 * 1024)
  length, seconds, connections = tonumber(args[2]), tonumber(args[3]), tonumber(args[4])
  again = args[5] == "again"
  -- wrk asks for one request that it does not send, to see how many there are in it.
  trial = true
end

local function next_request()
  local request = file:read(length)
  if not request and again then
    file:seek("set", 0)
    request = file:read(length)
  end
  return request
end

-- wrk asks for a connection's next request when it has the answer to the one before.
function request()
  if trial then
    trial = false
    local request = next_request()
    file:seek("set", 0)
    return request
  end
  last = now()
  if first == 0 then first = last end
  local request = last - first < seconds and next_request()
  if request then
    sent = sent + 1
    return request
  end
  idle = idle + 1
  if idle == connections then ffi.C.kill(ffi.C.getpid(), SIGINT) end
  return "" -- nothing is sent, and the connection rests
end

function done(summary, latency)
  local thread, errors = threads[1], summary.errors
  local result = {
    sent = thread:get("sent"),
    answered = summary.requests,
    seconds = thread:get("last") - thread:get("first"),
    connect_errors = errors.connect,
    read_errors = errors.read,
    write_errors = errors.write,
    timeouts = errors.timeout,
    bad_statuses = errors.status,
    p50 = latency:percentile(50) / 1000,
    p90 = latency:percentile(90) / 1000,
    p99 = latency:percentile(99) / 1000,
    max = latency.max / 1000,
  }
  local fields = {}
  for name, value in pairs(result) do
    table.insert(fields, string.format("%q: %.6f", name, value))
  end
  io.write("\nRESULT {", table.concat(fields, ", "), "}\n")
end
