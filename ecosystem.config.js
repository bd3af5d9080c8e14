// How PM2 runs the service: `make pm2-start`, `pm2-reload`, `pm2-stop` (docs/production.md).
//
// No setting and no secret is in here: each process reads .env and its environment by itself. PM2
// keeps the environment of the shell that started it, and `pm2 save` writes that to a file: leave
// secrets in .env, or in files that NAME_FILE names.
'use strict';

const { execFileSync } = require('child_process');
const path = require('path');

const python = path.join(__dirname, '.venv', 'bin', 'python');
const SECOND = 1000; // PM2's times are in milliseconds

// A configuration that is wrong ends the command here, with every problem listed.
const plan = JSON.parse(
  execFileSync(python, ['-m', 'jobs.process_plan'], {
    cwd: __dirname,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
);

function app(name, module, options) {
  return {
    name,
    script: python,
    args: ['-m', module],
    interpreter: 'none',
    exec_mode: 'fork',
    cwd: __dirname,
    env: { PYTHONUNBUFFERED: '1' },
    out_file: path.join(plan.logs, `${name}.log`),
    error_file: path.join(plan.logs, `${name}.log`),
    merge_logs: true,
    // The signal is for the process alone, which ends its children in its own order. SIGINT to all
    // of them would make gunicorn drop the requests that it is answering.
    treekill: false,
    // What keeps ending is started again for ever, ever more slowly, up to every 15 seconds: after
    // an hour without Redis the workers shall come back by themselves.
    exp_backoff_restart_delay: 100,
    max_restarts: 1000000000,
    ...options,
  };
}

const apps = [
  app('payments-web', 'payments.serving.web', {
    // gunicorn has 35 seconds to answer what has come.
    kill_timeout: 45 * SECOND,
    // Of the process that holds the port; gunicorn's workers retire at WEB_MAX_MEMORY_MB.
    max_memory_restart: '512M',
  }),
  app('payments-worker', 'jobs.worker', {
    instances: plan.workers,
    // A stopped worker finishes its job; this is above the time limit of every job there is.
    kill_timeout: (plan.longest_job_seconds + 20) * SECOND,
    // By itself it retires at WORKER_MAX_MEMORY_MB, after its job. This is for one that cannot.
    max_memory_restart: `${Math.ceil(plan.worker_max_memory_mb * 1.5)}M`,
  }),
  app('payments-scheduler', 'jobs.schedule', {
    kill_timeout: 30 * SECOND,
    max_memory_restart: '512M',
  }),
];

if (plan.embedded_redis) {
  // For trying things out. In production REDIS_URL names a Redis.
  apps.unshift(app('payments-redis', 'payments.serving.redis', { kill_timeout: 30 * SECOND }));
}

module.exports = { apps };
