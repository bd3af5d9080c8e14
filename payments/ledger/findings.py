"""The findings of the projection: those that are open are what a payment's facts contradict.

What an operator has signed off stays so, until it says something else.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from payments.ledger.groups import Group
from payments.ledger.statements import Account
from payments.models import ReconciliationFinding, utc_now
from payments.models.reconciliation import OPEN, RESOLVED
from payments.projection.facts import Contradiction

SOURCE = "projection"


def settle_findings(
    session: Session, account: Account, groups: Sequence[Group], forgotten: Collection[str]
) -> None:
    """Open what is new, and resolve what is gone.

    The subject is the payment's id, which is one of its group's objects, before as well as after
    the root is known. `forgotten` are objects that no group has any more.
    """
    now = utc_now()
    known = _known(session, account, {*forgotten, *(one for it in groups for one in it.objects)})
    for group in groups:
        here = [finding for finding in known if finding.subject in group.objects]
        if group.projection is not None:
            _settle(session, account, group.projection.payment_id, group.contradictions, here, now)
        else:
            _resolve(here, now)
    _resolve([finding for finding in known if finding.subject in forgotten], now)
    session.flush()


def _known(
    session: Session, account: Account, subjects: Collection[str]
) -> Sequence[ReconciliationFinding]:
    """Locked, because an operator may be signing one off at this moment."""
    finding = ReconciliationFinding
    query = select(finding).where(
        finding.provider == account.provider,
        finding.account == account.name,
        finding.source == SOURCE,
        finding.subject.in_(sorted(subjects)),
    )
    ordered = query.order_by(finding.id).with_for_update()
    return session.scalars(ordered.execution_options(populate_existing=True)).all()


def _settle(
    session: Session,
    account: Account,
    subject: str,
    contradictions: Iterable[Contradiction],
    known: Sequence[ReconciliationFinding],
    now: datetime,
) -> None:
    # What was found about the payment wins over what was found when another object stood for it.
    ranked = sorted(known, key=lambda finding: finding.subject == subject)
    by_name = {(finding.kind, finding.detail): finding for finding in ranked}
    seen = []
    for name, contradiction in _by_name(contradictions).items():
        finding = by_name.get(name)
        if finding is None:
            session.add(_new(account, subject, contradiction, now))
        else:
            _see_again(finding, subject, contradiction, now)
            seen.append(finding)
    _resolve([finding for finding in known if finding not in seen], now)


def _by_name(contradictions: Iterable[Contradiction]) -> dict[tuple[str, str], Contradiction]:
    """One for each kind and detail, whatever order a set has."""
    ordered = sorted(
        contradictions, key=lambda it: (it.kind, it.detail, it.expected or "", it.found or "")
    )
    return {(it.kind, it.detail): it for it in reversed(ordered)}


def _new(
    account: Account, subject: str, contradiction: Contradiction, now: datetime
) -> ReconciliationFinding:
    return ReconciliationFinding(
        provider=account.provider,
        account=account.name,
        source=SOURCE,
        kind=contradiction.kind,
        subject=subject,
        detail=contradiction.detail,
        expected=contradiction.expected,
        found=contradiction.found,
        status=OPEN,
        first_seen_at=now,
        last_seen_at=now,
    )


def _see_again(
    finding: ReconciliationFinding, subject: str, contradiction: Contradiction, now: datetime
) -> None:
    said = (finding.expected, finding.found)
    same = said == (contradiction.expected, contradiction.found)
    finding.subject = subject
    if same and finding.status != RESOLVED:
        return
    finding.expected, finding.found = contradiction.expected, contradiction.found
    finding.status, finding.last_seen_at = OPEN, now
    finding.resolved_at = None
    finding.signed_off_at = finding.signed_off_by = finding.signed_off_reason = None


def _resolve(findings: Iterable[ReconciliationFinding], now: datetime) -> None:
    for finding in findings:
        if finding.status == OPEN:
            finding.status, finding.resolved_at = RESOLVED, now
