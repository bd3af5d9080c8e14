"""Bulk operations: one action on many events, with a preview, a probe, a brake and a progress.

    id = create("retry", Scope.of_group(4), actor, queue)      # freezes the events; dry runs begin
    confirm(id, actor, queue, reason="mended", count=400)      # the first five go alone
    cancel(id, actor)                                          # after what is in flight

The database has all of it. Jobs do it in slices; whichever dies, another one goes on.
"""

from payments.bulk.creating import create, create_from_failed
from payments.bulk.deciding import MOST_WITHOUT_COUNT, cancel, confirm
from payments.bulk.looking import (
    ItemPage,
    OperationPage,
    OperationView,
    get_operation,
    list_items,
    list_operations,
    list_running,
)
from payments.bulk.running import continue_operation, enqueue_unattended
from payments.bulk.scope import Scope

__all__ = [
    "create",
    "create_from_failed",
    "confirm",
    "cancel",
    "continue_operation",
    "enqueue_unattended",
    "get_operation",
    "list_operations",
    "list_running",
    "list_items",
    "Scope",
    "OperationView",
    "OperationPage",
    "ItemPage",
    "MOST_WITHOUT_COUNT",
]
