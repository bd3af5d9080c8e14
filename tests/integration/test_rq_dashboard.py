"""`/admin/rq`: rq-dashboard shows jobs to operators, and neither changes nor runs anything."""

from __future__ import annotations

import subprocess
import sys
from html import escape
from urllib.parse import quote

import pytest
from rq.job import Job
from rq.registry import FailedJobRegistry
from werkzeug.test import TestResponse

from payments.handlers import PermanentFailure, handles
from payments.queueing import queue_of
from tests.support.application import Application, MakeApplication
from tests.support.console import Person, csrf_token_in
from tests.support.deliveries import stripe_event
from tests.support.hostile_jobs import JOB_ID, SCRIPT, SCRIPTS, leave_hostile_job
from tests.support.servers import free_port

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
JOBS = "/admin/rq/0/view/jobs"
PAGES = (
    *("/admin/rq", "/admin/rq/0/view/queues", "/admin/rq/0/view/workers", JOBS),
    *(f"{JOBS}/payments/{name}/50/asc/1" for name in ("queued", "failed", "scheduled")),
    f"/admin/rq/0/view/job/{JOB_ID}",
)


def content_of(page: TestResponse) -> str:
    """Below the head, which has the console's own scripts."""
    _, main, content = page.text.partition("<main")
    assert main, page.text
    return content


@pytest.fixture
def operator(application: Application) -> Person:
    person = Person(application.app)
    person.log_in()
    return person


@pytest.mark.parametrize("path", PAGES)
def test_what_is_script_in_a_job_is_text_on_every_page(
    application: Application, operator: Person, path: str
) -> None:
    leave_hostile_job(application.queue.connection)
    page = operator.get(path)
    assert page.status_code == 200, page.text
    for script in SCRIPTS:
        assert script not in page.text
    for tag in ("<script", "<img", "<svg", "onerror='"):
        assert tag not in content_of(page)
    assert "unsafe" not in page.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "path",
    [PAGES[1], PAGES[2], f"{JOBS}/payments/queued/50/asc/1", f"{JOBS}/payments/failed/50/asc/1"],
)
def test_what_is_text_in_a_job_is_shown_whole(
    application: Application, operator: Person, path: str
) -> None:
    leave_hostile_job(application.queue.connection)
    assert str(escape(SCRIPTS[0])) in operator.get(path).text


def test_a_jobs_page_shows_its_call_result_metadata_and_error(
    application: Application, operator: Person
) -> None:
    leave_hostile_job(application.queue.connection)
    page = operator.get(f"/admin/rq/0/view/job/{JOB_ID}").text
    # In its description, its call (a name and five arguments), result, metadata and error.
    assert page.count(str(escape("window.ran = 1</script>"))) >= 10


def test_a_queue_with_a_strange_name_has_pages_too(
    application: Application, operator: Person
) -> None:
    leave_hostile_job(application.queue.connection)
    name = quote("<b>strange</b>", safe="")
    page = operator.get(f"{JOBS}/{name}/queued/50/asc/1")
    # A slash in a name is no part of rq-dashboard's addresses.
    assert page.status_code == 404
    page = operator.get(f"{JOBS}/{quote('<b onload=a>')}/queued/50/asc/1")
    assert page.status_code == 200
    assert "<b onload" not in page.text
    for name in ("очередь", "é"):
        page = operator.get(f"{JOBS}/{quote(name)}/queued/50/asc/1")
        assert (page.status_code, name in content_of(page)) == (200, True), name


def test_of_an_event_only_its_number_reaches_redis(
    application: Application, operator: Person
) -> None:
    @handles("stripe", "*")
    def fail(event: object, session: object, effects: object) -> None:
        raise PermanentFailure("a reason of the handler's own")

    # Ids, types and versions are short, and have no spaces.
    script = "<script>window.ran=1</script>"
    hostile = stripe_event(script, id=script, api_version=script, request={"id": SCRIPT})
    hostile["data"]["object"] |= {"id": script, "description": SCRIPT, SCRIPT: SCRIPT}
    assert application.deliver(hostile).status_code == 200
    application.work()
    [id] = application.failed_jobs()
    page = operator.get(f"/admin/rq/0/view/job/{id}").text
    assert "jobs.process.process_event(1)" in page
    assert "event 1" in page
    connection = application.queue.connection
    stored = b"".join(connection.dump(key) or b"" for key in connection.keys("rq:job:*"))
    assert b"window.ran" not in stored
    assert "window.ran" not in page


# ── looking, and not touching ─────────────────────────────────────────────────────────────────

CHANGES = (
    *(f"job/{JOB_ID}/delete", f"job/{JOB_ID}/requeue", "requeue/payments"),
    *("queue/payments/failed/empty", "queue/payments/queued/empty", "queue/payments/compact"),
)


