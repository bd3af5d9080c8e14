"""What all lists have in common: filters that are checked, and keyset pages, newest first.

A keyset page costs the same wherever it is: it begins below the last id of the one before it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Select
from sqlalchemy.orm import InstrumentedAttribute, Session

from payments.errors import InvalidQuery

DEFAULT_LIMIT = 50
MAX_LIMIT = 500
MAX_ID = 2**63 - 1
IDENTIFIER = re.compile(r"[\x21-\x7e]{1,255}")

Row = TypeVar("Row")


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Rows, newest first; `next_cursor` is the `before` of the next page, None on the last."""

    rows: Sequence[Row]
    next_cursor: int | None


def page_of(
    session: Session,
    query: Select[Row],
    key: InstrumentedAttribute[int],
    *,
    limit: int,
    before: int | None,
) -> Page[Row]:
    """At most `limit` rows of `query` whose `key`, the primary key, is below `before`.

    Raises:
        InvalidQuery: `limit` is not from 1 to 500, or `before` is no id.
    """
    check_place(limit, before)
    query = query.order_by(key.desc()).limit(limit + 1)
    if before is not None:
        query = query.where(key < before)
    return page(session.scalars(query).all(), key, limit)


def page(rows: Sequence[Row], key: InstrumentedAttribute[int], limit: int) -> Page[Row]:
    """The first `limit` of the rows; that there is one more says that a page follows."""
    more = len(rows) > limit
    return Page(rows[:limit], getattr(rows[limit - 1], key.key) if more else None)


def every_row(
    page_below: Callable[[int | None], Page[Row]], before: int | None = None
) -> Iterator[Row]:
    """The rows of all pages, one page at a time; `page_below` reads the one below an id."""
    cursor = before
    while True:
        page = page_below(cursor)
        yield from page.rows
        cursor = page.next_cursor
        if cursor is None:
            return


def check_place(limit: int, before: int | None) -> None:
    """Raises InvalidQuery: `limit` is not from 1 to 500, or `before` is no id."""
    if not 1 <= limit <= MAX_LIMIT:
        raise InvalidQuery(f"limit: use a whole number from 1 to {MAX_LIMIT}.")
    if before is not None and not 1 <= before <= MAX_ID:
        raise InvalidQuery("cursor: use the one of the Link header.")


def check_identifiers(which: Any, names: Sequence[str]) -> None:
    """Raises InvalidQuery where one of these attributes is set and could be no id."""
    for name in names:
        value = getattr(which, name)
        if value is not None and not IDENTIFIER.fullmatch(value):
            raise InvalidQuery(f"{name}: use 1 to 255 printable ASCII characters.")


def check_times(which: Any, names: Sequence[str] = ("since", "until")) -> None:
    """Raises InvalidQuery where one of these attributes is a time without a time zone."""
    for name in names:
        value = getattr(which, name)
        if value is not None and value.tzinfo is None:
            raise InvalidQuery(f"{name}: say the time zone, as in 2026-01-31T00:00:00Z.")
