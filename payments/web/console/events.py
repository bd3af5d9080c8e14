"""`/console/events`: the list, its filters, its counts, and the news since it was loaded."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import render_template, request

from payments.database import snapshot
from payments.errors import InvalidQuery
from payments.event_filter import EventFilter
from payments.events import count_events, list_events
from payments.extensions import settings
from payments.models import STATUSES, Event
from payments.payment_views import payments_about
from payments.web.console import address
from payments.web.console.blueprint import blueprint
from payments.web.console.words import MOST_COUNTED
from payments.web.keys import is_key

FILTERS = (
    *("provider", "account", "status", "type", "event_id", "object_id", "error"),
    *("since", "until", "conflicts"),
)
NEWEST = "after"
MOST_NEW = 99
YES, NO = "yes", "no"


@blueprint.get("/events")
def events() -> Any:
    try:
        given = address.read_address(FILTERS)
        which = _filter(given)
        with snapshot() as session:
            page = list_events(session, which, before=address.cursor())
            payments = payments_about(session, page.rows)
    except InvalidQuery as error:
        return _page(_as_typed(), complaint=error), error.status
    return _page(given, which=which, page=page, payments=payments)


@blueprint.get("/events/count")
def events_count() -> str:
    """How many match, in words; loaded apart, because the list must not wait for it."""
    which = _filter(address.read_address(FILTERS))
    with snapshot() as session:
        count = count_events(session, which, most=MOST_COUNTED + 1)
    return render_template("console/events_count.html", count=count)


@blueprint.get("/events/newer")
def events_newer() -> str:
    """How many have come since the list was loaded: a link in the space that is kept for it."""
    given = address.read_address((*FILTERS, NEWEST))
    newest = given.pop(NEWEST, "")
    if not is_key(newest):
        raise InvalidQuery(f"{NEWEST}: reload the page.")
    with snapshot() as session:
        count = count_events(session, _filter(given), most=MOST_NEW + 1, after=int(newest))
    return render_template(
        "console/events_newer.html", count=count, most=MOST_NEW, given=given, newest=newest
    )


def _filter(given: dict[str, str]) -> EventFilter:
    values = address.filter_values(given)
    if (conflicts := values.get("conflicts")) is not None:
        if conflicts not in (YES, NO):
            raise InvalidQuery(f"conflicts: use {YES} or {NO}.")
        values["conflicts"] = conflicts == YES
    return EventFilter(**values)


def _page(given: dict[str, str], **found: Any) -> str:
    which, page = found.get("which"), found.get("page")
    return render_template(
        "console/events.html",
        given=given,
        providers=sorted(settings().providers),
        statuses=STATUSES,
        fixed=_fixed(given, which),
        newest=page.rows[0].id if page and page.rows else 0,
        lag=_lag,
        **found,
    )


def _as_typed() -> dict[str, str]:
    """What is in the form stays there, so that it can be put right."""
    return {name: request.args.get(name, "")[:500] for name in FILTERS}


def _fixed(given: dict[str, str], which: EventFilter | None) -> dict[str, str]:
    """The filter for a bulk operation: what was relative is absolute, or it would move."""
    times = {name: getattr(which, name) for name in address.TIMES if which is not None}
    return given | {name: _iso(moment) for name, moment in times.items() if moment is not None}


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _lag(event: Event) -> float | None:
    """Seconds from the provider's making it to its arrival; their clock may be ahead of ours."""
    if event.provider_created_at is None:
        return None
    return max(0.0, (event.received_at - event.provider_created_at).total_seconds())
