"""Reading what an operator asks for: query strings and JSON bodies, with the same names in both."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import request

from payments.actions import Action, freeze
from payments.database import snapshot
from payments.errors import InvalidQuery, NotFound
from payments.events import EventFilter
from payments.models import utc_now
from payments.moments import HINT, parse_moment
from payments.pages import DEFAULT_LIMIT
from payments.payment_views import PaymentFilter
from payments.variables import FALSE, TRUE

TEXT_FILTERS = ("provider", "account", "status", "type", "event_id", "object_id", "error")
TIME_FILTERS = ("since", "until")
LIST_PARAMETERS = frozenset({*TEXT_FILTERS, *TIME_FILTERS, "conflicts", "limit", "cursor"})
PAYMENT_TEXT_FILTERS = ("provider", "account", "status", "payment_id", "object_id", "currency")
PAYMENT_PARAMETERS = frozenset({*PAYMENT_TEXT_FILTERS, *TIME_FILTERS, "limit", "cursor"})
BULK_FILTERS = frozenset({*TEXT_FILTERS, *TIME_FILTERS, "conflicts"})
BULK_FIELDS = BULK_FILTERS | {"ids", "all", "dry_run", "reason"}
INTEGER = re.compile(r"-?[0-9]{1,19}")
# What a request may do while its client waits; the command line has no such bound.
MOST_AT_ONCE = 1000


@dataclass(frozen=True, kw_only=True)
class BulkRequest:
    """Which events are meant, by primary key; whether only to count them; and why."""

    ids: list[int]
    dry_run: bool
    reason: str | None

    def bounded(self) -> BulkRequest:
        """Itself, where its client can wait for so many.

        Raises:
            InvalidQuery: it is too much.
        """
        if len(self.ids) > MOST_AT_ONCE:
            raise InvalidQuery(
                f"That is {len(self.ids)} events; at most {MOST_AT_ONCE} at once here. Narrow the "
                "filter, or use the command line."
            )
        return self


def read_query(known: Collection[str] = LIST_PARAMETERS) -> dict[str, str]:
    """The query's parameters, each known and given once; empty ones count as absent.

    Raises:
        InvalidQuery: a misspelt filter would otherwise silently widen what is shown.
    """
    for name in request.args:
        if name not in known:
            raise InvalidQuery(f"Unknown parameter; use {', '.join(sorted(known))}.")
        if len(request.args.getlist(name)) > 1:
            raise InvalidQuery(f"{name}: give it once.")
    return {name: value for name, value in request.args.items() if value}


def read_integer(query: Mapping[str, str], name: str) -> int | None:
    value = query.get(name)
    if value is None:
        return None
    if not INTEGER.fullmatch(value):
        raise InvalidQuery(f"{name}: use a whole number.")
    return int(value)


def read_place(query: Mapping[str, str]) -> tuple[int, int | None]:
    """Which page of a list: its limit, and the id before which it begins."""
    limit = read_integer(query, "limit")
    return DEFAULT_LIMIT if limit is None else limit, read_integer(query, "cursor")


def read_flag(query: Mapping[str, str], name: str) -> bool | None:
    value = query.get(name)
    if value is None:
        return None
    if value.lower() not in TRUE | FALSE:
        raise InvalidQuery(f"{name}: use true or false.")
    return value.lower() in TRUE


def read_filter(given: Mapping[str, Any], **fixed: Any) -> EventFilter:
    """The filter in a query or a body; `fixed` says what is not the caller's to choose.

    Raises:
        InvalidQuery: something in it is not understood.
    """
    values = _texts(given, TEXT_FILTERS)
    for name, value in fixed.items():
        if value is not None and values.get(name, value) != value:
            raise InvalidQuery(f"{name}: it is always {value} here.")
    return EventFilter(**{**values, **_times(given), **fixed})


def read_payment_filter(given: Mapping[str, Any]) -> PaymentFilter:
    """The filter in a query for payments.

    Raises:
        InvalidQuery: something in it is not understood.
    """
    return PaymentFilter(**_texts(given, PAYMENT_TEXT_FILTERS), **_times(given))


def read_bulk_request(action: Action) -> BulkRequest:
    """`{"ids": […]}` or filters or `{"all": true}`, with `dry_run` and `reason`.

    Raises:
        InvalidQuery: it is not understood, or matches everything without `all`.
    """
    body = _read_object()
    dry_run, reason = _boolean(body, "dry_run"), _reason(body)
    return BulkRequest(ids=_chosen(body, action), dry_run=dry_run, reason=reason)


def read_request_for(id: int) -> BulkRequest:
    """`dry_run` and `reason`, where the path names the event.

    Raises:
        InvalidQuery: it is not understood, or chooses events.
    """
    body = _read_object()
    if body.keys() - {"dry_run", "reason"}:
        raise InvalidQuery("The path names the event; the body may say dry_run and reason.")
    return BulkRequest(ids=[id], dry_run=_boolean(body, "dry_run"), reason=_reason(body))


def read_reason() -> str | None:
    """`{"reason": …}`; raises InvalidQuery where the body is anything else."""
    body = _read_object()
    if body.keys() - {"reason"}:
        raise InvalidQuery("The path names what is meant; the body may say the reason.")
    return _reason(body)


def event_key(id: str) -> int:
    """The primary key of an event in a path; NotFound where it can be none."""
    return _key(id, "event")


def payment_key(id: str) -> int:
    """The primary key of a payment in a path; NotFound where it can be none."""
    return _key(id, "payment")


def finding_key(id: str) -> int:
    """The primary key of a finding in a path; NotFound where it can be none."""
    return _key(id, "finding")


def _key(id: str, what: str) -> int:
    if not id.isascii() or not id.isdigit() or len(id) > 19:
        raise NotFound(f"There is no {what} with this id.")
    return int(id)


def _texts(given: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    values = {name: given[name] for name in names if name in given}
    for name, value in values.items():
        if not isinstance(value, str):
            raise InvalidQuery(f"{name}: use a text.")
    return values


def _times(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _time(given[name], name) for name in TIME_FILTERS if name in given}


def _chosen(body: Mapping[str, Any], action: Action) -> list[int]:
    filters = {name: value for name, value in body.items() if name in BULK_FILTERS}
    everything = _boolean(body, "all")
    if "ids" in body:
        if filters or everything:
            raise InvalidQuery("Give ids or a filter, not both.")
        return _ids(body["ids"])
    if not filters and not everything:
        raise InvalidQuery('Give ids or a filter; "all": true if every one of them is meant.')
    conflicts = {"conflicts": _boolean(body, "conflicts")} if "conflicts" in body else {}
    with snapshot() as session:
        return freeze(session, action, read_filter(filters, **conflicts), confirmed=everything)


def _reason(body: Mapping[str, Any]) -> str | None:
    reason = body.get("reason")
    if reason is not None and not isinstance(reason, str):
        raise InvalidQuery("reason: use a text.")
    return reason


def _ids(value: Any) -> list[int]:
    if not isinstance(value, list) or not value or not all(type(id) is int for id in value):
        raise InvalidQuery("ids: use a list of whole numbers.")
    if not all(0 < id < 2**63 for id in value):
        raise InvalidQuery("ids: use the numbers in an event's field id.")
    return list(dict.fromkeys(value))


def _read_object() -> dict[str, Any]:
    if not request.get_data():
        return {}
    try:
        body = request.get_json(force=True, silent=True)
    except RecursionError:
        raise InvalidQuery("The body is nested too deeply.") from None
    if not isinstance(body, dict):
        raise InvalidQuery("The body is not a JSON object.")
    if unknown := body.keys() - BULK_FIELDS:
        raise InvalidQuery(
            f"{len(unknown)} unknown field(s); use {', '.join(sorted(BULK_FIELDS))}."
        )
    return body


def _boolean(body: Mapping[str, Any], name: str) -> bool:
    value = body.get(name, False)
    if not isinstance(value, bool):
        raise InvalidQuery(f"{name}: use true or false.")
    return value


def _time(value: Any, name: str) -> datetime:
    moment = parse_moment(value, utc_now())
    if moment is None:
        raise InvalidQuery(f"{name}: {HINT}.")
    return moment
