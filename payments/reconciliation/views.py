"""Looking at findings and runs: filters and pages. Only reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session

from payments.errors import InvalidQuery, NotFound
from payments.extensions import Base
from payments.models import ReconciliationFinding, ReconciliationRun
from payments.models.reconciliation import (
    FINDING_SOURCES,
    FINDING_STATUSES,
    RUN_KINDS,
    RUN_STATUSES,
)
from payments.pages import (
    DEFAULT_LIMIT,
    MAX_ID,
    MAX_LIMIT,
    Page,
    check_identifiers,
    every_row,
    page_of,
)


@dataclass(frozen=True, kw_only=True)
class FindingFilter:
    """Which findings. None means: whatever it is."""

    provider: str | None = None
    account: str | None = None
    source: str | None = None
    kind: str | None = None
    status: str | None = None
    subject: str | None = None

    def __post_init__(self) -> None:
        """Raises InvalidQuery for what could never match because it is not understood."""
        _check_choice("source", self.source, FINDING_SOURCES)
        _check_choice("status", self.status, FINDING_STATUSES)
        check_identifiers(self, ("provider", "account", "kind", "subject"))

    def query(self) -> Select[ReconciliationFinding]:
        return select(ReconciliationFinding).where(*_equal(ReconciliationFinding, vars(self)))


@dataclass(frozen=True, kw_only=True)
class RunFilter:
    """Which runs. None means: whatever it is."""

    provider: str | None = None
    account: str | None = None
    kind: str | None = None
    status: str | None = None

    def __post_init__(self) -> None:
        """Raises InvalidQuery for what could never match because it is not understood."""
        _check_choice("kind", self.kind, RUN_KINDS)
        _check_choice("status", self.status, RUN_STATUSES)
        check_identifiers(self, ("provider", "account"))

    def query(self) -> Select[ReconciliationRun]:
        return select(ReconciliationRun).where(*_equal(ReconciliationRun, vars(self)))


def list_findings(
    session: Session, which: FindingFilter, limit: int = DEFAULT_LIMIT, before: int | None = None
) -> Page[ReconciliationFinding]:
    """A page of findings, the newest first; raises InvalidQuery as `page_of` does."""
    return page_of(session, which.query(), ReconciliationFinding.id, limit=limit, before=before)


def get_finding(session: Session, id: int) -> ReconciliationFinding:
    """The finding with primary key `id`.

    Raises:
        NotFound: there is none.
    """
    finding = session.get(ReconciliationFinding, id) if 0 < id <= MAX_ID else None
    if finding is None:
        raise NotFound("There is no finding with this id.")
    return finding


def all_findings(
    session: Session, which: FindingFilter, before: int | None = None
) -> Iterator[ReconciliationFinding]:
    """Every one of them, the newest first, a page at a time."""
    return every_row(lambda below: list_findings(session, which, MAX_LIMIT, below), before)


def list_runs(
    session: Session, which: RunFilter, limit: int = DEFAULT_LIMIT, before: int | None = None
) -> Page[ReconciliationRun]:
    """A page of runs, the newest first; raises InvalidQuery as `page_of` does."""
    return page_of(session, which.query(), ReconciliationRun.id, limit=limit, before=before)


def get_run(session: Session, id: int) -> ReconciliationRun:
    """The run with primary key `id`.

    Raises:
        NotFound: there is none.
    """
    run = session.get(ReconciliationRun, id) if 0 < id <= MAX_ID else None
    if run is None:
        raise NotFound("There is no run with this id.")
    return run


def _equal(model: type[Base], given: Mapping[str, Any]) -> Iterator[ColumnElement[bool]]:
    """What is given must be the same in the row."""
    return (getattr(model, name) == value for name, value in given.items() if value is not None)


def _check_choice(name: str, value: str | None, known: tuple[str, ...]) -> None:
    if value is not None and value not in known:
        raise InvalidQuery(f"{name}: use one of {', '.join(known)}.")
