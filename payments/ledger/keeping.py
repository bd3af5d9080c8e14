"""Adding facts to the ledger, and making what follows from them: payments and findings."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy.orm import Session

from payments.ledger.findings import settle_findings
from payments.ledger.groups import Group
from payments.ledger.placing import place
from payments.ledger.reading import Known, read_locked, stated_first_by
from payments.ledger.statements import Account, Cause, Causes
from payments.ledger.writing import remove_groups, write_changes, write_objects, write_payment
from payments.projection.facts import Fact
from payments.projection.project import objects_of


def state(session: Session, account: Account, facts: Collection[Fact], cause: Cause) -> None:
    """Add `facts`, which `cause` states, and whatever follows from them.

    Raises:
        LostRace: the transaction has to begin anew. Nothing was written in it from here.
    """
    known = read_locked(session, account, objects_of(facts))
    wanted = _joined(known.causes, facts, cause)
    if wanted != known.causes:
        _keep(session, account, known, wanted, anew=False)


def restate(session: Session, account: Account, facts: Collection[Fact], cause: Cause) -> int:
    """Say again what the event `cause` states, and make the payments that it touches anew.

    Facts whose cause it is, and which it does not state any more, are taken back. Another event may
    state them too: that one has to be restated afterwards.

    Returns: how many facts were taken back.

    Raises:
        LostRace: as above.
    """
    assert cause.event is not None
    objects = objects_of({*facts, *stated_first_by(session, cause.event)})
    if not objects:
        return 0
    known = read_locked(session, account, objects)
    wanted = _joined(known.causes, facts, cause)
    gone = [fact for fact, it in wanted.items() if it.event == cause.event and fact not in facts]
    for fact in gone:
        del wanted[fact]
    _keep(session, account, known, wanted, anew=True)
    return len(gone)


def _joined(known: Causes, facts: Collection[Fact], cause: Cause) -> dict[Fact, Cause]:
    """Every fact with its cause: of all that stated it, the one with the smallest rank."""
    causes = dict(known)
    for fact in facts:
        current = causes.get(fact)
        if current is None or cause.rank < current.rank:
            causes[fact] = cause
    return causes


def _keep(session: Session, account: Account, known: Known, wanted: Causes, *, anew: bool) -> None:
    """Make the ledger say `wanted` where it says `known`; `anew` doubts also what follows."""
    groups = place(session, account, known, wanted)
    write_changes(session, known, groups)
    write_objects(session, account, known, groups)
    remove_groups(session, known.groups.keys() - {group.id for group in groups})
    for group in groups:
        write_payment(session, account, group)
    if anew or any(group.contradictions for group in groups) or _had_contradictions(account, known):
        forgotten = objects_of(known.entries) - objects_of(wanted)
        settle_findings(session, account, groups, forgotten)


def _had_contradictions(account: Account, known: Known) -> bool:
    """By the facts as they were: so that most events need not ask the table of findings."""
    return any(Group.of(account, facts).contradictions for facts in known.groups.values())
