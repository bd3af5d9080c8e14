"""Lists that may be read a page at a time or as a whole, by people or by programs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar

import click
from sqlalchemy.orm import Session

from payments.cli.output import show_json, show_page
from payments.database import snapshot
from payments.errors import ClientError
from payments.extensions import Base
from payments.models import columns_of
from payments.pages import DEFAULT_LIMIT, MAX_ID, MAX_LIMIT, Page
from payments.plain_csv import csv_lines

Command = Callable[..., None]
Row = TypeVar("Row", bound=Base)


@dataclass(frozen=True, kw_only=True)
class Listing:
    """What was asked for: which part of the list, and in which form."""

    limit: int
    before: int | None
    everything: bool
    as_json: bool
    as_csv: bool

    def show(
        self,
        page: Callable[[Session, int, int | None], Page[Row]],
        every: Callable[[Session, int | None], Iterator[Row]],
        *,
        shown: Sequence[str],
        columns: Sequence[str],
        empty: str,
    ) -> None:
        """Read a `page`, or `every` row, and print it: `shown` as a table, `columns` as CSV.

        Raises:
            UsageError: JSON and CSV at once, or a place that is none.
        """
        if self.as_json and self.as_csv:
            raise click.UsageError("Give --json or --csv, not both.")
        try:
            with snapshot() as session:
                if self.everything:
                    found, cursor = list(every(session, self.before)), None
                else:
                    part = page(session, self.limit, self.before)
                    found, cursor = list(part.rows), part.next_cursor
                rows = [columns_of(row) for row in found]
        except ClientError as error:
            raise click.UsageError(str(error)) from None
        if self.as_json:
            show_json(rows)
        elif self.as_csv:
            for line in csv_lines(rows, columns):
                click.echo(line, nl=False)
        else:
            show_page(rows, shown, cursor, empty=empty)


def takes_listing(command: Command) -> Command:
    """Adds the options of a `Listing`, which the command gets as `listing`."""

    @wraps(command)
    def collected(
        *,
        limit: int,
        before: int | None,
        everything: bool,
        as_json: bool,
        as_csv: bool,
        **others: Any,
    ) -> None:
        listing = Listing(
            limit=limit, before=before, everything=everything, as_json=as_json, as_csv=as_csv
        )
        command(listing=listing, **others)

    for option in reversed(_OPTIONS):
        collected = option(collected)
    return collected


_OPTIONS = (
    click.option("--limit", type=click.IntRange(1, MAX_LIMIT), default=DEFAULT_LIMIT),
    click.option("--before", type=click.IntRange(1, MAX_ID), help="only those with a smaller id"),
    click.option("--all", "everything", is_flag=True, help="not a page of them, but all"),
    click.option("--json", "as_json", is_flag=True, help="print JSON"),
    click.option("--csv", "as_csv", is_flag=True, help="print CSV"),
)
