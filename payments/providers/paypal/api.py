"""PayPal's REST API: OAuth2 client credentials, and requests with the token they give.

Source: developer.paypal.com/api/rest/authentication.
"""

from __future__ import annotations

import base64
import json
import logging
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from payments.breaker import Breaker
from payments.errors import ProviderLimitsRate, ProviderUnavailable
from payments.providers.asking import wait_wanted
from payments.providers.bounded_http import (
    MOST_BYTES,
    TOTAL_SECONDS,
    Answer,
    AnswerTooLarge,
    BoundedHttp,
    NoAnswer,
)

TOKEN_PATH = "/v1/oauth2/token"  # noqa: S105 - a path
# What may stand in a header: PayPal's tokens are about 100 characters.
TOKEN = re.compile(r"[\x21-\x7e]{1,8192}")
# A token is not used in its last minute, so that it cannot expire on the way.
MARGIN_SECONDS = 60.0
# After an answer that did not come, others do not wait for it as well.
OPEN_SECONDS = 5.0
SILENT = "PayPal does not answer."
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Token:
    value: str = field(repr=False)
    expires_at: float


class PayPalApi:
    """The API at `base` (scheme and host) for one app. Safe to use from many threads."""

    def __init__(
        self,
        base: str,
        client_id: str,
        client_secret: str,
        http: BoundedHttp,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._base = base
        self._basic = base64.b64encode(f"{client_id}:{client_secret}".encode()).decode()
        self._http = http
        self._clock = clock
        self._breaker = Breaker(OPEN_SECONDS, clock)
        self._lock = threading.Lock()
        self._token: Token | None = None

    def __repr__(self) -> str:
        return f"PayPalApi({self._base!r})"

    @property
    def base(self) -> str:
        """The scheme and the host."""
        return self._base

    def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        seconds: float = TOTAL_SECONDS,
        most_bytes: int = MOST_BYTES,
    ) -> Answer:
        """Send one request with a token; a token that was refused (401) is replaced once.

        Args:
            path: with its query, from the root.
            body: JSON.
            seconds: for everything together, the token included.

        Raises:
            ProviderUnavailable: no answer in time, a status of 429 or 5xx, or no token.
        """
        if not self._breaker.allows():
            raise ProviderUnavailable
        try:
            answer = self.ask(method, path, body, seconds=seconds, most_bytes=most_bytes)
        except ProviderUnavailable:
            self._breaker.failed()
            raise
        self._breaker.succeeded()
        return answer

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        seconds: float = TOTAL_SECONDS,
        most_bytes: int = MOST_BYTES,
    ) -> Answer:
        """The same as `request` for who can wait: what fails here does not make others give up."""
        return self._authorized(method, path, body, self._clock() + seconds, most_bytes)

    def _authorized(
        self, method: str, path: str, body: bytes | None, deadline: float, most_bytes: int
    ) -> Answer:
        token = self._current_token(deadline)
        answer = self._send(method, path, _json_headers(token), body, deadline, most_bytes)
        if answer.status == 401:
            self._forget(token)
            token = self._current_token(deadline)
            answer = self._send(method, path, _json_headers(token), body, deadline, most_bytes)
        return answer

    def _current_token(self, deadline: float) -> Token:
        # One thread fetches, the others wait for it, but not for longer than they have.
        if not self._lock.acquire(timeout=max(0.0, deadline - self._clock())):
            raise ProviderUnavailable(SILENT)
        try:
            if self._token is None or self._clock() >= self._token.expires_at:
                self._token = self._fetch_token(deadline)
            return self._token
        finally:
            self._lock.release()

    def _forget(self, token: Token) -> None:
        with self._lock:
            if self._token is token:  # else another thread has replaced it already
                self._token = None

    def _fetch_token(self, deadline: float) -> Token:
        headers = {
            "Authorization": f"Basic {self._basic}",
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
        }
        body = b"grant_type=client_credentials"
        asked_at = self._clock()
        answer = self._send("POST", TOKEN_PATH, headers, body, deadline, MOST_BYTES)
        if answer.status != 200:
            logger.error(
                "PayPal granted no access token (status %d): check PAYPAL_CLIENT_ID, "
                "PAYPAL_CLIENT_SECRET and PAYPAL_MODE.",
                answer.status,
            )
            raise ProviderUnavailable(
                "PayPal does not accept PAYPAL_CLIENT_ID and PAYPAL_CLIENT_SECRET "
                f"(status {answer.status})."
            )
        return _parse_token(answer.body, asked_at)

    def _send(
        self,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes | None,
        deadline: float,
        most_bytes: int,
    ) -> Answer:
        try:
            answer = self._http.send(
                method,
                self._base + path,
                headers=headers,
                body=body,
                seconds=deadline - self._clock(),
                most_bytes=most_bytes,
            )
        except (NoAnswer, AnswerTooLarge) as error:
            logger.warning("PayPal's API did not answer: %s", error)
            raise ProviderUnavailable(SILENT) from None
        if answer.status == 429:
            logger.warning("PayPal's API answered with status 429.")
            raise ProviderLimitsRate(wait_wanted(answer.retry_after))
        if answer.status >= 500:
            logger.warning("PayPal's API answered with status %d.", answer.status)
            raise ProviderUnavailable(f"PayPal answered with status {answer.status}.")
        return answer


def json_object(body: bytes) -> dict[str, Any]:
    """The JSON object that the API answered with.

    Raises:
        ProviderUnavailable: it is something else, such as a maintenance page.
    """
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        logger.warning("PayPal's API answered with something that is not a JSON object.")
        raise ProviderUnavailable("PayPal answered with something that is not a JSON object.")
    return value


def _json_headers(token: Token) -> dict[str, str]:
    return {
        "Authorization": f"Bearer {token.value}",
        "Content-Type": "application/json",
        "Accept": "application/json",
    }


def _parse_token(body: bytes, asked_at: float) -> Token:
    granted = json_object(body)
    value, lifetime = granted.get("access_token"), granted.get("expires_in")
    usable = isinstance(value, str) and TOKEN.fullmatch(value)
    if not usable or isinstance(lifetime, bool) or not isinstance(lifetime, (int, float)):
        logger.warning("PayPal's API answered with a token that cannot be used.")
        raise ProviderUnavailable("PayPal answered with an access token that cannot be used.")
    # A token that lives for less than the margin serves the request that asked for it.
    return Token(str(value), asked_at + lifetime - MARGIN_SECONDS)
