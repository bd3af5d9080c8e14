"""Causes outside: which dependency, by what real libraries raise."""

from __future__ import annotations

import json
import socket
import sqlite3
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib import error, request

import psycopg
import pytest
import redis
import sqlalchemy
import urllib3

from payments.causes import Cause, Subject, cause_of_text, classify
from payments.observability.masking import Masker
from tests.support.servers import free_port

SECRET = "hunter2-hunter2"
MASK = Masker([SECRET])
CHARGE = Subject(provider="stripe", event_type="charge.refunded")
PAYOUT = Subject(provider="stripe", event_type="payout.failed")


def failure(act: Callable[[], object]) -> BaseException:
    """What `act` raises, with the traceback that it has."""
    with pytest.raises(BaseException) as caught:  # noqa: PT011
        act()
    return caught.value


@pytest.fixture
def port() -> int:
    return free_port()


def clients(port: int) -> dict[str, Callable[[], object]]:
    def plain() -> object:
        return socket.create_connection(("127.0.0.1", port), timeout=2)

    def by_urllib() -> object:
        return request.urlopen(f"http://127.0.0.1:{port}/x")

    def by_urllib3() -> object:
        return urllib3.request("GET", f"http://u:{SECRET}@127.0.0.1:{port}/x", retries=False)

    def by_urllib3_with_retries() -> object:
        return urllib3.request("GET", f"http://127.0.0.1:{port}/x", retries=1)

    def wrapped() -> object:
        try:
            return plain()
        except OSError as error:
            raise RuntimeError("order 4711 cannot be fulfilled") from error

    return {
        "plain": plain,
        "by_urllib": by_urllib,
        "by_urllib3": by_urllib3,
        "by_urllib3_with_retries": by_urllib3_with_retries,
        "wrapped": wrapped,
    }


def test_one_refused_dependency_is_one_cause_whatever_client_type_and_function(port: int) -> None:
    causes = [
        classify(failure(act), subject, MASK)
        for act in clients(port).values()
        for subject in (CHARGE, PAYOUT)
    ]
    assert {cause.dependency for cause in causes} == {f"127.0.0.1:{port}"}
    assert {cause.error_type for cause in causes} == {"ConnectionRefusedError"}
    assert len({cause.fingerprint for cause in causes}) == 1
    assert causes[
        0
    ].says == f"connection refused by 127.0.0.1:{port} in clients.<locals>.plain" or (
        causes[0].says == f"connection refused by 127.0.0.1:{port} in plain"
    )


def test_another_dependency_is_another_cause(port: int) -> None:
    mine = classify(failure(clients(port)["plain"]), CHARGE, MASK)
    other = classify(failure(clients(free_port())["plain"]), CHARGE, MASK)
    assert mine.fingerprint != other.fingerprint


@pytest.mark.parametrize(
    ("name", "act"),
    [
        ("redis", lambda: redis.Redis(port=free_port(), retry=None).ping()),
        ("PostgreSQL", lambda: psycopg.connect(f"postgresql://u:{SECRET}@127.0.0.1:1/x")),
        (
            "PostgreSQL",
            lambda: sqlalchemy.create_engine(
                f"postgresql+psycopg://u:{SECRET}@127.0.0.1:1/x"
            ).connect(),
        ),
    ],
)
def test_databases_are_known_by_name(name: str, act: Callable[[], object]) -> None:
    cause = classify(failure(act), CHARGE, MASK)
    assert (cause.dependency, cause.event_type) == (name, None)
    assert SECRET not in str(cause)


def test_a_statement_that_is_wrong_is_no_outage_and_a_locked_database_is_one(
    tmp_path: Any,
) -> None:
    first, second = (
        sqlite3.connect(tmp_path / "x.db", timeout=0, isolation_level=None) for _ in range(2)
    )
    wrong = classify(failure(lambda: first.execute("SELECT * FROM nothing")), CHARGE, MASK)
    first.execute("BEGIN IMMEDIATE")
    locked = classify(failure(lambda: second.execute("BEGIN IMMEDIATE")), CHARGE, MASK)
    first.close()
    second.close()
    assert (wrong.dependency, wrong.event_type) == (None, "charge.refunded")
    assert (locked.stage, locked.dependency, locked.event_type) == ("database", "SQLite", None)


class Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(int(self.path.strip("/")))
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server() -> Any:
    with HTTPServer(("127.0.0.1", 0), Answers) as running:
        Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


def ask(url: str) -> BaseException:
    found = failure(lambda: request.urlopen(url))  # noqa: S310
    assert isinstance(found, error.HTTPError)
    found.close()
    return found


def test_a_5xx_is_an_outage_and_a_4xx_is_not(server: str) -> None:
    away = classify(ask(f"{server}/503"), CHARGE, MASK)
    assert (away.error_type, away.dependency) == ("HTTP 503", server.removeprefix("http://"))
    assert away.event_type is None
    refused = classify(ask(f"{server}/404"), CHARGE, MASK)
    assert (refused.error_type, refused.event_type) == ("HTTPError 404", "charge.refunded")


class Response:
    def __init__(self, status: int, url: str) -> None:
        self.status_code, self.url = status, url


class OddError(Exception):
    """As requests, httpx and Stripe have them, by their attributes."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(f"key {SECRET} for jane@example.com")
        vars(self).update(attributes)


@pytest.mark.parametrize(
    ("thrown", "dependency"),
    [
        (OddError(response=Response(502, "https://api.x.test/a?k=v")), "api.x.test:443"),
        (
            type("ReadTimeout", (OddError, TimeoutError), {})(host="Db.X.test", port=1),
            "db.x.test:1",
        ),
        (type("APIConnectionError", (OddError,), {"__module__": "stripe._error"})(), "stripe"),
        (type("APIError", (OddError,), {"__module__": "stripe._error"})(http_status=500), "stripe"),
        (type("ConnectError", (OddError,), {})(url=f"https://u:{SECRET}@z.test"), "z.test:443"),
        (ConnectionError("HTTPConnectionPool(host='w.test', port=81): Max retries"), "w.test:81"),
        (ConnectionError("Error 111 connecting to cache.test:6379."), "cache.test:6379"),
        (ConnectionError("the warehouse does not answer"), None),
        (OSError(113, "No route to host"), None),
        (OddError(response=Response(500, "no url")), None),
        (type("ReadTimeout", (OddError, TimeoutError), {})(host="a b", port="x"), None),
    ],
)
def test_the_dependency_is_found_by_duck_typing(
    thrown: BaseException, dependency: str | None
) -> None:
    cause = classify(thrown, CHARGE, MASK)
    assert (cause.dependency, cause.event_type) == (dependency, None)
    assert SECRET not in str(cause)
    assert "jane" not in str(cause)


def test_a_file_that_is_missing_is_no_outage() -> None:
    cause = classify(failure(Path("/nowhere/at/all").read_text), CHARGE, MASK)
    assert (cause.error_type, cause.event_type) == ("FileNotFoundError", "charge.refunded")


def test_without_a_name_the_function_that_asked_stands_for_the_dependency() -> None:
    def warehouse() -> None:
        raise ConnectionRefusedError("111")

    def bank() -> None:
        raise ConnectionRefusedError("111")

    def cause(act: Callable[[], object], subject: Subject) -> Cause:
        return classify(failure(act), subject, MASK)

    same = cause(warehouse, CHARGE), cause(warehouse, PAYOUT)
    assert same[0].fingerprint == same[1].fingerprint
    assert cause(bank, CHARGE).fingerprint != same[0].fingerprint
    assert same[0].says == "connection refused by a dependency without a name in warehouse"


def test_an_attempt_that_took_too_long_says_where() -> None:
    def slow() -> None:
        raise TimeoutError("180 s")

    cause = classify(failure(slow), CHARGE, MASK, timed_out=True)
    assert (cause.stage, cause.event_type) == ("timeout", None)
    assert cause.says == "took longer than an attempt may in slow"


def test_old_texts_find_their_outage_too() -> None:
    pool = "ConnectionError: HTTPSConnectionPool(host='a.test', port=443): {} of 3"
    first = cause_of_text(pool.format(1), CHARGE, MASK)
    second = cause_of_text(pool.format(2), PAYOUT, MASK)
    assert first.fingerprint == second.fingerprint
    assert first.dependency == "a.test:443"
    key = [cause_of_text("KeyError: 'x'", subject, MASK) for subject in (CHARGE, PAYOUT)]
    assert key[0].fingerprint != key[1].fingerprint
    assert json.dumps(cause_of_text(None, CHARGE, MASK).says)
