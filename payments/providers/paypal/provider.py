"""PayPal: which of three schemes proves a delivery, and what its events say.

`certificate` verifies here (certificates.py), `postback` asks PayPal (postback.py),
and the mode `demo_hmac` takes a shared secret, for trying things out without PayPal.

Sources: developer.paypal.com/api/rest/webhooks and its event names.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Protocol

from payments.config import DEFAULT_ACCOUNT
from payments.errors import SignatureError
from payments.providers.asking import Pace
from payments.providers.base import (
    Delivery,
    EventFacts,
    Proof,
    Provider,
    identifier,
    optional_identifier,
    parse_object,
    parse_time,
)
from payments.providers.paypal.api import PayPalApi
from payments.providers.paypal.reading import PayPalReader
from payments.providers.paypal.settings import DEMO, DEMO_SECRET, LIVE, WEBHOOK_ID, read_settings
from payments.providers.samples import paypal_sample
from payments.providers.signatures import LabelledSecret, hex_hmac_sha256, matching_secret
from payments.variables import Variables

DEMO_HEADER = "X-Demo-Signature"
HEX_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
# Where a resource keeps its id; disputes, orders in authorizations and payouts have no plain "id".
OBJECT_IDS = ("id", "dispute_id", "order_id", "payout_item_id", "payout_batch_id")
# An invoice (v2) and a payout batch keep theirs one level down.
NESTED_RESOURCES = ("invoice", "batch_header")


class Scheme(Protocol):
    """One way to prove a delivery; raises as `Provider.prove` does."""

    @property
    def labels(self) -> Sequence[str]: ...

    def prove(self, delivery: Delivery) -> Proof: ...


@dataclass(frozen=True, kw_only=True)
class DemoScheme:
    """HMAC-SHA256 of the raw body, as 64 hex digits in `X-Demo-Signature`."""

    secrets: tuple[LabelledSecret, ...] = field(repr=False)

    @property
    def labels(self) -> Sequence[str]:
        return [secret.label for secret in self.secrets]

    def prove(self, delivery: Delivery) -> Proof:
        """See `Provider.prove`."""
        offered = delivery.headers.get(DEMO_HEADER.lower(), "")
        if not HEX_SHA256.fullmatch(offered):
            raise SignatureError("missing or malformed header")
        secret = matching_secret(self.secrets, delivery.body, [offered.lower()])
        if secret is None:
            raise SignatureError("no signature matches")
        return Proof(secret_label=secret.label)

    def sign(self, body: bytes) -> dict[str, str]:
        return {DEMO_HEADER: hex_hmac_sha256(self.secrets[0].value, body)}


@dataclass(frozen=True, kw_only=True)
class PayPal(Provider):
    """One PayPal webhook: its mode (live, sandbox, demo_hmac) and its scheme.

    `api` is PayPal's REST API with this account's app, where a client id and secret are set.
    """

    name: ClassVar[str] = "paypal"
    account_variable: ClassVar[str] = WEBHOOK_ID
    content_field: ClassVar[str] = "resource"
    sample_prefix: ClassVar[str] = "WH-SIM-"

    mode: str
    scheme: Scheme
    api: PayPalApi | None = None
    # The same, as reconciliation reads it.
    reader: PayPalReader | None = None
    webhook_ids: tuple[LabelledSecret, ...] = field(default=(), repr=False)

    @classmethod
    def accounts(cls, variables: Variables) -> Sequence[str]:
        named = {*variables.accounts(WEBHOOK_ID), *variables.accounts(DEMO_SECRET)}
        return [DEFAULT_ACCOUNT, *sorted(named - {DEFAULT_ACCOUNT})]

    @classmethod
    def configure(cls, variables: Variables, account: str, *, strict: bool) -> PayPal | None:
        settings = read_settings(variables, account, strict=strict)
        if settings is None:
            return None
        scheme: Scheme
        if settings.mode == DEMO:
            scheme = DemoScheme(secrets=settings.demo_secrets)
        else:
            scheme = settings.scheme()
        reader = None
        if settings.api is not None:
            pace = Pace.configured(variables)
            reader = PayPalReader(settings.api, settings.mode == LIVE, pace)
        return cls(
            mode=settings.mode,
            scheme=scheme,
            api=settings.api,
            reader=reader,
            webhook_ids=settings.webhook_ids,
        )

    @property
    def secret_labels(self) -> Sequence[str]:
        return self.scheme.labels

    def prove(self, delivery: Delivery) -> Proof:
        return self.scheme.prove(delivery)

    def read(self, body: bytes) -> EventFacts:
        event = parse_object(body)
        # The resource's version decides how to read it. Where it is missing, the resource is of
        # the event's version, which has been "1.0" ever since.
        version = event.get("resource_version") or event.get("event_version")
        return EventFacts(
            event_id=identifier(event.get("id"), "id"),
            event_type=identifier(event.get("event_type"), "event_type"),
            object_id=_object_id(event.get("resource")),
            # The event does not say; webhooks of live and sandbox are never the same.
            livemode=self.mode == LIVE,
            api_version=optional_identifier(version),
            provider_created_at=parse_time(event.get("create_time")),
        )

    def sign(self, body: bytes, now: datetime) -> dict[str, str]:
        if not isinstance(self.scheme, DemoScheme):
            raise NotImplementedError(
                "Only PayPal can sign for PayPal. Set PAYPAL_MODE=demo_hmac and DEMO_HMAC_SECRET "
                "to simulate, or send a test event from PayPal's developer dashboard."
            )
        return self.scheme.sign(body)

    def sample(self, event_type: str, event_id: str, now: datetime) -> dict[str, Any]:
        return paypal_sample(event_type, event_id, now)


def _object_id(resource: Any) -> str | None:
    """The id of what the event is about; some resources have none."""
    if not isinstance(resource, dict):
        return None
    for key in OBJECT_IDS:
        if found := optional_identifier(resource.get(key)):
            return found
    nested = (resource[key] for key in NESTED_RESOURCES if isinstance(resource.get(key), dict))
    return next(filter(None, map(_object_id, nested)), None)
