"""Proving a PayPal delivery by asking PayPal: POST /v1/notifications/verify-webhook-signature.

Source: developer.paypal.com/docs/api/webhooks/v1/#verify-webhook-signature_post.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from payments.errors import MalformedEvent, ProviderUnavailable, SignatureError
from payments.providers.base import Delivery, Proof, parse_object
from payments.providers.bounded_http import TOTAL_SECONDS
from payments.providers.paypal.api import PayPalApi, json_object
from payments.providers.paypal.transmission import ALGORITHM, Transmission, parse_transmission
from payments.providers.signatures import LabelledSecret

VERIFY_PATH = "/v1/notifications/verify-webhook-signature"
logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class PostbackScheme:
    """Asks PayPal about each delivery, for each of `webhook_ids` until one of them matches."""

    webhook_ids: tuple[LabelledSecret, ...] = field(repr=False)
    tolerance_seconds: int
    origins: tuple[str, ...]
    api: PayPalApi
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)

    @property
    def labels(self) -> Sequence[str]:
        return [webhook_id.label for webhook_id in self.webhook_ids]

    def prove(self, delivery: Delivery) -> Proof:
        """See `Provider.prove`."""
        transmission = parse_transmission(
            delivery.headers,
            delivery.received_at,
            tolerance_seconds=self.tolerance_seconds,
            origins=self.origins,
        )
        _check_embeddable(delivery.body)
        webhook_id = self._matching_webhook(transmission, delivery.body)
        return Proof(secret_label=f"{webhook_id.label} postback", transmission_id=transmission.id)

    def _matching_webhook(self, transmission: Transmission, body: bytes) -> LabelledSecret:
        deadline = self.clock() + TOTAL_SECONDS
        unsure = False
        for webhook_id in self.webhook_ids:
            try:
                if self._matches(transmission, webhook_id.value.decode(), body, deadline):
                    return webhook_id
            except ProviderUnavailable:
                unsure = True  # another id may still match: PayPal refuses ids it does not know
        if unsure:
            raise ProviderUnavailable
        raise SignatureError("PayPal says that it is not genuine")

    def _matches(
        self, transmission: Transmission, webhook_id: str, body: bytes, deadline: float
    ) -> bool:
        question = verification_request(transmission, webhook_id, body)
        answer = self.api.request("POST", VERIFY_PATH, question, seconds=deadline - self.clock())
        if answer.status != 200:
            logger.warning("PayPal's verification answered with status %d.", answer.status)
            raise ProviderUnavailable
        status = json_object(answer.body).get("verification_status")
        if status not in ("SUCCESS", "FAILURE"):
            logger.warning("PayPal's verification answered neither SUCCESS nor FAILURE.")
            raise ProviderUnavailable
        return bool(status == "SUCCESS")


def verification_request(transmission: Transmission, webhook_id: str, body: bytes) -> bytes:
    """The question to PayPal, with `body` in it byte for byte: a parsed and rewritten event fails.

    `body` must have been shown to be one JSON object, or it could add fields of its own.
    """
    fields = {
        "auth_algo": ALGORITHM,
        "cert_url": transmission.certificate_url,
        "transmission_id": transmission.id,
        "transmission_sig": transmission.signature,
        "transmission_time": transmission.time,
        "webhook_id": webhook_id,
    }
    return json.dumps(fields).encode("ascii").removesuffix(b"}") + b', "webhook_event": %s}' % body


def _check_embeddable(body: bytes) -> None:
    """One JSON object and nothing beside it, which PayPal cannot read otherwise than we do.

    Raises:
        SignatureError: it is not; this comes before the proof, so it is not a malformed event yet.
    """
    try:
        parse_object(body)
        json.loads(body, object_pairs_hook=_refuse_repeated)
    except (MalformedEvent, ValueError):
        raise SignatureError("body is not exactly one JSON object") from None


def _refuse_repeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of a key that comes twice, PayPal might sign one value while we act on the other."""
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a key comes twice")
    return dict(pairs)
