"""What groups cost grows with what they hold, and not with all events: by the queries' plans."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from payments import bulk
from payments.bulk import Scope
from payments.database import snapshot
from payments.dead_letter_groups import dead_ids, get_group, list_groups, list_items
from payments.extensions import db
from payments.failure_groups import adopt_dead_events
from payments.models import utc_now
from payments.observability.masking import Masker
from payments.operations import Actor
from tests.support.application import Application
from tests.support.shop import Shop, let_die

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
# Tables that grow with all that ever happened, read from end to end or by an index that has it all.
SCAN = re.compile(r"SCAN (events|attempts|payments|payment_objects|audit_log|bulk_items)\b(.*)")
HELD = "USING INDEX ix_events_held", "USING COVERING INDEX ix_events_held"


@contextmanager
def statements() -> Iterator[list[tuple[str, Any]]]:
    seen: list[tuple[str, Any]] = []

    def see(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "UPDATE", "WITH")):
            seen.append((statement, parameters))

    event.listen(db.engine, "before_cursor_execute", see)
    yield seen
    event.remove(db.engine, "before_cursor_execute", see)


def scans(application: Application, act: Callable[[Session], object]) -> list[str]:
    """What the statements of `act` read from end to end."""
    with application.app.app_context():
        with statements() as seen, snapshot() as session:
            act(session)
        assert seen
        found = []
        with snapshot() as session:
            connection = session.connection()
            for statement, parameters in seen:
                plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
                for row in plan:
                    match = SCAN.search(row[-1])
                    if match and not match[2].strip().startswith(HELD):
                        found.append(f"{row[-1]} in {statement}")
        return found


@pytest.mark.parametrize(
    "act",
    [
        lambda session: list_groups(session, utc_now()),
        lambda session: get_group(session, 1, utc_now()),
        lambda session: list_items(session, 1),
        lambda session: list_items(session, 1, before=100),
        lambda session: dead_ids(session, 1),
        lambda session: adopt_dead_events(Masker()),
        lambda session: bulk.list_operations(session),
        lambda session: bulk.get_operation(session, 1),
        lambda session: bulk.list_items(session, 1, state="waiting", after=1),
    ],
    ids=[
        "groups", "group", "items", "next items", "ids", "adoption",
        "operations", "operation", "items of an operation",
    ],
)  # fmt: skip
def test_no_query_reads_a_whole_table(
    application: Application, act: Callable[[Session], object]
) -> None:
    shop = Shop()
    shop.refuse()
    let_die(application)
    with application.app.app_context():
        bulk.create("retry", Scope.of_group(1), Actor(name="eve"), application.queue)
    assert scans(application, act) == []
