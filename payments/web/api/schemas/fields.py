"""Fields that say what they are: a description and an example each, for documents and errors.

Those of queries are read from text, those of bodies must have their JSON type. Fields of answers
only document: the services already give plain values.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from payments.models import utc_now
from payments.moments import HINT, parse_moment
from payments.pages import IDENTIFIER, MAX_ID
from payments.variables import FALSE, TRUE

INTEGER = re.compile(r"-?[0-9]{1,19}")
AN_IDENTIFIER = validate.Regexp(
    f"^{IDENTIFIER.pattern}$", error="use 1 to 255 printable ASCII characters."
)
MOMENT = "2026-01-31T09:30:00Z"


class _Asked(fields.Field[Any]):
    @property
    def _from_text(self) -> bool:
        return getattr(self.root, "reads_text", False)


class Text(fields.String):
    """Text, and never a number that would pass for one."""

    default_error_messages = {"invalid": "use a text.", "null": "use a text."}  # noqa: RUF012


class Whole(_Asked, fields.Integer):
    """A whole number: digits in a query, an integer in JSON."""

    default_error_messages = {"null": "use a whole number."}  # noqa: RUF012

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> int:
        if type(value) is int and not self._from_text:
            return value
        if isinstance(value, str) and self._from_text and INTEGER.fullmatch(value):
            return int(value)
        raise ValidationError("use a whole number.")


class Flag(_Asked, fields.Boolean):
    """True or false: as words in a query, a boolean in JSON."""

    default_error_messages = {"null": "use true or false."}  # noqa: RUF012

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> bool:
        if isinstance(value, bool) and not self._from_text:
            return value
        if isinstance(value, str) and self._from_text and value.lower() in TRUE | FALSE:
            return value.lower() in TRUE
        raise ValidationError("use true or false.")


class Moment(fields.String):
    """An absolute time, or so long ago; becomes an aware time."""

    default_error_messages = {"null": f"{HINT}."}  # noqa: RUF012

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> datetime:  # type: ignore[override]  # a text that is read further
        moment = parse_moment(value, utc_now())
        if moment is None:
            raise ValidationError(f"{HINT}.")
        return moment


def said(description: str, example: Any = None, **more: Any) -> dict[str, Any]:
    """What the document says of a field."""
    examples = {} if example is None else {"examples": [example]}
    return {"description": description, **examples, **more}


# ── what is asked ─────────────────────────────────────────────────────────────────────────────


def identifier(description: str, example: str) -> Text:
    """A provider's name, an account, an event's or an object's id."""
    return Text(validate=AN_IDENTIFIER, metadata=said(description, example))


def choice(description: str, known: Sequence[str], **more: Any) -> Text:
    error = f"use one of {', '.join(known)}."
    return Text(validate=validate.OneOf(known, error=error), metadata=said(description), **more)


def moment_asked(description: str) -> Moment:
    examples = [MOMENT, "2h"]
    return Moment(metadata={"description": f"{description}; {HINT}", "examples": examples})


def key(description: str, example: int = 17) -> Whole:
    """A primary key."""
    within = validate.Range(1, MAX_ID, error="use the number in a field id.")
    return Whole(validate=within, metadata=said(description, example))


def whole_from(description: str, least: int, most: int, default: int) -> Whole:
    error = f"use a whole number from {least} to {most}."
    within = validate.Range(least, most, error=error)
    return Whole(validate=within, load_default=default, metadata=said(description))


# ── what is answered ──────────────────────────────────────────────────────────────────────────


class Answer(Schema):
    """An object in an answer: all of its fields are there, and no others."""

    class Meta:
        unknown = "raise"


def text(description: str, example: str | None = None, **more: Any) -> fields.String:
    return fields.String(required=True, metadata=said(description, example), **more)


def maybe_text(description: str, example: str | None = None) -> fields.String:
    return text(description, example, allow_none=True)


def one_of(description: str, known: Sequence[str], **more: Any) -> fields.String:
    metadata = said(description, known[0])
    return fields.String(required=True, validate=validate.OneOf(known), metadata=metadata, **more)


def number(description: str, example: int | None = None, **more: Any) -> fields.Integer:
    return fields.Integer(required=True, metadata=said(description, example), **more)


def maybe_number(description: str, example: int | None = None) -> fields.Integer:
    return number(description, example, allow_none=True)


def decimal(description: str, example: float | None = None) -> fields.Float:
    return fields.Float(required=True, metadata=said(description, example))


def flag(description: str, **more: Any) -> fields.Boolean:
    return fields.Boolean(required=True, metadata=said(description), **more)


def moment(description: str, **more: Any) -> fields.DateTime:
    return fields.DateTime(required=True, metadata=said(description, MOMENT), **more)


def maybe_moment(description: str) -> fields.DateTime:
    return moment(description, allow_none=True)


def anything(description: str, example: Any = None) -> fields.Raw:
    """Any JSON value."""
    return fields.Raw(required=True, allow_none=True, metadata=said(description, example))


def nested(schema: type[Schema], description: str, **more: Any) -> fields.Nested:
    return fields.Nested(schema, required=True, metadata=said(description), **more)


def list_of(item: type[Schema] | fields.Field[Any], description: str, **more: Any) -> Any:
    inner = fields.Nested(item) if isinstance(item, type) else item
    return fields.List(inner, required=True, metadata=said(description, **more))


def map_of(
    item: fields.Field[Any], description: str, example: Mapping[str, Any] | None = None
) -> fields.Dict:
    """An object whose keys are data."""
    return fields.Dict(
        keys=fields.String(), values=item, required=True, metadata=said(description, example)
    )
