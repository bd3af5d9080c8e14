"""The tables. What each is for: ARCHITECTURE.md, "Data".

Times are UTC and aware on both databases. Constraint names follow the convention in
payments/extensions.py. A changed model needs a migration; a test compares the two.
"""

from payments.models.bulk import BULK_ACTIONS as BULK_ACTIONS
from payments.models.bulk import BULK_STATES as BULK_STATES
from payments.models.bulk import CANCELED as CANCELED
from payments.models.bulk import DONE as DONE
from payments.models.bulk import FAILED as FAILED
from payments.models.bulk import FINISHED_OPERATION as FINISHED_OPERATION
from payments.models.bulk import ITEM_STATES as ITEM_STATES
from payments.models.bulk import PREVIEW as PREVIEW
from payments.models.bulk import RUNNING as RUNNING
from payments.models.bulk import SKIPPED as SKIPPED
from payments.models.bulk import STARTED as STARTED
from payments.models.bulk import STOPPED as STOPPED
from payments.models.bulk import WAITING as WAITING
from payments.models.bulk import BulkItem as BulkItem
from payments.models.bulk import BulkOperation as BulkOperation
from payments.models.columns import UTCDateTime as UTCDateTime
from payments.models.columns import columns_of as columns_of
from payments.models.columns import utc_now as utc_now
from payments.models.events import DEAD as DEAD
from payments.models.events import DISCARDED as DISCARDED
from payments.models.events import FINISHED as FINISHED
from payments.models.events import IGNORED as IGNORED
from payments.models.events import OUTCOMES as OUTCOMES
from payments.models.events import PROCESSED as PROCESSED
from payments.models.events import PROCESSING as PROCESSING
from payments.models.events import RECEIVED as RECEIVED
from payments.models.events import RETRYING as RETRYING
from payments.models.events import SOURCES as SOURCES
from payments.models.events import STATUSES as STATUSES
from payments.models.events import UNFINISHED as UNFINISHED
from payments.models.events import Attempt as Attempt
from payments.models.events import AuditLog as AuditLog
from payments.models.events import Effect as Effect
from payments.models.events import Event as Event
from payments.models.events import EventConflict as EventConflict
from payments.models.events import EventPayload as EventPayload
from payments.models.failures import FailureGroup as FailureGroup
from payments.models.payments import Payment as Payment
from payments.models.payments import PaymentChange as PaymentChange
from payments.models.payments import PaymentGroup as PaymentGroup
from payments.models.payments import PaymentObject as PaymentObject
from payments.models.reconciliation import CountedHour as CountedHour
from payments.models.reconciliation import DeliveryCount as DeliveryCount
from payments.models.reconciliation import EventCount as EventCount
from payments.models.reconciliation import ReconciliationFinding as ReconciliationFinding
from payments.models.reconciliation import ReconciliationHour as ReconciliationHour
from payments.models.reconciliation import ReconciliationRun as ReconciliationRun
from payments.models.reconciliation import SecretUse as SecretUse
