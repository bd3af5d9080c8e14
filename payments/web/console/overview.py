"""`/console`: what the person on call sees first."""

from __future__ import annotations

from contextlib import closing

from flask import render_template
from redis.exceptions import RedisError

from payments.backlog import Backlog, measure
from payments.database import snapshot
from payments.extensions import settings
from payments.health import readiness
from payments.models import utc_now
from payments.queueing import JobQueue
from payments.web.console.blueprint import blueprint

# Recovery enqueues what is due every 30 seconds, so anything older means that it does not run.
STRANDED_SECONDS = 120


@blueprint.get("", strict_slashes=False)
def overview() -> str:
    checks = readiness()
    # Without these two there is nothing to count.
    countable = checks["database"] == checks["migrations"] == "ok"
    return render_template(
        "console/overview.html",
        backlog=_backlog() if countable else None,
        checks=checks,
        stranded_seconds=STRANDED_SECONDS,
    )


def _backlog() -> Backlog | None:
    """None where Redis does not answer: what it knows belongs to each of the numbers."""
    queue = JobQueue.patient(settings())
    try:
        with closing(queue.connection), snapshot() as session:
            return measure(session, queue, utc_now())
    except (RedisError, OSError):
        return None
