"""`/admin/bulk`: one action on many events, previewed, started, and followed to its end."""

from __future__ import annotations

from typing import Any

from flask import Response

from payments import bulk
from payments.bulk import Scope
from payments.bulk.looking import describe_operation
from payments.database import snapshot
from payments.models import columns_of
from payments.pages import Page
from payments.queueing import job_queue
from payments.web.api.blueprint import ApiBlueprint, key_in_path
from payments.web.api.paging import page_response, place_of
from payments.web.api.schemas.bulk import (
    BulkBody,
    Item,
    ItemsQuery,
    Operation,
    StartBody,
    WholeOperation,
)
from payments.web.api.schemas.events import event_filter
from payments.web.api.schemas.queries import PageQuery, Reason
from payments.web.auth import acting, require_admin
from payments.web.keys import key_of
from payments.web.responses import json_response

blueprint = ApiBlueprint("bulk", url_prefix="/admin/bulk", description="Actions on many events")
blueprint.before_request(require_admin)

AN_OPERATION = key_in_path("the bulk operation")


@blueprint.get("")
@blueprint.asks(PageQuery)
@blueprint.answers(Operation, many=True, paged=True, description="The newest first.")
def list_bulk_operations(asked: dict[str, Any]) -> Response:
    """List bulk operations, the newest first"""
    before = place_of(asked)
    with snapshot() as session:
        page = bulk.list_operations(session, limit=asked["limit"], before=before)
        return page_response(Page(page.operations, page.next_cursor), describe_operation)


@blueprint.post("")
@blueprint.for_operators
@blueprint.takes(BulkBody)
@blueprint.answers(WholeOperation, status=201, refuses=[404], description="The preview.")
def create_bulk_operation(asked: dict[str, Any]) -> Response:
    """Freeze events for an action, and begin dry runs of some of them

    Nothing is done to them before the operation is started.
    """
    made = bulk.create(asked["action"], _scope(asked), acting(), job_queue(), asked["reason"])
    return _shown(made, 201)


@blueprint.get("/<id>", parameters=AN_OPERATION)
@blueprint.answers(WholeOperation, refuses=[404], description="The operation.")
def show_bulk_operation(id: str) -> Response:
    """Show a bulk operation with its preview and its progress"""
    return _shown(key_of(id, "bulk operation"))


@blueprint.get("/<id>/items", parameters=AN_OPERATION)
@blueprint.asks(ItemsQuery)
@blueprint.answers(Item, many=True, paged=True, refuses=[404], description="In their order.")
def list_bulk_items(asked: dict[str, Any], id: str) -> Response:
    """List the events of a bulk operation, in the order in which they are started"""
    after = place_of(asked)
    with snapshot() as session:
        page = bulk.list_items(
            session,
            key_of(id, "bulk operation"),
            state=asked.get("state"),
            limit=asked["limit"],
            after=after,
        )
        return page_response(Page(page.items, page.next_cursor), columns_of)


@blueprint.post("/<id>/start", parameters=AN_OPERATION)
@blueprint.for_operators
@blueprint.takes(StartBody)
@blueprint.answers(WholeOperation, refuses=[404, 409], description="The operation, running.")
def start_bulk_operation(asked: dict[str, Any], id: str) -> Response:
    """Start a preview, or let one that has stopped go on with what is left

    The first five events go alone; it goes on only if they succeed, and stops when a fifth fails.
    """
    key = key_of(id, "bulk operation")
    bulk.confirm(key, acting(), job_queue(), reason=asked["reason"], count=asked["count"])
    return _shown(key)


@blueprint.post("/<id>/cancel", parameters=AN_OPERATION)
@blueprint.for_operators
@blueprint.takes(Reason)
@blueprint.answers(WholeOperation, refuses=[404, 409], description="The operation, canceled.")
def cancel_bulk_operation(asked: dict[str, Any], id: str) -> Response:
    """End a bulk operation after what is in flight"""
    key = key_of(id, "bulk operation")
    bulk.cancel(key, acting(), reason=asked["reason"])
    return _shown(key)


@blueprint.post("/<id>/retry-failed", parameters=AN_OPERATION)
@blueprint.for_operators
@blueprint.takes(Reason)
@blueprint.answers(WholeOperation, status=201, refuses=[404], description="The new preview.")
def retry_failed_events(asked: dict[str, Any], id: str) -> Response:
    """Make a new bulk operation of the events that have failed in this one"""
    key = key_of(id, "bulk operation")
    made = bulk.create_from_failed(key, acting(), job_queue(), asked["reason"])
    return _shown(made, 201)


def _scope(asked: dict[str, Any]) -> Scope:
    if "group_id" in asked:
        return Scope.of_group(asked["group_id"])
    if "ids" in asked:
        return Scope.of_ids(asked["ids"])
    return Scope.of_filter(event_filter(asked), everything=asked["all"])


def _shown(id: int, status: int = 200) -> Response:
    with snapshot() as session:
        response = json_response(bulk.get_operation(session, id).describe())
    response.status_code = status
    return response
