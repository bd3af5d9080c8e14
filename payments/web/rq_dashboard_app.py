"""rq-dashboard 0.9, made harmless: it collects, our templates show, and nothing is changed.

As it comes, its pages are scripts that compile templates in the browser (`unsafe-eval`) and put
descriptions, errors and results into them unescaped (rq-dashboard#526); it requeues on GET, has no
protection against forged forms, and reads jobs with pickle. So it runs as an application of its own
behind ours (payments/web/rq.py), with these four of its views and none of its scripts. Its template
names lead to our templates, which escape everything.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from threading import Lock
from typing import Any

from flask import Flask, current_app, render_template
from rq import Queue, registry
from rq.exceptions import DeserializationError
from rq.job import Job
from rq.serializers import JSONSerializer

from payments.config import ROOT
from payments.extensions import settings
from payments.queueing import JobQueue

EXTENSION = "payments.rq_dashboard"
VIEWS = frozenset({"queues_overview", "workers_overview", "jobs_overview", "job_view"})
REQUEUES_ON_GET = "rq_dashboard.requeue_all"
QUEUED = "queued"
REGISTRIES: Mapping[str, type[registry.BaseRegistry]] = {
    "started": registry.StartedJobRegistry,
    "scheduled": registry.ScheduledJobRegistry,
    "deferred": registry.DeferredJobRegistry,
    "finished": registry.FinishedJobRegistry,
    "failed": registry.FailedJobRegistry,
    "canceled": registry.CanceledJobRegistry,
}
ORDERS = ("asc", "dsc")
MOST_PER_PAGE = 200
# RQ takes no others.
JOB_ID = re.compile(r"[A-Za-z0-9_-]{1,255}")
UNREADABLE = "(not a job of this service: it cannot be read)"

_making = Lock()


def dashboard() -> Flask:
    """That of the current application, made when somebody first asks for it."""
    with _making:
        if EXTENSION not in current_app.extensions:
            current_app.extensions[EXTENSION] = _make(JobQueue.patient(settings()))
    made = current_app.extensions[EXTENSION]
    assert isinstance(made, Flask)
    return made


def is_shown(endpoint: str, arguments: Mapping[str, Any]) -> bool:
    """Whether this view with these arguments is one that shows something, and changes nothing."""
    return (
        endpoint.removeprefix("rq_dashboard.") in VIEWS
        and arguments.get("instance_number") == 0
        and arguments.get("registry_name", QUEUED) in {QUEUED, *REGISTRIES}
        and arguments.get("order", ORDERS[0]) in ORDERS
        and JOB_ID.fullmatch(arguments.get("job_id", "any")) is not None
        and 1 <= int(arguments.get("per_page", 1)) <= MOST_PER_PAGE
        and 1 <= int(arguments.get("page", 1)) < 10**9
    )


def _make(queue: JobQueue) -> Flask:
    # Most of a second, and needed by few processes.
    from rq_dashboard import web

    app = Flask("payments.rq_dashboard", root_path=str(ROOT / "payments/web"), static_folder=None)
    app.config.update(RQ_DASHBOARD_REDIS_URL=("",), PROPAGATE_EXCEPTIONS=True)
    # Two addresses of one page are both right.
    app.url_map.redirect_defaults = False
    app.register_blueprint(web.blueprint)
    # It would open a connection without limits on time for every request.
    app.before_request_funcs["rq_dashboard"].clear()
    app.redis_conn = queue.connection  # type: ignore[attr-defined]  # where it looks
    # Its own reads the job with pickle.
    app.view_functions["rq_dashboard.job_view"] = _job_view
    app.jinja_env.globals.update(
        jobs_on_page=_jobs_on_page,
        registry_names=(QUEUED, *REGISTRIES),
        rows_of_queues=lambda queues: web.serialize_queues(0, sorted(queues)),
    )
    return app


def _jobs_on_page(
    queue: Queue, name: str, per_page: int | str, order: str, page: int | str
) -> tuple[int, list[dict[str, Any]]]:
    """How many jobs there are, and those of one page. Unlike rq-dashboard's, it removes none."""
    start, length = (int(page) - 1) * int(per_page), int(per_page)
    if name == QUEUED:
        total = queue.count
        if order == "dsc":
            start, length = max(0, total - start - length), min(length, max(0, total - start))
        ids = queue.get_job_ids(start, length)
        if order == "dsc":
            ids.reverse()
    else:
        there = REGISTRIES[name](queue.name, connection=queue.connection)
        total = there.get_job_count(cleanup=False)
        ids = there.get_job_ids(start, start + length - 1, desc=order == "dsc", cleanup=False)
    jobs = Job.fetch_many(ids, connection=queue.connection, serializer=JSONSerializer)
    return total, [_row(job) for job in jobs if job is not None]


def _job_view(instance_number: int, job_id: str) -> str:
    connection = current_app.redis_conn  # type: ignore[attr-defined]
    job = Job.fetch(job_id, connection=connection, serializer=JSONSerializer)
    return render_template("rq_dashboard/job.html", job=_row(job))


def _row(job: Job) -> dict[str, Any]:
    """What is shown of a job, as text."""
    from rq_dashboard import web

    row: dict[str, Any] = {"id": job.id, "origin": job.origin, "meta": job.meta}
    try:
        result = job.latest_result()
        row |= web.serialize_job(job)
        row |= {"status": job.get_status().value, "call": job.get_call_string()}
        row |= {"result": result and result.return_value}
    except (DeserializationError, ValueError):
        row |= {"description": UNREADABLE}
    return row
