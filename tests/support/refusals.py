"""What a refusal looks like from outside, whoever made it: Flask, gunicorn or a provider."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import inspect
from werkzeug.test import TestResponse

from payments.extensions import db
from tests.support.application import Application

# What is counted of deliveries; nothing of them is kept in there.
COUNTED = {"alembic_version", "delivery_counts", "secret_uses"}
PROBLEM = "application/problem+json"
BAD_SIGNATURE = "The signature of this delivery could not be verified."
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
TRACE_ID = re.compile(r"[0-9a-f]{32}")
# What a traceback, or a Python object that was put into a message, would show.
LEAKS = (
    "Traceback",
    'File "',
    "line ",
    "Error(",
    "Exception",
    "whsec_",
    "0x7f",
    "sqlite",
    "psycopg",
)


def check_problem(status: int, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """The members of a problem (RFC 9457), after checking that it is a whole and harmless one."""
    named = {name.lower(): value for name, value in headers.items()}
    assert named["content-type"] == PROBLEM, (status, named, body[:200])
    problem: dict[str, Any] = json.loads(body)
    assert problem["type"] == "about:blank"
    assert problem["status"] == status
    assert problem["title"]
    assert isinstance(problem["detail"], str)
    assert problem["request_id"] == named["x-request-id"]
    assert REQUEST_ID.fullmatch(problem["request_id"])
    assert TRACE_ID.fullmatch(named["x-trace-id"])
    said = body.decode()
    assert not [leak for leak in LEAKS if leak in said], said
    return problem


def problem_of(response: TestResponse, status: int) -> dict[str, Any]:
    """The problem in `response`, which must have `status`."""
    assert response.status_code == status, (response.status_code, response.text[:300])
    return check_problem(status, response.headers, response.data)


def rows(application: Application) -> dict[str, int]:
    """How many rows each table has that has any; that a delivery was refused may be counted."""
    with application.app.app_context():
        tables = set(inspect(db.engine).get_table_names()) - COUNTED
    counts = {name: application.sql(f'SELECT count(*) FROM "{name}"')[0][0] for name in tables}  # noqa: S608
    return {name: count for name, count in counts.items() if count}


def assert_refused(application: Application, response: TestResponse, status: int) -> dict[str, Any]:
    """The problem in `response`; nothing was kept and nothing was enqueued."""
    problem = problem_of(response, status)
    assert rows(application) == {}
    assert application.queue.queue.count == 0
    return problem


def assert_bad_signature(application: Application, response: TestResponse) -> None:
    """One and the same answer, so that nobody learns how close they came."""
    problem = assert_refused(application, response, 400)
    assert (problem["title"], problem["detail"]) == ("Bad signature", BAD_SIGNATURE)
