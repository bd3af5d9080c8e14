"""The exceptions behind an exception, and looking at exceptions of which nothing is known."""

from __future__ import annotations

from typing import Any

from payments.causes.wording import LONGEST_READ

LONGEST_CHAIN = 20


def chain(error: BaseException) -> list[BaseException]:
    """`error` and what it was raised from, wraps or was raised beside; the innermost last."""
    found: list[BaseException] = []
    waiting = [error]
    while waiting and len(found) < LONGEST_CHAIN:
        current = waiting.pop(0)
        if any(current is known for known in found):
            continue
        found.append(current)
        waiting += _behind(current)
    return found


def _behind(error: BaseException) -> list[BaseException]:
    """`reason` is urllib3's, `orig` SQLAlchemy's; requests has it among the arguments."""
    context = None if error.__suppress_context__ else error.__context__
    arguments = look(error, "args")
    candidates = [
        error.__cause__ or context,
        look(error, "reason"),
        look(error, "orig"),
        *(arguments[:3] if isinstance(arguments, tuple) else ()),
    ]
    if isinstance(error, BaseExceptionGroup):
        candidates += error.exceptions[:3]
    return [it for it in candidates if isinstance(it, BaseException)]


def look(thing: Any, *names: str) -> Any:
    """The attribute of the attribute …; None where there is none, or looking fails."""
    for name in names:
        try:
            thing = getattr(thing, name, None)
        except Exception:  # a property of a class that we do not know
            return None
    return thing


def names(error: BaseException) -> list[str]:
    """The names of its class and of those that it inherits from."""
    return [base.__name__ for base in type(error).__mro__]


def root(error: BaseException) -> str:
    """The package that its class is from."""
    return str(type(error).__module__).partition(".")[0]


def said(error: BaseException) -> str:
    try:
        return str(error)[:LONGEST_READ]
    except Exception:  # a user's exception may fail at this too
        return ""