@pytest.mark.parametrize("path", CHANGES)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_what_would_change_a_job_is_refused_and_says_where_that_is_done(
    application: Application, operator: Person, path: str, method: str
) -> None:
    connection = application.queue.connection
    leave_hostile_job(connection)
    before = {key: connection.dump(key) for key in connection.keys("rq:*")}
    fields = {"csrf_token": csrf_token_in(operator.get("/console"))}
    data = None if method == "GET" else fields
    response = operator.client.open(f"/admin/rq/{path}", method=method, data=data)
    assert response.status_code == 405
    assert response.mimetype == "text/html"
    assert "audited" in response.text
    assert {key: connection.dump(key) for key in connection.keys("rq:*")} == before


@pytest.mark.parametrize("path", PAGES)
def test_looking_changes_nothing_not_even_what_is_stale(
    application: Application, operator: Person, path: str
) -> None:
    connection = application.queue.connection
    leave_hostile_job(connection)
    queue = queue_of(connection)
    queue.push_job_id("gone")
    connection.zadd(FailedJobRegistry(queue=queue).key, {"gone": 1})
    before = {key: connection.dump(key) for key in connection.keys("rq:*")}
    assert operator.get(path).status_code == 200
    assert {key: connection.dump(key) for key in connection.keys("rq:*")} == before


@pytest.mark.parametrize(
    "path",
    [
        *("1/view/queues", "99/view/queues", "-1/view/queues", "x/view/queues", "0/view/nothing"),
        *("0/view/jobs/payments/nothing/50/asc/1", "0/view/jobs/payments/queued/50/up/1"),
        *("0/view/jobs/payments/queued/0/asc/1", "0/view/jobs/payments/queued/201/asc/1"),
        *("0/view/jobs/payments/queued/50/asc/0", f"0/view/jobs/payments/queued/50/asc/{'9' * 99}"),
        *("0/view/job/nothing", "0/view/job/%00", f"0/view/job/{'a' * 2000}", "0/view/job/a:b"),
        *("0/data/queues.json", f"0/data/job/{JOB_ID}.json", "0/data/workers.json"),
        *("favicon.ico", "static/js/jquery-3.5.1.min.js", "../console", "%2e%2e/console"),
        *("0/view/job/<script>alert(1)</script>", "0/view/job/%FF", "//0/view/queues"),
    ],
    ids=lambda it: it[:40],
)
def test_what_is_not_there_is_a_page_that_says_so(operator: Person, path: str) -> None:
    response = operator.get(f"/admin/rq/{path}")
    assert response.status_code == 404, response.text
    assert response.mimetype == "text/html"
    assert "<script" not in content_of(response)


@pytest.mark.parametrize("order", ["asc", "dsc"])
@pytest.mark.parametrize("registry", ["queued", "failed"])
def test_pages_of_jobs_show_each_job_once(
    application: Application, operator: Person, registry: str, order: str
) -> None:
    queue = queue_of(application.queue.connection)
    ids = [f"event-{number}-x" for number in range(7)]
    for id in ids:
        job = queue.create_job("jobs.process.process_event", args=[1], job_id=id)
        job.save()
        if registry == "queued":
            queue.push_job_id(id)
        else:
            FailedJobRegistry(queue=queue).add(job, ttl=3600)
    seen: list[str] = []
    for page in range(1, 4):
        text = operator.get(f"{JOBS}/payments/{registry}/3/{order}/{page}").text
        found = [(text.index(f">{id}<"), id) for id in ids if f">{id}<" in text]
        seen += [id for _, id in sorted(found)]
    assert seen == (ids if order == "asc" else ids[::-1])


def test_a_job_of_somebody_else_does_not_hide_ours(
    application: Application, operator: Person
) -> None:
    queue = queue_of(application.queue.connection)
    for id in ("ours", "pickled"):
        queue.create_job("jobs.process.process_event", args=[1], job_id=id).save()
        queue.push_job_id(id)
    queue.connection.hset(Job.key_for("pickled"), "data", b"\x80\x04K\x01.")
    page = operator.get(f"{JOBS}/payments/queued/50/asc/1")
    assert page.status_code == 200
    assert "cannot be read" in page.text
    assert "ours" in page.text
    assert "cannot be read" in operator.get("/admin/rq/0/view/job/pickled").text


def test_without_redis_there_is_a_page_that_says_so(make_application: MakeApplication) -> None:
    application = make_application(REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")
    person = Person(application.app)
    person.log_in()
    for path in PAGES:
        response = person.get(path)
        assert response.status_code == 503
        assert response.mimetype == "text/html"
        assert "Redis does not answer" in response.text
    overview = person.get("/console")
    assert overview.status_code == 200
    assert "They are not zero" in overview.text


def test_rq_dashboard_is_not_imported_before_somebody_asks_for_it(application: Application) -> None:
    code = "import sys, payments.app; print('rq_dashboard' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "False"
