"""HTTP to a provider with every bound that a request path needs: time in all, size, no surprises.

One request is one connection: no redirects, no retries, no proxies from the environment.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from http.client import HTTPException
from socket import SHUT_RDWR

import certifi
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError
from urllib3.util import parse_url

from payments.errors import PaymentsError

CHUNK = 16 * 1024
MOST_BYTES = 64 * 1024
TOTAL_SECONDS = 10.0
# One connect, one read. The total bounds what these cannot: names that resolve slowly, and answers
# that come a byte at a time.
STEP_SECONDS = 4.0
HEADERS = {"Accept-Encoding": "identity", "User-Agent": "payments-api"}


class NoAnswer(PaymentsError):
    """No complete answer came in time."""


class AnswerTooLarge(PaymentsError):
    """The answer is larger than it has any reason to be."""


@dataclass(frozen=True)
class Answer:
    """One HTTP answer; the body is as it was sent, not decoded."""

    status: int
    body: bytes = field(repr=False)
    retry_after: str | None = None


@dataclass(frozen=True, kw_only=True)
class BoundedHttp:
    """Sends single requests. Trusts certifi's authorities, and those of `extra_ca_pem`."""

    total_seconds: float = TOTAL_SECONDS
    step_seconds: float = STEP_SECONDS
    extra_ca_pem: str | None = field(default=None, repr=False)

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        seconds: float | None = None,
        most_bytes: int = MOST_BYTES,
    ) -> Answer:
        """Send one request and read the answer, whatever its status.

        Args:
            seconds: the time that there is for all of it; at most `total_seconds`.

        Raises:
            NoAnswer: the network, TLS or HTTP failed, or the time was over.
            AnswerTooLarge: the body has more than `most_bytes`.
        """
        limit = min(self.total_seconds, self.total_seconds if seconds is None else seconds)
        if limit <= 0:
            raise NoAnswer("No time is left.")
        connection = self._connection(url, limit)
        target = parse_url(url).request_uri
        outcome: Future[Answer] = Future()

        def run() -> None:
            try:
                connection.request(
                    method,
                    target,
                    body=body,
                    headers={**HEADERS, **(headers or {})},
                    preload_content=False,
                    decode_content=False,
                )
                outcome.set_result(_read(connection, most_bytes))
            except BaseException as error:  # handed to the caller, who is waiting for it
                outcome.set_exception(error)
            finally:
                connection.close()

        # A thread, because no socket timeout bounds the sum of many small reads, nor the resolver.
        threading.Thread(target=run, name="bounded-http", daemon=True).start()
        try:
            return outcome.result(limit)
        except (HTTPError, HTTPException, OSError) as error:  # TimeoutError is an OSError
            raise NoAnswer(f"{type(error).__name__} while asking {parse_url(url).host}.") from None
        finally:
            if not outcome.done():
                _abort(connection)

    def _connection(self, url: str, limit: float) -> HTTPConnection:
        parts = parse_url(url)
        timeout = min(self.step_seconds, limit)
        host = parts.host or ""
        if parts.scheme == "https":
            return HTTPSConnection(
                host,
                parts.port,
                timeout=timeout,
                ca_certs=certifi.where(),
                ca_cert_data=self.extra_ca_pem,
            )
        return HTTPConnection(host, parts.port, timeout=timeout)


def _read(connection: HTTPConnection, most_bytes: int) -> Answer:
    response = connection.getresponse()
    parts: list[bytes] = []
    size = 0
    # read1 gives what is there; read would wait until the chunk is full, however slowly it drips.
    while part := response.read1(CHUNK, decode_content=False):
        size += len(part)
        if size > most_bytes:
            raise AnswerTooLarge
        parts.append(part)
    return Answer(response.status, b"".join(parts), response.headers.get("Retry-After"))


def _abort(connection: HTTPConnection) -> None:
    """Wake up the thread that still reads: closing alone does not end a blocked read on Linux."""
    sock = connection.sock
    try:
        if sock is not None:
            sock.shutdown(SHUT_RDWR)
    except OSError:
        pass  # it ended by itself
