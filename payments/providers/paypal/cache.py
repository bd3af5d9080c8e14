"""Certificates by their URL: each fetched once by one thread, and kept within bounds.

Good and bad answers are kept apart, so that no flood of made-up URLs pushes a good one out; and
new URLs have a budget, so that no such flood makes this service a nuisance to PayPal.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

from cryptography import x509

from payments.errors import ProviderUnavailable, SignatureError
from payments.providers.bounded_http import TOTAL_SECONDS, AnswerTooLarge, BoundedHttp, NoAnswer
from payments.providers.paypal.trust import parse_certificates

# A certificate is valid for about a year, and its URL never shows another one. A day is how late
# this service learns that PayPal withdrew it.
GOOD_SECONDS = 24 * 3600.0
REFUSED_SECONDS = 60.0
UNAVAILABLE_SECONDS = 10.0
MOST_GOOD = 16
MOST_BAD = 256
BUDGET_FETCHES = 60
BUDGET_SECONDS = 60.0

Certificates = tuple[x509.Certificate, ...]
Fetch = Callable[[str], bytes]
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Entry:
    """What is known of one URL until `expires_at`: its certificates, or why there are none."""

    expires_at: float
    certificates: Certificates = ()
    reason: str = ""
    unavailable: bool = False

    def unwrap(self) -> Certificates:
        if self.unavailable:
            raise ProviderUnavailable
        if not self.certificates:
            raise SignatureError(self.reason)
        return self.certificates


class CertificateCache:
    """The certificates at a URL, the leaf first. Safe to use from many threads."""

    def __init__(self, fetch: Fetch, clock: Callable[[], float] = time.monotonic) -> None:
        """`fetch` gives the bytes at a URL, or raises SignatureError or ProviderUnavailable."""
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._good: OrderedDict[str, Entry] = OrderedDict()
        self._bad: OrderedDict[str, Entry] = OrderedDict()
        self._flights: dict[str, Future[Entry]] = {}
        self._fetched_at: deque[float] = deque(maxlen=BUDGET_FETCHES)

    def get(self, url: str) -> Certificates:
        """The certificates at `url`, which must have been checked before.

        Raises:
            SignatureError: there is no certificate.
            ProviderUnavailable: the URL does not answer at present, or the budget is spent.
        """
        with self._lock:
            entry = self._fresh(url)
            if entry is not None:
                return entry.unwrap()
            flight = self._flights.get(url)
            leads = flight is None
            if flight is None:
                if not self._afford():
                    return self._stale(url)
                flight = self._flights[url] = Future()
        if leads:
            self._lead(url, flight)
        try:
            return flight.result(TOTAL_SECONDS + 1).unwrap()
        except TimeoutError:
            raise ProviderUnavailable from None

    def remember(self, url: str, data: bytes) -> None:
        """Keep `data` (PEM) for `url` as if it had just been fetched.

        Raises:
            ValueError: it is not a certificate.
        """
        certificates = parse_certificates(data)
        with self._lock:
            self._keep(url, Entry(self._clock() + GOOD_SECONDS, certificates))

    def _fresh(self, url: str) -> Entry | None:
        entry = self._good.get(url) or self._bad.get(url)
        return entry if entry is not None and self._clock() < entry.expires_at else None

    def _afford(self) -> bool:
        now = self._clock()
        spent = len(self._fetched_at) == BUDGET_FETCHES
        if spent and now - self._fetched_at[0] < BUDGET_SECONDS:
            logger.warning("Too many different PayPal certificate URLs; none is fetched for now.")
            return False
        self._fetched_at.append(now)
        return True

    def _stale(self, url: str) -> Certificates:
        if url not in self._good:
            raise ProviderUnavailable
        return self._good[url].certificates

    def _lead(self, url: str, flight: Future[Entry]) -> None:
        try:
            entry = self._ask(url)
            with self._lock:
                entry = self._keep(url, entry)
            flight.set_result(entry)
        except BaseException as error:  # a bug; those who wait must not wait for nothing
            flight.set_exception(error)
        finally:
            with self._lock:
                self._flights.pop(url, None)

    def _ask(self, url: str) -> Entry:
        try:
            certificates = parse_certificates(self._fetch(url))
        except ProviderUnavailable:
            return Entry(self._clock() + UNAVAILABLE_SECONDS, unavailable=True)
        except (SignatureError, ValueError) as error:
            reason = error.reason if isinstance(error, SignatureError) else "certificate is garbage"
            return Entry(self._clock() + REFUSED_SECONDS, reason=reason)
        return Entry(self._clock() + GOOD_SECONDS, certificates)

    def _keep(self, url: str, entry: Entry) -> Entry:
        old = self._good.pop(url, None)
        self._bad.pop(url, None)
        if entry.unavailable and old is not None:
            # Whoever cannot be asked has not withdrawn it either; the chain's dates still bind.
            entry = Entry(entry.expires_at, old.certificates)
        kept, most = (self._good, MOST_GOOD) if entry.certificates else (self._bad, MOST_BAD)
        kept[url] = entry
        while len(kept) > most:
            kept.popitem(last=False)
        return entry


def fetch_certificate(http: BoundedHttp) -> Fetch:
    """A `Fetch` over `http`: only a 200 is a certificate, and only PayPal's own trouble a 503."""

    def fetch(url: str) -> bytes:
        try:
            answer = http.send("GET", url)
        except NoAnswer as error:
            logger.warning("A PayPal certificate could not be fetched: %s", error)
            raise ProviderUnavailable from None
        except AnswerTooLarge:
            raise SignatureError("certificate is too large") from None
        if answer.status >= 500 or answer.status == 429:
            logger.warning("A PayPal certificate could not be fetched: status %d", answer.status)
            raise ProviderUnavailable
        if answer.status != 200:
            raise SignatureError(f"certificate URL answered {answer.status}")
        return answer.body

    return fetch
