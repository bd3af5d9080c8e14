"""Reading which events a bulk operation is to be about, from the forms of all pages.

What is ticked goes before nothing: a form may carry its page's filter beside the ticks, and only
the button "all that match" (`all=1`) makes the filter count. What is meant is never guessed.
"""

from __future__ import annotations

from dataclasses import fields

from flask import request

from payments.bulk import Scope
from payments.errors import InvalidQuery
from payments.event_filter import EventFilter
from payments.variables import FALSE, TRUE
from payments.web.console.address import filter_values
from payments.web.keys import key_of

FILTERS = frozenset(field.name for field in fields(EventFilter))
REPEATED = ("id", "group")
KNOWN = FILTERS | {*REPEATED, "action", "all", "csrf_token"}


def read_scope() -> Scope:
    """What the form chooses: all that match, or the ticked groups, or the ticked events.

    Raises:
        InvalidQuery: it chooses nothing, two things, or something that is not understood.
    """
    _check_names()
    ids, groups = (request.form.getlist(name) for name in REPEATED)
    if _flag("all"):
        return Scope.of_filter(_filter(), everything=True)
    if ids and groups:
        raise InvalidQuery("Tick events or groups, not both.")
    if groups:
        return Scope.of_groups([key_of(it, "group") for it in groups])
    if ids:
        return Scope.of_ids([key_of(it, "event") for it in ids])
    raise InvalidQuery("Nothing is ticked. Tick some rows, or choose all that match.")


def _check_names() -> None:
    """A misspelt filter would silently widen what is meant."""
    for name in request.form:
        if name not in KNOWN:
            raise InvalidQuery(f"{name[:40]}: there is no such field.")
        if name not in REPEATED and len(request.form.getlist(name)) > 1:
            raise InvalidQuery(f"{name}: give it once.")


def _filter() -> EventFilter:
    given = {name: value.strip() for name, value in request.form.items() if name in FILTERS}
    values = filter_values({name: value for name, value in given.items() if value})
    if "conflicts" in values:
        values["conflicts"] = _flag("conflicts")
    return EventFilter(**values)


def _flag(name: str) -> bool:
    value = request.form.get(name, "").strip().lower()
    if value and value not in TRUE | FALSE:
        raise InvalidQuery(f"{name}: use true or false.")
    return value in TRUE
