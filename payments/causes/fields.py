"""The field that an error of data names: a key, an attribute, a path, a constraint."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from payments.causes.chain import chain, look, names, root, said
from payments.causes.wording import LONGEST_NAME, Mask, field_name, printable

DEEPEST_PATH = 8
# SQLite's "UNIQUE constraint failed: orders.id", "NOT NULL constraint failed: orders.total".
_SQLITE_CONSTRAINT = re.compile(r"\w constraint failed: ([\w., ]+)")


def field_of(error: BaseException, mask: Mask) -> str | None:
    """The field that `error`, or what is behind it, names; None where none does."""
    for current in chain(error):
        for search in (_key, _attribute, _constraint, _path_of_pydantic, _path_of_marshmallow):
            if path := search(current, mask):
                return printable(path, LONGEST_NAME)
    return None


Search = Callable[[BaseException, Mask], str | None]


def _key(error: BaseException, mask: Mask) -> str | None:
    if not isinstance(error, KeyError) or not error.args:
        return None
    return field_name(error.args[0], mask)


def _attribute(error: BaseException, mask: Mask) -> str | None:
    return field_name(look(error, "name"), mask) if isinstance(error, AttributeError) else None


def _constraint(error: BaseException, mask: Mask) -> str | None:
    """psycopg tells by attributes, sqlite3 in its text."""
    for name in ("constraint_name", "column_name"):
        if found := field_name(look(error, "diag", name), mask):
            return found
    if root(error) == "sqlite3" and (match := _SQLITE_CONSTRAINT.search(said(error))):
        return mask(match[1])
    return None


def _path_of_pydantic(error: BaseException, mask: Mask) -> str | None:
    errors = look(error, "errors")
    if "ValidationError" not in names(error) or not callable(errors):
        return None
    try:
        path = errors()[0]["loc"]
    except Exception:  # another library's
        return None
    return _joined(path, mask) if isinstance(path, tuple) else None


def _path_of_marshmallow(error: BaseException, mask: Mask) -> str | None:
    messages = look(error, "messages")
    if "ValidationError" not in names(error):
        return None
    path: list[Any] = []
    while isinstance(messages, dict) and messages and len(path) < DEEPEST_PATH:
        name, messages = next(iter(messages.items()))
        path.append(name)
    return _joined(tuple(path), mask)


def _joined(path: tuple[Any, ...], mask: Mask) -> str | None:
    """`customer.items.*.price`: which item of a list it was does not matter."""
    parts = (
        field_name(part, mask) if isinstance(part, str) else "*" for part in path[:DEEPEST_PATH]
    )
    return ".".join(part or "*" for part in parts) or None
