"""A database that an older version filled: nothing of it is lost, and it gets its payments.

`0002_*.sql` are dumps of databases at migration 0002, made by the code of commit 568ca3b, before
there were payments: events of six payments through its front door, one of them not yet processed, a
dead one that an operator has retried, and one id with two contents. Only the year was moved back.
`0002_payments.json` is what must come of them, by the plain addition of the stories that told them.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import make_url

from jobs.recover import recover_events
from payments.extensions import Base, db
from tests.support.application import Application, MakeApplication

HERE = Path(__file__).parent
KEPT = ("events", "event_payloads", "event_conflicts", "attempts", "audit_log", "effects")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database as the older version left it."""
    dump = (HERE / f"0002_{request.param}.sql").read_text()
    if request.param == "sqlite":
        file = tmp_path / "payments.db"
        with sqlite3.connect(file) as connection:
            connection.executescript(dump)
        connection.close()
        yield f"sqlite:///{file}"
        return
    server = request.getfixturevalue("postgresql_server")
    url = make_url(server).set(database="upgraded").render_as_string(hide_password=False)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE upgraded")
        with psycopg.connect(url, autocommit=True) as ours:
            ours.execute(dump.encode())
        yield url
        connection.execute("DROP DATABASE upgraded WITH (FORCE)")


def test_an_upgrade_loses_nothing_and_the_old_events_make_their_payments(
    make_application: MakeApplication,
) -> None:
    service = make_application()
    before = rows(service)
    assert len(before["events"]) == 22
    upgraded = service.cli("db", "upgrade")
    assert upgraded.exit_code == 0, upgraded.output
    after = rows(service)
    for table in KEPT:
        assert [named(row, before[table][0]) for row in after[table]] == before[table], table
    assert what_the_models_add(service) == []
    finish(service)
    rebuilt = service.cli("payments", "rebuild", "--all", "--json")
    assert rebuilt.exit_code == 0, rebuilt.output
    assert json.loads(rebuilt.stdout)["outcomes"] == {"rebuilt": 21}
    expected = json.loads((HERE / "0002_payments.json").read_text())
    assert payments(service, expected[0]) == sorted(expected, key=lambda it: it["payment_id"])
    assert service.deliver().status_code == 200


def rows(service: Application) -> dict[str, list[dict[str, Any]]]:
    return {
        name: [dict(row._mapping) for row in service.sql(f"SELECT * FROM {name} ORDER BY 1")]  # noqa: S608
        for name in KEPT
    }


def named(row: dict[str, Any], like: dict[str, Any]) -> dict[str, Any]:
    """What the row had before columns were added."""
    return {name: row[name] for name in like}


def what_the_models_add(service: Application) -> list[Any]:
    with service.app.app_context(), db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return compare_metadata(context, Base.metadata)


def finish(service: Application) -> None:
    """What the older version left unfinished is done, and its dead event gets its group."""
    with service.app.app_context():
        recover_events()
    service.work()
    statuses = [event["status"] for event in service.events(limit=500)]
    assert sorted(set(statuses)) == ["dead", "ignored", "processed"]
    assert statuses.count("dead") == 1
    [dead] = service.events(status="dead")
    assert dead["failure_group_id"] is not None


def payments(service: Application, like: dict[str, Any]) -> list[dict[str, Any]]:
    listed = service.admin("/payments", limit=500).get_json()
    return sorted((named(row, like) for row in listed), key=lambda it: it["payment_id"])
