"""Showing rows to people and to programs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import click

from payments.plain_json import dumps

WIDEST_COLUMN = 48


def show_json(value: Any) -> None:
    click.echo(dumps(value, indent=2))


def show_table(
    rows: Sequence[Mapping[str, Any]], columns: Sequence[str], empty: str, *, err: bool = False
) -> None:
    """A table for people; `empty` is said where there are no rows."""
    if not rows:
        click.echo(empty, err=err)
        return
    cells = [[_cell(row.get(column)) for column in columns] for row in rows]
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    for line in (columns, ["-" * width for width in widths], *cells):
        padded = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        click.echo("  ".join(padded).rstrip(), err=err)


def show_page(
    rows: Sequence[Mapping[str, Any]], columns: Sequence[str], next_cursor: int | None, empty: str
) -> None:
    """A page of rows for people, and how to see the next one."""
    show_table(rows, columns, empty=empty)
    if next_cursor is not None:
        click.echo(f"More: --before {next_cursor}")


@contextmanager
def progress(label: str, length: int) -> Iterator[Callable[[], None]]:
    """A bar on stderr; call what is given once for each step."""
    with click.progressbar(length=length, label=label, file=sys.stderr) as bar:
        yield lambda: bar.update(1)


def show_fields(fields: Mapping[str, Any], *, err: bool = False) -> None:
    width = max(map(len, fields))
    for name, value in fields.items():
        click.echo(f"{name.ljust(width)}  {_text(value)}", err=err)


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%SZ")
    return str(value)


def _cell(value: Any) -> str:
    text = " ".join(_text(value).split())
    return text if len(text) <= WIDEST_COLUMN else text[: WIDEST_COLUMN - 1] + "…"
