"""`/console/bulk`: one action on many events, from its preview to its end."""

from __future__ import annotations

from typing import Any

from flask import Response, redirect, render_template, request, url_for

from payments import bulk
from payments.database import snapshot
from payments.errors import ClientError, Conflict, InvalidQuery
from payments.models import ITEM_STATES, RUNNING
from payments.queueing import job_queue
from payments.web.auth import acting, require_operator
from payments.web.console.address import FORWARD_CURSOR, cursor, here, read_address
from payments.web.console.blueprint import blueprint
from payments.web.console.scopes import read_scope
from payments.web.keys import key_of

ITEMS = "items"
ALL = "all"
LONGEST_COUNT = 9


@blueprint.get("/bulk")
def bulk_operations() -> str:
    read_address(())
    with snapshot() as session:
        page = bulk.list_operations(session, before=cursor())
    return render_template(
        "console/bulk/operations.html",
        operations=page.describe(),
        older=here(before=page.next_cursor) if page.next_cursor else None,
        newest=here() if cursor() else None,
    )


@blueprint.post("/bulk")
def create_bulk_operation() -> Response:
    """Freezes what is meant, and leads to its preview. Nothing is done to the events."""
    require_operator()
    action = request.form.get("action", "")
    return _to(bulk.create(action, read_scope(), acting(), job_queue()))


@blueprint.get("/bulk/<id>")
def bulk_operation(id: str) -> str:
    return _page(key_of(id, "bulk operation"))


@blueprint.get("/bulk/<id>/rehearsal")
def bulk_rehearsal(id: str) -> str:
    """The dry runs so far, as a part of the page."""
    return render_template("console/bulk/rehearsal.html", operation=_shown(id), following=True)


@blueprint.get("/bulk/<id>/progress")
def bulk_progress(id: str) -> str:
    """The counts, as a part of the page. What `seen` says is not announced again."""
    seen = read_address(("seen",)).get("seen", "")
    operation = _shown(id)
    return render_template(
        "console/bulk/progress.html",
        operation=operation,
        following=True,
        announced=seen == mark_of(operation),
        has_ended=seen.startswith(RUNNING) and operation["state"] != RUNNING,
    )


@blueprint.post("/bulk/<id>/confirm")
def confirm_bulk_operation(id: str) -> Response | tuple[str, int]:
    require_operator()
    key = key_of(id, "bulk operation")
    try:
        bulk.confirm(
            key, acting(), job_queue(), reason=request.form.get("reason"), count=_read_count()
        )
    except (InvalidQuery, Conflict) as error:
        return _refused(key, error)
    return _to(key)


@blueprint.post("/bulk/<id>/cancel")
def cancel_bulk_operation(id: str) -> Response | tuple[str, int]:
    require_operator()
    key = key_of(id, "bulk operation")
    try:
        bulk.cancel(key, acting(), reason=request.form.get("reason"))
    except (InvalidQuery, Conflict) as error:
        return _refused(key, error)
    return _to(key)


@blueprint.post("/bulk/<id>/retry-failed")
def retry_failed_of_bulk_operation(id: str) -> Response | tuple[str, int]:
    """A new operation on those that have failed in this one; it, too, begins with its preview."""
    require_operator()
    key = key_of(id, "bulk operation")
    try:
        return _to(bulk.create_from_failed(key, acting(), job_queue()))
    except InvalidQuery as error:
        return _refused(key, error)


def mark_of(operation: dict[str, Any]) -> str:
    """What is worth to be announced: its state, and each tenth of what it has to do."""
    ended = operation["done"] + operation["failed"] + operation["skipped"]
    return f"{operation['state']}-{10 * ended // operation['total']}"


def _page(key: int, refusal: str | None = None) -> str:
    """`refusal` says why what was asked for is not done; what was typed stays."""
    with snapshot() as session:
        operation = bulk.get_operation(session, key).describe()
        state = _chosen_items(operation)
        wanted = None if state == ALL else state
        page = bulk.list_items(session, key, state=wanted, after=cursor(FORWARD_CURSOR))
    return render_template(
        "console/bulk/operation.html",
        operation=operation,
        items=page.describe(),
        chosen=state,
        choices=(ALL, *ITEM_STATES),
        next_cursor=page.next_cursor,
        is_first_page=cursor(FORWARD_CURSOR) is None,
        refusal=refusal,
    )


def _chosen_items(operation: dict[str, Any]) -> str:
    """By default what an operator has to know: what has failed, and else what was skipped."""
    state = read_address((ITEMS, FORWARD_CURSOR)).get(ITEMS)
    if state not in (None, ALL, *ITEM_STATES):
        raise InvalidQuery(f"{ITEMS}: use one of {', '.join((ALL, *ITEM_STATES))}.")
    return state or next((it for it in ("failed", "skipped") if operation[it]), ALL)


def _shown(id: str) -> dict[str, Any]:
    with snapshot() as session:
        return bulk.get_operation(session, key_of(id, "bulk operation")).describe()


def _refused(key: int, error: ClientError) -> tuple[str, int]:
    return _page(key, refusal=str(error)), error.status


def _read_count() -> int | None:
    """The number that was typed; digits may be grouped, as the page shows them."""
    typed = request.form.get("count", "").strip().replace(",", "")
    if not typed:
        return None
    if not (typed.isascii() and typed.isdigit() and len(typed) <= LONGEST_COUNT):
        raise InvalidQuery("count: type the number of events.")
    return int(typed)


def _to(key: int) -> Response:
    response = redirect(url_for("console.bulk_operation", id=key), 303)
    assert isinstance(response, Response)
    return response


blueprint.add_app_template_filter(mark_of, "mark_of_operation")
