"""What a process manager must know of this configuration, as JSON: `python -m jobs.process_plan`.

`workers` to run; whether there is an `embedded_redis` to run; how long a worker may need until its
job has ended (`longest_job_seconds`); the memory at which it retires by itself; and the folder for
logs.
"""

from __future__ import annotations

import json
import sys

from jobs.schedule import periodic
from jobs.worker import WATCHDOG_GRACE_SECONDS
from payments.app import settings_from_environment
from payments.config import Settings
from payments.queueing import SLICE_TIMEOUT_SECONDS
from payments.variables import ConfigError


def process_plan(settings: Settings) -> dict[str, int | bool | str]:
    limits = [job.timeout_seconds for job in periodic(settings.reconcile_every_minutes)]
    longest = max(settings.job_timeout_seconds, SLICE_TIMEOUT_SECONDS, *limits)
    return {
        "workers": settings.worker_count,
        "embedded_redis": settings.redis_is_embedded,
        "longest_job_seconds": longest + WATCHDOG_GRACE_SECONDS,
        "worker_max_memory_mb": settings.worker_max_memory_mb,
        "logs": str(settings.var_dir / "log"),
    }


def main() -> None:
    try:
        plan = process_plan(settings_from_environment())
    except ConfigError as problems:
        raise SystemExit(str(problems)) from None
    sys.stdout.write(f"{json.dumps(plan)}\n")


if __name__ == "__main__":
    main()
