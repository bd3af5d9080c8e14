"""Counting what the database is asked: each statement by operation and table, and connections.

Listens to an engine, so that nobody who makes a statement need think of it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.engine import ExceptionContext

from payments.extensions import Base
from payments.observability.metrics import CONNECTIONS, DATABASE_OPERATIONS, OTHER, harmless

OPERATIONS = frozenset({"select", "insert", "update", "delete"})
# WITH … INSERT: the statement's own verb comes after the first closing bracket.
TABLE = re.compile(r"\b(?:from|into|update)\s+\"?([a-z_]+)", re.IGNORECASE)
WITH = re.compile(r"\s*with\b.*?\(\s*(\w+)", re.IGNORECASE | re.DOTALL)
VERB = re.compile(r"\s*(\w+)")


def observe(engine: Engine) -> None:
    """Count what is done through `engine` from now on."""
    event.listen(engine, "after_cursor_execute", _succeeded)
    event.listen(engine, "handle_error", _failed)
    event.listen(engine, "checkout", _taken)
    event.listen(engine, "checkin", _returned)


@lru_cache(maxsize=1024)
def named(statement: str) -> tuple[str, str]:
    """The operation and the table of a statement; both `other` where they are none of ours."""
    verb = WITH.match(statement) or VERB.match(statement)
    operation = verb[1].lower() if verb else OTHER
    table = TABLE.search(statement)
    name = table[1].lower() if table else OTHER
    return (
        operation if operation in OPERATIONS else OTHER,
        name if name in Base.metadata.tables else OTHER,
    )


@harmless
def _succeeded(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
    DATABASE_OPERATIONS.labels(*named(statement), "ok").inc()


@harmless
def _failed(context: ExceptionContext) -> None:
    if context.statement is not None:
        DATABASE_OPERATIONS.labels(*named(context.statement), "error").inc()


@harmless
def _taken(_dbapi_connection: Any, _record: Any, _proxy: Any) -> None:
    CONNECTIONS.labels("pool").inc()


@harmless
def _returned(_dbapi_connection: Any, _record: Any) -> None:
    CONNECTIONS.labels("pool").dec()
