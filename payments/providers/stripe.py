"""Stripe: the `Stripe-Signature` scheme, and snapshot and thin events.

Sources: docs.stripe.com/webhooks (verify manually), docs.stripe.com/api/events/object, and
docs.stripe.com/api/v2/core/events. Where the official SDKs disagree at the edges of the header,
the strictest reading holds: see docs/adr/0003-strict-signatures.md.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from payments.errors import MalformedEvent, SignatureError
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
    variable_of,
)
from payments.providers.samples import stripe_sample
from payments.providers.signatures import LabelledSecret, hex_hmac_sha256, labelled, matching_secret
from payments.providers.stripe_api import DEFAULT_BASE, StripeApi
from payments.variables import Variables
from payments.weak_secrets import refuse_weak

SECRET = "STRIPE_SIGNING_SECRET"  # noqa: S105 (the name of the variable)
TOLERANCE = "STRIPE_TOLERANCE_SECONDS"
API_KEY, API_BASE = "STRIPE_API_KEY", "STRIPE_API_BASE"
EVENT_TYPES = "STRIPE_EVENT_TYPES"
KEY_PREFIXES = ("sk_", "rk_")
API_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[1-9][0-9]{0,4})?")
EVENT_TYPE = re.compile(r"[a-z0-9_.*\[\]]{1,255}")
HEADER = "stripe-signature"
# Stripe sends about 100 characters; with several secrets being rolled, a few hundred.
LONGEST_HEADER = 4096
# ASCII without spaces. Some servers join a header that came twice by ", ", and a " t" is not to
# pass for an unknown scheme.
VISIBLE = re.compile(r"[\x21-\x7e]+")
MOST_SIGNATURES = 16
# ASCII digits only (int() would take "1_700" and Arabic digits too); 11 reach the year 5138.
TIMESTAMP = re.compile(r"[0-9]{1,11}")
PREFIX = "whsec_"
COPY_IT = "Copy it from the webhook endpoint in Stripe's dashboard"


@dataclass(frozen=True)
class SignatureHeader:
    """A parsed `Stripe-Signature`: whole seconds since 1970, and the `v1` signatures in it."""

    timestamp: int
    signatures: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Stripe(Provider):
    """One Stripe endpoint: its signing secrets, all of them valid, and the tolerance in seconds."""

    name: ClassVar[str] = "stripe"
    account_variable: ClassVar[str] = SECRET
    content_field: ClassVar[str] = "data"
    sample_prefix: ClassVar[str] = "evt_sim_"

    secrets: tuple[LabelledSecret, ...] = field(repr=False)
    tolerance_seconds: int
    # Stripe's API, where a key is set: for reconciliation.
    api: StripeApi | None = None
    # The types that Stripe sends here, where a variable says so.
    event_types: tuple[str, ...] = ()

    @classmethod
    def configure(cls, variables: Variables, account: str, *, strict: bool) -> Stripe | None:
        variable = variable_of(SECRET, account)
        secrets = variables.secrets(variable)
        tolerance = variables.integer(TOLERANCE, 300, least=1, most=86400)
        if strict:
            refuse_weak(variables, variable, secrets, COPY_IT)
        if not secrets:
            report = variables.problem if strict else variables.warn
            report(
                variable,
                "is not set",
                f"{COPY_IT}, or leave stripe out of PAYMENTS_PROVIDERS",
            )
            return None
        if strict and not all(secret.startswith(PREFIX) for secret in secrets):
            variables.warn(
                variable,
                f"does not start with {PREFIX}",
                "Check that it is the endpoint's signing secret and not an API key",
            )
        return cls(
            secrets=labelled(variable, secrets),
            tolerance_seconds=tolerance,
            api=_api(variables, account, strict=strict),
            event_types=_event_types(variables, account),
        )

    @property
    def secret_labels(self) -> Sequence[str]:
        return [secret.label for secret in self.secrets]

    def prove(self, delivery: Delivery) -> Proof:
        header = parse_signature_header(delivery.headers.get(HEADER, ""))
        age = delivery.received_at.timestamp() - header.timestamp
        if abs(age) > self.tolerance_seconds:
            raise SignatureError("timestamp outside of the tolerance")
        signed = b"%d.%s" % (header.timestamp, delivery.body)
        secret = matching_secret(self.secrets, signed, header.signatures)
        if secret is None:
            raise SignatureError("no signature matches")
        return Proof(secret_label=secret.label)

    def read(self, body: bytes) -> EventFacts:
        event = parse_object(body)
        event_id = identifier(event.get("id"), "id")
        event_type = identifier(event.get("type"), "type")
        livemode = event.get("livemode")
        return EventFacts(
            event_id=event_id,
            event_type=event_type,
            object_id=_object_id(event),
            livemode=livemode if isinstance(livemode, bool) else None,
            api_version=optional_identifier(event.get("api_version")),
            provider_created_at=parse_time(event.get("created")),
            connected_account=_connected_account(event),
        )

    def sign(self, body: bytes, now: datetime) -> dict[str, str]:
        timestamp = int(now.timestamp())
        signature = hex_hmac_sha256(self.secrets[0].value, b"%d.%s" % (timestamp, body))
        return {"Stripe-Signature": f"t={timestamp},v1={signature}"}

    def sample(self, event_type: str, event_id: str, now: datetime) -> dict[str, Any]:
        return stripe_sample(event_type, event_id, now)


def _event_types(variables: Variables, account: str) -> tuple[str, ...]:
    own = variable_of(EVENT_TYPES, account)
    name = own if variables.is_set(own) else EVENT_TYPES
    types = variables.names(name)
    if not all(EVENT_TYPE.fullmatch(it) for it in types):
        variables.problem(
            name, "has something that is no event type", "Write: charge.refunded, payment_intent.*"
        )
    return types


def _api(variables: Variables, account: str, *, strict: bool) -> StripeApi | None:
    name = variable_of(API_KEY, account)
    key = variables.secret(name)
    base = variables.text(API_BASE, DEFAULT_BASE).rstrip("/")
    if not API_ORIGIN.fullmatch(base) or (strict and base != DEFAULT_BASE):
        variables.problem(API_BASE, "is not the address of Stripe's API", "Leave it out")
        return None
    if not key:
        return None
    if not key.startswith(KEY_PREFIXES):
        variables.problem(
            name, "is not a secret or restricted key (sk_… or rk_…)", "Copy it from the dashboard"
        )
        return None
    return StripeApi(key, base, Pace.configured(variables))


def parse_signature_header(header: str) -> SignatureHeader:
    """Parse strictly: one `t` of ASCII digits, at least one `v1`, nothing that is not `key=value`.

    Raises:
        SignatureError: for anything else; unknown schemes such as `v0` are passed over.
    """
    if not header:
        raise SignatureError("missing header")
    if len(header) > LONGEST_HEADER or not VISIBLE.fullmatch(header):
        raise SignatureError("malformed header")
    timestamps: list[str] = []
    signatures: list[str] = []
    for part in header.split(","):
        key, separator, value = part.partition("=")
        if not separator:
            raise SignatureError("malformed header")
        if key == "t":
            timestamps.append(value)
        elif key == "v1":
            signatures.append(value)
    if len(timestamps) != 1 or not TIMESTAMP.fullmatch(timestamps[0]):
        raise SignatureError("malformed header")
    if not 1 <= len(signatures) <= MOST_SIGNATURES:
        raise SignatureError("no signature of the expected scheme")
    return SignatureHeader(int(timestamps[0]), tuple(signatures))


def _object_id(event: dict[str, Any]) -> str | None:
    """The id of the object that the event is about, in `data.object` or a thin event's relation.

    Some events have none (`balance.available`, `invoice.upcoming`).
    """
    data = event.get("data")
    subject = data.get("object") if isinstance(data, dict) else None
    if not isinstance(subject, dict):
        subject = event.get("related_object")
    return optional_identifier(subject.get("id")) if isinstance(subject, dict) else None


def _connected_account(event: dict[str, Any]) -> str | None:
    """The connected account that a Connect event belongs to.

    Raises:
        MalformedEvent: there is one, and it is no account id; guessing would file it under another.
    """
    account = event.get("account")
    if account is None:
        account = event.get("context")
    if account is None:
        return None
    if not optional_identifier(account):
        raise MalformedEvent('The event has no usable "account".')
    return str(account)
