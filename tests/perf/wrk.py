"""wrk, the load generator (github.com/wg/wrk), sending requests that were signed beforehand."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.perf.errors import MissingTool, WrongResult
from tests.perf.presigned import PATH, Requests

SCRIPT = Path(__file__).with_name("replay.lua")
MARK = "RESULT "
# wrk is ended by the script when the last answer is there; this is for answers that never come.
EXTRA_SECONDS = 20
ERRORS = ("connect_errors", "read_errors", "write_errors", "timeouts", "bad_statuses")


@dataclass(frozen=True)
class Load:
    """What came of a load: answers per second, and latencies in milliseconds."""

    answered: int
    per_second: float
    p50: float
    p90: float
    p99: float
    max: float


def require_wrk() -> None:
    if not shutil.which("wrk"):
        raise MissingTool("needs wrk: apt-get install wrk")


def send(
    requests: Requests, port: int, seconds: float, connections: int, *, again: bool = False
) -> Load:
    """Send `requests` for `seconds`, or until they are used up, and wait for every answer.

    One thread of wrk: it has one core's share, and is far from using it up.

    Raises:
        WrongResult: not every request was answered with 2xx.
    """
    command = [
        *("wrk", "--threads", "1", "--connections", str(connections), "--timeout", "15s"),
        *("--duration", f"{int(seconds) + EXTRA_SECONDS}s", "--script", str(SCRIPT)),
        *(f"http://127.0.0.1:{port}{PATH}", "--"),
        *(str(requests.file), str(requests.length), str(seconds), str(connections)),
        "again" if again else "once",
    ]
    ended = subprocess.run(
        command, capture_output=True, text=True, check=False, start_new_session=True
    )
    return _read(ended)


def _read(ended: subprocess.CompletedProcess[str]) -> Load:
    lines = [line for line in ended.stdout.splitlines() if line.startswith(MARK)]
    if ended.returncode or not lines:
        raise WrongResult(f"wrk failed:\n{ended.stdout}{ended.stderr}")
    result: dict[str, float] = json.loads(lines[-1].removeprefix(MARK))
    if any(result[error] for error in ERRORS) or result["sent"] != result["answered"]:
        raise WrongResult(f"not every request was answered with 2xx: {result}")
    return Load(
        answered=int(result["answered"]),
        per_second=result["answered"] / result["seconds"],
        p50=result["p50"],
        p90=result["p90"],
        p99=result["p99"],
        max=result["max"],
    )
