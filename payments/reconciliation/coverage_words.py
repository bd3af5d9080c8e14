"""The plain verdict on one account's run of events."""

from __future__ import annotations

from payments.reconciliation.coverage import Covered
from payments.reconciliation.hours import HOUR
from payments.reconciliation.seen_hours import OPEN

FORM = "%Y-%m-%d %H:%M"


def verdict_on(covered: Covered) -> str:
    """As in: between 10:00 and 11:00 stripe made 1,204 events, 1,204 are here, all are processed.

    Speaks only of hours that were seen.
    """
    return " ".join([_counted(covered), *_unsure(covered)])


def _counted(covered: Covered) -> str:
    run, hours = covered.run, covered.hours
    name = f"{run['provider']} ({run['account']})"
    if not hours:
        return f"{name}: nothing is known of this window."
    theirs, ours, processed, missing = (
        sum(getattr(it, number) for it in hours)
        for number in ("theirs", "ours", "processed", "missing")
    )
    start, end = hours[0].hour, min(hours[-1].hour + HOUR, run["window_end"])
    told = [
        f"between {start:{FORM}} and {end:{FORM}} {name} made {_events(theirs)}",
        f"{ours:,} {_are(ours)} here",
    ]
    if fetched := run["fetched"]:
        told.append(f"{fetched:,} of them fetched just now")
    if missing:
        told.append(f"{missing:,} {_are(missing)} missing")
    left = ours - processed
    told.append(f"{left:,} {_are(left)} not processed yet" if left else "all are processed")
    return ", ".join(told) + "."


def _unsure(covered: Covered) -> list[str]:
    told = []
    if any(seen.state == OPEN for seen in covered.hours):
        told.append("Its end is still open: the provider may lag.")
    if covered.run["reason"]:
        told.append(f"Not all was seen: {covered.run['reason']}")
    return told


def _events(number: int) -> str:
    return f"{number:,} event{'s' * (number != 1)}"


def _are(number: int) -> str:
    return "is" if number == 1 else "are"
