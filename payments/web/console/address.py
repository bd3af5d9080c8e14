"""Reading the address of a page, which holds all of its state, and making the next one.

An empty field of a form counts as absent. A new filter drops the cursor, because forms do not send
it along; links to the next page carry filter and cursor together.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from flask import request, url_for

from payments.errors import InvalidQuery
from payments.models import utc_now
from payments.moments import HINT, parse_moment
from payments.pages import Page
from payments.web.keys import is_key

CURSOR = "before"
# Of lists that begin with the oldest.
FORWARD_CURSOR = "after"
TIMES = ("since", "until")


def read_address(known: Collection[str]) -> dict[str, str]:
    """The parameters of the address, each known and given once; without `before`.

    Raises:
        InvalidQuery: a misspelt filter would otherwise silently widen what is shown.
    """
    for name in request.args:
        if name not in known and name != CURSOR:
            raise InvalidQuery(f"{name[:40]}: this page knows no such filter.")
        if len(request.args.getlist(name)) > 1:
            raise InvalidQuery(f"{name}: give it once.")
    return {
        name: value.strip()
        for name, value in request.args.items()
        if value.strip() and name != CURSOR
    }


def filter_values(given: dict[str, str]) -> dict[str, Any]:
    """What a filter's dataclass takes: times as times, all else as it was given.

    Raises:
        InvalidQuery: a time is not understood.
    """
    return {name: _time(name, value) if name in TIMES else value for name, value in given.items()}


def cursor(name: str = CURSOR) -> int | None:
    """The id below (or, with FORWARD_CURSOR, above) which the page begins; None for the first.

    Raises:
        InvalidQuery: it is no id.
    """
    value = request.args.get(name, "")
    if not value:
        return None
    if not is_key(value):
        raise InvalidQuery(f"{name}: follow the link to the next page instead of making one up.")
    return int(value)


def here(**changes: Any) -> str:
    """The address of this page with the same filter; `changes` are put in, None takes away."""
    arguments = {**request.args.to_dict(), CURSOR: None, **changes}
    assert request.endpoint is not None
    return url_for(request.endpoint, **(request.view_args or {}), **arguments)


def older(page: Page[Any]) -> str | None:
    """The address of the next page of the same list; None on the last."""
    return here(**{CURSOR: page.next_cursor}) if page.next_cursor is not None else None


def _time(name: str, value: str) -> Any:
    moment = parse_moment(value, utc_now())
    if moment is None:
        raise InvalidQuery(f"{name}: {HINT}.")
    return moment
