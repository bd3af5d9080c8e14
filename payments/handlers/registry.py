"""Which function handles which event.

    @handles("stripe", "payment_intent.succeeded")
    def fulfil(event, session, effects): ...

A type may have `*` for any characters: `charge.*`, `PAYMENT.CAPTURE.*`, `*`; so may a provider.
All handlers that match are called, in the order in which they were registered, in one transaction,
after the one that keeps the payments (payments/handlers/payments.py).
"""

from __future__ import annotations

import importlib
import inspect
import json
import re
import traceback
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from payments.handlers.effects import Effects
from payments.models import Event
from payments.variables import Problem

VARIABLE = "PAYMENTS_HANDLERS"


@dataclass(frozen=True, kw_only=True)
class HandledEvent:
    """What a handler gets to see of an event.

    Attributes:
        id: the event's primary key in this service.
        event_id: the provider's id of it.
        object_id: the provider's id of the object it is about, where it has one.
        livemode: False for test events; None where the provider does not say.
        provider_created_at: when the provider made it; None where it does not say.
        body: the raw bytes as they were delivered.
    """

    id: int
    provider: str
    account: str
    event_id: str
    event_type: str
    object_id: str | None
    livemode: bool | None
    provider_created_at: datetime | None
    body: bytes

    @cached_property
    def data(self) -> dict[str, Any]:
        """The whole event, parsed."""
        parsed: dict[str, Any] = json.loads(self.body)
        return parsed

    @classmethod
    def of(cls, event: Event, body: bytes) -> HandledEvent:
        return cls(
            id=event.id,
            provider=event.provider,
            account=event.account,
            event_id=event.event_id,
            event_type=event.event_type,
            object_id=event.object_id,
            livemode=event.livemode,
            provider_created_at=event.provider_created_at,
            body=body,
        )


Handler = Callable[[HandledEvent, Session, Effects], object]
H = TypeVar("H", bound=Handler)


@dataclass(frozen=True)
class _Registration:
    provider: str
    pattern: str
    handler: Handler
    providers: re.Pattern[str]
    types: re.Pattern[str]

    def wants(self, provider: str, event_type: str) -> bool:
        matches = self.providers.fullmatch(provider) and self.types.fullmatch(event_type)
        return matches is not None

    @property
    def name(self) -> str:
        return f"{self.handler.__module__}.{self.handler.__qualname__}"


_KINDS_THAT_DO_NOTHING_WHEN_CALLED = (
    inspect.iscoroutinefunction,
    inspect.isgeneratorfunction,
    inspect.isasyncgenfunction,
)
_registrations: list[_Registration] = []


def handles(provider: str, event_type: str) -> Callable[[H], H]:
    """Register the decorated function for the events of `provider` whose type is `event_type`.

    Raises:
        ValueError: the arguments are not usable, or the same function is registered for this twice.
    """
    if not provider or not event_type or any(part.isspace() for part in provider + event_type):
        raise ValueError(f"@handles wants a provider and a type, got {provider!r}, {event_type!r}")

    def register(handler: H) -> H:
        if any(kind(handler) for kind in _KINDS_THAT_DO_NOTHING_WHEN_CALLED):
            raise ValueError(f"{handler.__qualname__} must be a plain function: no async, no yield")
        new = _Registration(provider, event_type, handler, _matcher(provider), _matcher(event_type))
        for known in _registrations:
            if (known.provider, known.pattern, known.name) == (provider, event_type, new.name):
                raise ValueError(f"{new.name} is registered twice for {provider} {event_type}")
        _registrations.append(new)
        return handler

    return register


def handlers_for(provider: str, event_type: str) -> list[Handler]:
    """The handlers of this event, each once, in the order of their registration."""
    found: dict[Handler, None] = {}
    for known in _registrations:
        if known.wants(provider, event_type):
            found.setdefault(known.handler)
    return list(found)


def registered() -> list[tuple[str, str, str]]:
    """Each registration's provider, type pattern and function name."""
    return [(known.provider, known.pattern, known.name) for known in _registrations]


def patterns_for(provider: str) -> list[str]:
    """The types, as they were registered, of this provider's handlers."""
    return [it.pattern for it in _registrations if it.providers.fullmatch(provider)]


def pattern_for(provider: str, event_type: str) -> str | None:
    """How this type was registered, by the first handler that wants more than every type."""
    wanted = (it.pattern for it in _registrations if it.wants(provider, event_type))
    return next((pattern for pattern in wanted if pattern.strip("*")), None)


def load_handlers(modules: Iterable[str], providers: Collection[str]) -> list[Problem]:
    """Import the modules that `PAYMENTS_HANDLERS` names; returns what is wrong with them.

    A handler for a provider that is none of `providers` would never be called, and its events would
    end as ignored: that is a problem too.
    """
    problems = []
    for module in modules:
        try:
            importlib.import_module(module)
        except (Exception, SystemExit) as error:  # whatever a user's module does at import
            what = f"names the module {module}, whose import failed ({_where(error)})"
            problems.append(Problem(VARIABLE, what, "Correct the name or the module"))
    for known in _registrations:
        if not any(known.providers.fullmatch(provider) for provider in providers):
            what = f"has {known.name}, which handles the unknown provider {known.provider}"
            problems.append(Problem(VARIABLE, what, f"Choose from: {', '.join(providers)}"))
    return problems


def _where(error: BaseException) -> str:
    """What went wrong and where, without the message: that may quote a secret."""
    if isinstance(error, ImportError):
        return f"{type(error).__name__}: {error}"
    frames = traceback.extract_tb(error.__traceback__)
    line = error.lineno if isinstance(error, SyntaxError) else frames[-1].lineno
    file = error.filename if isinstance(error, SyntaxError) else frames[-1].filename
    return f"{type(error).__name__} in {Path(file or '?').name}, line {line}"


def _matcher(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in pattern.split("*")), re.DOTALL)
