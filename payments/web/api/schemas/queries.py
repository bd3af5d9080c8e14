"""What all queries and bodies have in common: nothing unknown, pages, a reason."""

from __future__ import annotations

from marshmallow import RAISE, Schema

from payments.audit import LONGEST_REASON
from payments.pages import DEFAULT_LIMIT, MAX_LIMIT
from payments.web.api.schemas.fields import Flag, Text, choice, said, whole_from

FORMATS = ("json", "csv")


class Query(Schema):
    """The parameters of a query string."""

    reads_text = True
    # `?status=` says nothing about the status.
    empty_is_absent = True

    class Meta:
        unknown = RAISE


class PageQuery(Query):
    limit = whole_from("how many at most", 1, MAX_LIMIT, DEFAULT_LIMIT)
    cursor = Text(
        metadata=said("where the page begins, as the Link header of the page before says it")
    )


class FormatQuery(Query):
    format = choice("JSON, or CSV for spreadsheets", FORMATS, load_default=FORMATS[0])


class Body(Schema):
    """The fields of a JSON object."""

    class Meta:
        unknown = RAISE


class Reason(Body):
    reason = Text(
        allow_none=True,
        load_default=None,
        metadata=said(
            f"why; kept in the audit log, at most {LONGEST_REASON} characters",
            "the warehouse is back",
        ),
    )


class DryRun(Body):
    dry_run = Flag(load_default=False, metadata=said("only say what would be done"))
