"""The options by which commands choose events: the same everywhere, with the API's names."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

import click

from payments.errors import InvalidQuery
from payments.events import EventFilter
from payments.models import utc_now
from payments.moments import HINT, parse_moment

F = TypeVar("F", bound=Callable[..., Any])


class Moment(click.ParamType[datetime]):
    """An ISO 8601 time (without a time zone it is UTC), or how long ago."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        moment = value if isinstance(value, datetime) else parse_moment(value, utc_now())
        if moment is None:
            self.fail(HINT, param, ctx)
        return moment


OPTIONS = (
    click.option("--provider", help="stripe or paypal"),
    click.option("--account", help='"default", or the account of the endpoint or event'),
    click.option("--type", "type", help="event type; * stands for any characters"),
    click.option("--event-id", help="the provider's id of the event"),
    click.option("--object-id", help="the provider's id of the object the event is about"),
    click.option("--error", help="a part of the last error's text"),
    click.option("--since", type=Moment(), help="received at or after this time"),
    click.option("--until", type=Moment(), help="received before this time"),
    click.option("--conflicts/--no-conflicts", default=None, help="only with (without) conflicts"),
)
NAMES = (
    "provider", "account", "type", "event_id", "object_id", "error", "since", "until", "conflicts"
)  # fmt: skip


def filter_options(command: F) -> F:
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def build_filter(options: dict[str, Any], **more: Any) -> EventFilter:
    """The filter of these options; a usage error where it is not understood."""
    try:
        return EventFilter(**{name: options[name] for name in NAMES}, **more)
    except InvalidQuery as error:
        raise click.UsageError(str(error)) from None
