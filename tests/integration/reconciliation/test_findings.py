"""Findings: opened once, resolved by a later look, and quiet once they are signed off."""

from __future__ import annotations

import random
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from payments.audit import Actor
from payments.database import transaction
from payments.errors import InvalidQuery
from payments.reconciliation.findings import Discrepancy, Scope, settle, sign_off
from tests.support.application import Application

SCOPE = Scope(provider="stripe", account="default", source="money")
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)
CAPTURED = Discrepancy(kind="amount_captured", subject="pi_1", expected="1000 EUR", found="0 EUR")
REFUNDED = Discrepancy(kind="amount_refunded", subject="pi_1", expected="10 EUR", found="0 EUR")


def look(
    application: Application,
    *found: Discrepancy,
    now: datetime = NOON,
    scope: Scope = SCOPE,
    subjects: Collection[str] = ("pi_1",),
    kinds: Collection[str] | None = None,
) -> int:
    with application.app.app_context(), transaction() as session:
        return settle(session, scope, subjects, found, now, kinds=kinds)


def sign(application: Application, *ids: int, reason: str | None = "known") -> list[Any]:
    with application.app.app_context():
        return list(sign_off(ids, Actor(name="pat"), reason))


def statuses(application: Application) -> dict[str, str]:
    rows = application.sql("SELECT kind, status FROM reconciliation_findings")
    return dict(tuple(row) for row in rows)


def test_a_finding_that_is_seen_again_stays_one(application: Application) -> None:
    assert look(application, CAPTURED) == 1
    assert look(application, CAPTURED, CAPTURED, now=LATER) == 1
    assert statuses(application) == {"amount_captured": "open"}


def test_a_later_look_resolves_what_it_does_not_find_again(application: Application) -> None:
    look(application, CAPTURED, REFUNDED)
    assert look(application, REFUNDED, now=LATER) == 1
    assert statuses(application) == {"amount_captured": "resolved", "amount_refunded": "open"}
    look(application, CAPTURED, REFUNDED, now=LATER)
    assert statuses(application) == {"amount_captured": "open", "amount_refunded": "open"}


def test_what_was_not_looked_at_stays_open(application: Application) -> None:
    look(application, CAPTURED)
    look(application, subjects=["pi_2"])
    look(application, scope=Scope(provider="stripe", account="other", source="money"))
    look(application, scope=Scope(provider="stripe", account="default", source="projection"))
    look(application, kinds=["amount_refunded"])
    assert statuses(application) == {"amount_captured": "open"}


def test_what_is_signed_off_reopens_only_when_it_says_something_else(
    application: Application,
) -> None:
    look(application, CAPTURED)
    [signed] = sign(application, 1)
    assert signed.done
    assert look(application, CAPTURED) == 0
    assert look(application) == 0
    assert statuses(application) == {"amount_captured": "signed_off"}
    worse = Discrepancy(**{**vars(CAPTURED), "found": "1 EUR"})
    assert look(application, worse) == 1
    [row] = application.sql("SELECT status, signed_off_by FROM reconciliation_findings")
    assert tuple(row) == ("open", None)


def test_signing_off_wants_a_reason_and_something_that_is_open(application: Application) -> None:
    look(application, CAPTURED, REFUNDED)
    look(application, REFUNDED)
    for reason in (None, "", " \n", "x" * 1001, "a\x00b"):
        with pytest.raises(InvalidQuery):
            sign(application, 2, reason=reason)
    outcomes = [signed.outcome for signed in sign(application, 1, 2, 2, 3)]
    assert outcomes == [
        "skipped: it is resolved, not open",
        "done",
        "skipped: there is no such finding",
    ]
    audit = application.sql("SELECT finding_id, actor, action, reason, outcome FROM audit_log")
    assert [row.finding_id for row in audit] == [1, 2, 3]
    assert tuple(audit[1])[1:] == ("pat", "findings.sign_off", "known", "done")


def test_two_looks_at_once_make_one_finding_of_each(application: Application) -> None:
    found = [Discrepancy(kind="status", subject=f"pi_{n}", found=str(n)) for n in range(300)]
    subjects = [it.subject for it in found]

    def one_look(seed: int) -> int:
        shuffled = random.Random(seed).sample(found, len(found))
        return look(application, *shuffled, subjects=subjects)

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(one_look, range(8))) == [300] * 8
    assert application.sql("SELECT count(*) FROM reconciliation_findings")[0][0] == 300


def test_texts_that_a_database_cannot_hold_are_kept_as_far_as_it_can(
    application: Application,
) -> None:
    odd = Discrepancy(kind="status", subject="pi_1", detail="d" * 999, expected="a\x00b", found="")
    assert look(application, odd) == 1
    assert look(application, odd) == 1
    [row] = application.sql("SELECT detail, expected, found FROM reconciliation_findings")
    assert (len(row.detail), row.expected, row.found) == (255, "a\ufffdb", "")
