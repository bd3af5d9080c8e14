"""Reconciliation: the summary, findings and runs."""

from __future__ import annotations

from marshmallow import Schema, fields

from payments.models.reconciliation import (
    FINDING_SOURCES,
    FINDING_STATUSES,
    HOUR_STATES,
    RUN_KINDS,
    RUN_STATUSES,
)
from payments.reconciliation.summary import DEFAULT_HOURS, MOST_HOURS
from payments.reconciliation.verdicts import COMPLETE, GAPS, UNKNOWN
from payments.web.api.schemas.fields import (
    Answer,
    choice,
    decimal,
    flag,
    identifier,
    list_of,
    map_of,
    maybe_moment,
    maybe_number,
    maybe_text,
    moment,
    nested,
    number,
    one_of,
    text,
    whole_from,
)
from payments.web.api.schemas.queries import FormatQuery, PageQuery, Query

INTENT = "pi_3MtwBwLkdIwHu7ix28a3tqPa"


class SummaryQuery(Query):
    # An answer about another period than the one that was meant would go unnoticed.
    empty_is_absent = False
    hours_back = whole_from("how many hours", 1, MOST_HOURS, DEFAULT_HOURS)


class FindingFilters(Schema):
    provider = identifier("the provider", "stripe")
    account = identifier("the account", "default")
    source = choice("where it comes from", FINDING_SOURCES)
    kind = identifier("what kind of disagreement", "amount_captured")
    status = choice("the finding's status", FINDING_STATUSES)
    subject = identifier("the provider's id of what it is about", INTENT)


class RunFilters(Schema):
    provider = identifier("the provider", "stripe")
    account = identifier("the account", "default")
    kind = choice("what was compared", RUN_KINDS)
    status = choice("the run's status", RUN_STATUSES)


FINDING_FILTERS = tuple(FindingFilters._declared_fields)
RUN_FILTERS = tuple(RunFilters._declared_fields)


class FindingsQuery(PageQuery, FormatQuery, FindingFilters):
    pass


class RunsQuery(PageQuery, RunFilters):
    pass


class Finding(Answer):
    """Something that does not agree."""

    id = number("its key", 2)
    provider = text("the provider", "stripe")
    account = text("the account", "default")
    source = one_of("where it comes from", FINDING_SOURCES)
    kind = text("what kind of disagreement", "amount_captured")
    subject = text("the provider's id of what it is about", INTENT)
    detail = text("tells two of one kind about one subject apart", "")
    expected = maybe_text("what it should be", "1999 EUR")
    found = maybe_text("what it is here", "0 EUR")
    status = one_of("open until it is resolved or signed off", FINDING_STATUSES)
    first_seen_at = moment("when it was seen first")
    last_seen_at = moment("when it was seen last")
    resolved_at = maybe_moment("when a later look found it gone")
    signed_off_at = maybe_moment("when somebody accepted it")
    signed_off_by = maybe_text("who", "eve")
    signed_off_reason = maybe_text("why", "refunded by hand, ticket 4711")
    run_id = maybe_number("the run that saw it", 12)


class SignedOff(Answer):
    """What became of the finding."""

    finding_id = number("the finding", 2)
    done = flag("whether it is signed off now")
    outcome = text('"done", or why it was not', "done")
    finding = nested(Finding, "as it is now")


class Run(Answer):
    """One comparison of one account's window with what the provider says."""

    id = number("its key", 12)
    kind = one_of("what was compared", RUN_KINDS)
    provider = text("the provider", "stripe")
    account = text("the account", "default")
    window_start = moment("from when")
    window_end = moment("until when")
    status = one_of("complete means that all of the window was seen", RUN_STATUSES)
    reason = maybe_text("why it is not complete")
    dry_run = flag("whether nothing was to be kept")
    actor = text("who began it", "schedule")
    started_at = moment("when it began")
    finished_at = maybe_moment("when it ended")
    reached_at = maybe_moment("everything in the window before this was seen")
    theirs = number("at the provider", 1204)
    ours = number("here", 1204)
    processed = number("events: processed; payments: in agreement", 1204)
    missing = number("missing here at first", 0)
    fetched = number("fetched from the provider", 0)
    findings = number("findings that are open because of it", 0)


class Anomaly(Answer):
    """One thing that is not as it should be."""

    kind = text("gaps, conflicts, stuck_events, silent, spike or bad_signatures", "silent")
    provider = text("the provider", "stripe")
    account = text("the account", "default")
    since = moment("since when, as far as the period tells")
    message = text("a sentence for people", "No event came from stripe (default) for 3 hours.")
    numbers = map_of(fields.Float(), "what the sentence is made from", {"received": 0})


class Hour(Answer):
    """What is known of one hour of an account."""

    hour = moment("the hour's beginning")
    state = one_of("whether anything is missing", (*HOUR_STATES, UNKNOWN))
    theirs = maybe_number("events at the provider", 120)
    ours = maybe_number("of those, the ones that are here", 120)
    processed = maybe_number("of those, the processed ones", 120)
    missing = maybe_number("missing here", 0)
    checked_at = maybe_moment("when it was compared last")


class Coverage(Answer):
    """A verdict on one account. Silence is never complete."""

    provider = text("the provider", "stripe")
    account = text("the account", "default")
    verdict = one_of("in a word", (COMPLETE, GAPS, UNKNOWN))
    reason = maybe_text("why it is not complete")
    hours = list_of(Hour, "each hour of the period")


class OpenFindings(Answer):
    total = number("how many are open", 1)
    by_kind = map_of(fields.Integer(), "by kind", {"amount_captured": 1})
    latest = list_of(Finding, "at most 20 of them")


class OldestUnfinished(Answer):
    id = number("the event", 17)
    age_seconds = decimal("since it was received", 3.5)


class Summary(Answer):
    """One look at a period."""

    period_start = moment("the beginning of a full hour")
    period_end = moment("now")
    total_events = number("events received", 1204)
    events_by_provider = map_of(fields.Integer(), "by provider", {"stripe": 1204})
    events_by_type = map_of(fields.Integer(), "by type", {"payment_intent.succeeded": 400})
    events_by_status = map_of(fields.Integer(), "by status", {"processed": 1204})
    anomalies = list_of(Anomaly, "what is not as it should be")
    coverage = list_of(Coverage, "whether anything is missing, by account")
    open_findings = nested(OpenFindings, "what does not agree")
    oldest_unfinished_event = nested(OldestUnfinished, "null where all have ended", allow_none=True)
    generated_at = moment("when this was made")
