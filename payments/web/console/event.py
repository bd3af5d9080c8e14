"""`/console/events/<id>`: one event, why it failed, what a replay would do, and the replay."""

from __future__ import annotations

from flask import Response, redirect, render_template, request, url_for

from payments.actions import REPLAY
from payments.audit import Actor
from payments.database import snapshot
from payments.dry_run import DryRun, dry_run
from payments.errors import ClientError, Conflict, InvalidQuery, NotFound
from payments.events import audit_of, get_event
from payments.extensions import settings
from payments.models import UNFINISHED
from payments.observability.masking import Masker
from payments.operations import operate
from payments.payloads import ShownPayload, masked_payload, reveal_payload
from payments.payment_views import has_later_facts, payments_about
from payments.queueing import job_queue
from payments.web.auth import acting, require_operator
from payments.web.console.address import read_address
from payments.web.console.blueprint import blueprint
from payments.web.console.event_causes import cause_of
from payments.web.console.event_story import story_of
from payments.web.keys import key_of
from payments.web.pages import is_part


@blueprint.get("/events/<id>")
def event(id: str) -> str:
    read_address(())
    return _page(key_of(id, "event"))


@blueprint.get("/events/<id>/status")
def event_status(id: str) -> str:
    """Whether something has happened since the page was loaded, for the space kept for that."""
    seen = read_address(("seen",)).get("seen", "")
    with snapshot() as session:
        shown = get_event(session, key_of(id, "event"))
    return render_template("console/event_status.html", event=shown, seen=seen)


@blueprint.post("/events/<id>/dry-run")
def dry_run_event(id: str) -> str:
    """It calls handlers and holds locks while it does, so it is for operators."""
    require_operator()
    key = key_of(id, "event")
    result = dry_run(key)
    if is_part():
        return _rehearsal(key, result)
    return _page(key, result=result)


@blueprint.post("/events/<id>/replay")
def replay_event(id: str) -> Response | tuple[str, int]:
    require_operator()
    key = key_of(id, "event")
    try:
        _replay(key, acting())
    except (InvalidQuery, Conflict) as error:
        return _page(key, refusal=error), error.status
    response = redirect(url_for("console.event", id=key, _anchor="timeline"), 303)
    assert isinstance(response, Response)
    return response


@blueprint.post("/events/<id>/payload")
def reveal_event(id: str) -> str | tuple[str, int]:
    """With personal data; that it was asked for stands in the audit log before."""
    require_operator()
    key = key_of(id, "event")
    try:
        payload = reveal_payload(key, acting(), request.form.get("reason"), _mask())
    except InvalidQuery as error:
        return _page(key, refusal=error), error.status
    return _page(key, payload=payload)


def _replay(key: int, operator: Actor) -> None:
    """Raises Conflict where it is not done, InvalidQuery where nobody says why it should be."""
    reason = request.form.get("reason", "").strip()
    if not reason:
        raise InvalidQuery("reason: say why it is replayed.")
    [result] = operate(REPLAY, [key], operator, job_queue(), reason)
    if not result.done:
        raise Conflict(f"The replay was not done: {result.outcome}.")


def _page(
    key: int,
    *,
    payload: ShownPayload | None = None,
    result: DryRun | None = None,
    refusal: ClientError | None = None,
) -> str:
    with snapshot() as session:
        shown = get_event(session, key)
        audit = audit_of(session, shown)
        payment = payments_about(session, [shown]).get(shown.id)
        later = has_later_facts(session, shown)
        cause = cause_of(session, shown)
        try:
            payload = payload or masked_payload(session, key, _mask())
        except NotFound:
            payload = None
    return render_template(
        "console/event.html",
        event=shown,
        audit=audit,
        payment=payment,
        cause=cause,
        story=story_of(shown, audit),
        payload=payload,
        result=result,
        later=later,
        refusal=refusal,
        follow=shown.status in UNFINISHED,
    )


def _rehearsal(key: int, result: DryRun) -> str:
    with snapshot() as session:
        shown = get_event(session, key)
        later = has_later_facts(session, shown)
    return render_template(
        "console/event_rehearsal.html", event=shown, result=result, later=later, refusal=None
    )


def _mask() -> Masker:
    return Masker(settings().secrets)
