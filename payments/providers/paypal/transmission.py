"""The headers of a PayPal delivery, checked as far as they can be without asking anyone.

Source: developer.paypal.com/api/rest/webhooks/rest, "Webhook message verification".
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from payments.errors import SignatureError
from payments.providers.base import parse_time

ALGORITHM = "SHA256withRSA"
LIVE_HOSTS = ("api.paypal.com", "api-m.paypal.com")
SANDBOX_HOSTS = ("api.sandbox.paypal.com", "api-m.sandbox.paypal.com")
CERTIFICATE_FOLDER = "/v1/notifications/certs/"
# No leading dot, so no "..", and nothing that a server could decode into something else.
CERTIFICATE_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}")
# Printable ASCII without "|": that sign separates the signed fields, and could shift them.
TRANSMISSION_ID = re.compile(r"[\x21-\x7b}~]{1,128}")
TRANSMISSION_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})"
)
# Base64 of 512 bytes, an RSA key of 4096 bits; PayPal's has 2048.
LONGEST_SIGNATURE = 684
MOST_SECONDS_AHEAD = 300


@dataclass(frozen=True)
class Transmission:
    """The headers of one delivery; `time` and `signature` are raw, as they were signed and sent."""

    id: str
    time: str
    moment: datetime
    certificate_url: str
    signature: str

    @property
    def signature_bytes(self) -> bytes:
        return base64.b64decode(self.signature, validate=True)

    def signed_text(self, webhook_id: str, body: bytes) -> bytes:
        """What PayPal signed, if it sent `body` to the webhook `webhook_id`."""
        return f"{self.id}|{self.time}|{webhook_id}|{zlib.crc32(body)}".encode("ascii")


def parse_transmission(
    headers: Mapping[str, str],
    received_at: datetime,
    *,
    tolerance_seconds: int,
    origins: Collection[str],
) -> Transmission:
    """Read and check the headers; `origins` are those that a certificate may be fetched from.

    Raises:
        SignatureError: one is missing or malformed, or the time is too old or too far ahead.
    """
    if headers.get("paypal-auth-algo") != ALGORITHM:
        raise SignatureError("missing or unknown algorithm")
    transmission_id = headers.get("paypal-transmission-id", "")
    if not TRANSMISSION_ID.fullmatch(transmission_id):
        raise SignatureError("missing or malformed transmission id")
    time = headers.get("paypal-transmission-time", "")
    moment = _moment(time, received_at, tolerance_seconds)
    url = headers.get("paypal-cert-url", "")
    if not is_certificate_url(url, origins):
        raise SignatureError("certificate URL is not PayPal's")
    signature = headers.get("paypal-transmission-sig", "")
    _check_base64(signature)
    return Transmission(transmission_id, time, moment, url, signature)


def is_certificate_url(url: str, origins: Collection[str]) -> bool:
    """Whether `url` is one of `origins`, letter by letter, then the folder and a plain name.

    It is hostile input. Nothing is parsed, so there is no parser to disagree with another one about
    user info, ports, backslashes or encoded characters.
    """
    return any(
        url.startswith(prefix) and CERTIFICATE_NAME.fullmatch(url, len(prefix)) is not None
        for prefix in (origin + CERTIFICATE_FOLDER for origin in origins)
    )


def certificate_origins(mode: str) -> tuple[str, ...]:
    """The origins of PayPal's certificates for a receiver in `mode`.

    A live receiver takes the live hosts alone. A sandbox receiver takes those as well: the
    dashboard's webhook simulator, which a sandbox is tried out with, signs with the production
    certificate. That lends live deliveries no power over a sandbox, since the webhook id is signed.
    """
    hosts = LIVE_HOSTS if mode == "live" else LIVE_HOSTS + SANDBOX_HOSTS
    return tuple(f"https://{host}" for host in hosts)


def _moment(time: str, received_at: datetime, tolerance_seconds: int) -> datetime:
    moment = parse_time(time) if TRANSMISSION_TIME.fullmatch(time) else None
    if moment is None:
        raise SignatureError("missing or malformed transmission time")
    age = (received_at - moment).total_seconds()
    if not -MOST_SECONDS_AHEAD <= age <= tolerance_seconds:
        raise SignatureError("transmission time outside of the tolerance")
    return moment


def _check_base64(signature: str) -> None:
    if not 1 <= len(signature) <= LONGEST_SIGNATURE:
        raise SignatureError("missing or malformed signature")
    try:
        decoded = base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):  # ValueError: not ASCII
        raise SignatureError("missing or malformed signature") from None
    # One signature has one spelling: b64decode ignores the unused bits of the last character.
    if base64.b64encode(decoded).decode() != signature:
        raise SignatureError("missing or malformed signature")
