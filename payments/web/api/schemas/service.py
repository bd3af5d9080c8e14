"""Webhooks, health, and what every refusal looks like."""

from __future__ import annotations

from marshmallow import Schema, fields

from payments.web.api.schemas.fields import Answer, map_of, number, one_of, said, text

CHECKS = {"database": "ok", "redis": "does not answer", "migrations": "ok"}


class Problem(Schema):
    """Why a request was refused: problem details as in RFC 9457."""

    type = text("always about:blank: the title says it", "about:blank")
    title = text("in a few words", "Invalid query")
    status = number("the HTTP status", 422)
    detail = text("what is wrong, and how to mend it", "limit: use a whole number from 1 to 500.")
    request_id = text("finds the request in the log", "4bf92f3577b34da6a3ce929d0e0e4736")


class NotReady(Problem):
    """What is away."""

    checks = map_of(fields.String(), 'each check, "ok" or why not', CHECKS)


class Health(Answer):
    status = one_of("always ok", ("ok",))
    version = text("of the service", "1.0.0")


class Ready(Answer):
    status = one_of("always ok", ("ok",))
    checks = map_of(fields.String(), "each check", dict.fromkeys(CHECKS, "ok"))


class Received(Answer):
    """The event is kept: it was committed before this answer was made."""

    status = one_of("always ok", ("ok",))
    message = one_of("whether it is new", ("queued", "duplicate ignored"))
    event_id = text("the provider's id of the event", "evt_1NG8Du2eZvKYlo2CUI79vXWy")
    conflict = fields.Boolean(
        metadata=said("only where the id is taken by an event of other content")
    )
