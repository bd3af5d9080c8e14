"""The audit log: how its lines are chosen, and what is shown of them."""

from __future__ import annotations

from marshmallow import Schema, validate

from payments.audit_log import LONGEST_ACTOR
from payments.web.api.schemas.fields import (
    Answer,
    Text,
    identifier,
    key,
    maybe_number,
    maybe_text,
    moment,
    moment_asked,
    number,
    said,
    text,
)
from payments.web.api.schemas.queries import FormatQuery, PageQuery


class AuditFilters(Schema):
    actor = Text(
        validate=validate.Length(1, LONGEST_ACTOR, error=f"use 1 to {LONGEST_ACTOR} characters."),
        metadata=said("who: an admin token's name, or cli: and a user's name", "eve"),
    )
    action = identifier("what was done", "dlq.retry")
    event_id = key("the event's key")
    finding_id = key("the finding's key")
    operation_id = key("the bulk operation's key")
    since = moment_asked("done at or after this time")
    until = moment_asked("done before this time")


FILTERS = tuple(AuditFilters._declared_fields)


class AuditQuery(PageQuery, FormatQuery, AuditFilters):
    pass


class AuditLine(Answer):
    """What somebody did, and why."""

    id = number("its key", 8)
    at = moment("when")
    actor = text("who", "eve")
    action = text("what", "dlq.retry")
    event_id = maybe_number("the event that it was done to", 17)
    finding_id = maybe_number("the finding that it was done to", 2)
    operation_id = maybe_number("the bulk operation that it belongs to", 7)
    reason = maybe_text("why", "the warehouse is back")
    outcome = text('"done", or why it was not', "done")
    request_id = maybe_text("of the request that asked for it")
