"""A stand-in for PayPal over real HTTP or HTTPS: signs deliveries, serves certificates, verifies.

    with PayPalStandIn() as paypal:
        Path("ca.pem").write_bytes(paypal.ca_pem)       # PAYPAL_CA_FILE
        paypal.base_url                                 # PAYPAL_API_BASE
        headers = paypal.deliver_headers(body)          # for paypal.webhook_id
        paypal.misbehave("/v1/oauth2/", "hang")         # until paypal.behave()
        paypal.count("/v1/notifications/certs/")

It knows nothing of the service that it talks to, and nothing of pytest.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
import ssl
import sys
import tempfile
import threading
import time as clock
import uuid
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from tests.standins.certificates import Identity, issue

SIGNER_NAME = "messageverificationcerts.paypal.com"
CERTIFICATES = "/v1/notifications/certs/"
TOKEN = "/v1/oauth2/token"
VERIFY = "/v1/notifications/verify-webhook-signature"
ISSUER = "/Intermediate.crt"
DRIP_SECONDS = 0.1
Reply = tuple[int, str, bytes]


@dataclass(frozen=True)
class Request:
    """One request that the stand-in received."""

    method: str
    path: str
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class PayPalStandIn:
    """Starts on a free port; a context manager, or `start()` and `stop()`.

    Attributes:
        requests: every request so far.
        signer: the identity that signs, whose certificate is at `certificate_url`.
        token_seconds: the lifetime that a new access token says it has.
        webhook_ids: those that `verify-webhook-signature` knows; others get a 404.
        retry_after: what a 429 says; None for nothing.
    """

    def __init__(self, *, tls: bool = False, webhook_id: str = "8WH1234567890ABCD") -> None:
        self.webhook_id = webhook_id
        self.webhook_ids = {webhook_id}
        self.client_id = "client-id-of-the-stand-in"
        self.client_secret = "3f9c1d7e5b2a4860"
        self.token_seconds: float = 32400
        self.requests: list[Request] = []
        self._served: dict[str, Reply] = {}
        self.retry_after: str | None = "0"
        self._faults: dict[str, tuple[str, int]] = {}
        self._tokens: dict[str, float] = {}
        self._released = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self.base_url = f"{'https' if tls else 'http'}://127.0.0.1:{self._server.server_port}"
        self.root = issue("Stand-in Root", authority=True)
        self.intermediate = issue("Stand-in Intermediate", self.root, authority=True)
        self.signer = issue(SIGNER_NAME, self.intermediate, issuer_url=f"{self.base_url}{ISSUER}")
        self.certificate_url = self.serve_certificate("CERT-standin-1", self.signer.pem)
        der = self.intermediate.certificate.public_bytes(Encoding.DER)
        self.serve(ISSUER, der, "application/pkix-cert")
        if tls:
            self._server.socket = self._tls_socket()

    @property
    def ca_pem(self) -> bytes:
        """The root and the intermediate."""
        return self.root.pem + self.intermediate.pem

    def __enter__(self) -> PayPalStandIn:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        threading.Thread(
            target=self._server.serve_forever, args=(0.01,), name="paypal-stand-in", daemon=True
        ).start()

    def stop(self) -> None:
        self._released.set()
        self._server.shutdown()
        self._server.server_close()

    def deliver_headers(
        self,
        body: bytes,
        webhook_id: str | None = None,
        time: datetime | str | None = None,
        *,
        transmission_id: str | None = None,
        certificate_url: str | None = None,
        signer: Identity | None = None,
    ) -> dict[str, str]:
        """The headers with which PayPal would deliver `body`, signed for `webhook_id` at `time`."""
        moment = datetime.now(UTC) if time is None else time
        if isinstance(moment, datetime):
            moment = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        transmission_id = transmission_id or str(uuid.uuid4())
        text = f"{transmission_id}|{moment}|{webhook_id or self.webhook_id}|{zlib.crc32(body)}"
        return {
            "Content-Type": "application/json",
            "PAYPAL-TRANSMISSION-ID": transmission_id,
            "PAYPAL-TRANSMISSION-TIME": moment,
            "PAYPAL-TRANSMISSION-SIG": _sign(signer or self.signer, text.encode("latin-1")),
            "PAYPAL-CERT-URL": certificate_url or self.certificate_url,
            "PAYPAL-AUTH-ALGO": "SHA256withRSA",
            "PAYPAL-AUTH-VERSION": "v2",
        }

    def serve(self, path: str, body: bytes, kind: str = "text/plain", status: int = 200) -> str:
        """Answer every request for `path`, whatever its query, with `body`; returns its URL."""
        self._served[path] = (status, kind, body)
        return self.base_url + path

    def serve_certificate(self, name: str, pem: bytes) -> str:
        return self.serve(CERTIFICATES + name, pem)

    def misbehave(self, prefix: str, how: str, *, times: int = sys.maxsize) -> None:
        """From now on, so many times, answer paths that begin with `prefix` in the way named `how`.

        One of: a status such as "500"; "hang", "html", "huge", "endless", "redirect", "garbage",
        "cut", "drip", "drip headers", "drop", "gzip".
        """
        self._faults[prefix] = (how, self.count(prefix) + times)

    def behave(self) -> None:
        self._faults.clear()

    def expire_tokens(self) -> None:
        """Every token so far is answered with 401, whatever lifetime it was said to have."""
        self._tokens.clear()

    def count(self, prefix: str = "/") -> int:
        """How many requests came for paths that begin with `prefix`."""
        return sum(request.path.startswith(prefix) for request in self.requests)

    def _tls_socket(self) -> ssl.SSLSocket:
        leaf = issue("127.0.0.1", self.intermediate)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "server.pem")
            path.write_bytes(leaf.key_pem + leaf.pem + self.intermediate.pem)
            context.load_cert_chain(path)
        # Handshakes happen in the threads of the requests, so that one cannot hold up the others.
        return context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )

    def _fault(self, path: str) -> str:
        """How to answer the request for `path`, which is counted already."""
        fits = (
            how
            for prefix, (how, until) in self._faults.items()
            if path.startswith(prefix) and self.count(prefix) <= until
        )
        return next(fits, "")

    def _reply(self, request: Request) -> Reply:
        for path in (request.path, request.path.partition("?")[0]):
            if path in self._served:
                return self._served[path]
        if request.method == "POST" and request.path == TOKEN:
            return self._grant(request)
        if request.method == "POST" and request.path == VERIFY:
            return self._verify(request)
        return _json(404, {"name": "RESOURCE_NOT_FOUND"})

    def _grant(self, request: Request) -> Reply:
        expected = base64.b64encode(f"{self.client_id}:{self.client_secret}".encode()).decode()
        wanted = parse_qs(request.body.decode()).get("grant_type") == ["client_credentials"]
        if request.headers.get("authorization") != f"Basic {expected}" or not wanted:
            return _json(401, {"error": "invalid_client"})
        token = f"A21AA{secrets.token_urlsafe(48)}"
        self._tokens[token] = clock.monotonic() + self.token_seconds
        granted = {"access_token": token, "token_type": "Bearer", "expires_in": self.token_seconds}
        return _json(200, granted)

    def _verify(self, request: Request) -> Reply:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if clock.monotonic() >= self._tokens.get(token, 0.0):
            return _json(401, {"error": "invalid_token"})
        try:
            question = json.loads(request.body)
            # The signature is over the event as it was sent, so its bytes are cut out.
            start = re.search(rb'"webhook_event"\s*:\s?', request.body)
            raw = request.body[start.end() : request.body.rindex(b"}")] if start else b""
            genuine = self._is_genuine(question, raw)
        except (ValueError, KeyError, TypeError):
            return _json(400, {"name": "VALIDATION_ERROR"})
        if question["webhook_id"] not in self.webhook_ids:
            return _json(404, {"name": "INVALID_RESOURCE_ID"})
        return _json(200, {"verification_status": "SUCCESS" if genuine else "FAILURE"})

    def _is_genuine(self, question: dict[str, Any], raw: bytes) -> bool:
        text = "|".join(
            [
                question["transmission_id"],
                question["transmission_time"],
                question["webhook_id"],
                str(zlib.crc32(raw)),
            ]
        )
        signature = base64.b64decode(question["transmission_sig"])
        key = _rsa(self.signer).public_key()
        try:
            key.verify(signature, text.encode(), PKCS1v15(), SHA256())
        except InvalidSignature:
            return False
        return bool(question["auth_algo"] == "SHA256withRSA")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are part of the tests."""


def _handler(standin: PayPalStandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Request(self.command, self.path, headers, self.rfile.read(length))
            standin.requests.append(request)
            fault = standin._fault(self.path)
            if fault:
                self.close_connection = True
                FAULTS.get(fault, _status)(self, standin, fault)
            else:
                _send(self, *standin._reply(request))

        do_POST = do_GET  # noqa: N815 - the name that http.server calls

        def log_message(self, format: str, *args: Any) -> None:
            """Tests look at `requests`."""

    return Handler


def _send(
    handler: BaseHTTPRequestHandler,
    status: int,
    kind: str,
    body: bytes,
    headers: Mapping[str, str] | None = None,
) -> None:
    handler.send_response(status)
    for name, value in (headers or {}).items():
        handler.send_header(name, value)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def _json(status: int, value: Any) -> Reply:
    return status, "application/json", json.dumps(value).encode()


def _sign(signer: Identity, text: bytes) -> str:
    return base64.b64encode(_rsa(signer).sign(text, PKCS1v15(), SHA256())).decode()


def _rsa(identity: Identity) -> RSAPrivateKey:
    if not isinstance(identity.key, RSAPrivateKey):
        raise TypeError("PayPal signs with RSA")
    return identity.key


Fault = Callable[[BaseHTTPRequestHandler, PayPalStandIn, str], None]


def _status(handler: BaseHTTPRequestHandler, standin: PayPalStandIn, fault: str) -> None:
    more = {"Retry-After": standin.retry_after} if fault == "429" and standin.retry_after else {}
    _send(handler, int(fault), "text/plain", b"so it is", more)


def _hang(handler: BaseHTTPRequestHandler, standin: PayPalStandIn, fault: str) -> None:
    standin._released.wait(60)


def _html(handler: BaseHTTPRequestHandler, standin: PayPalStandIn, fault: str) -> None:
    _send(handler, 200, "text/html", b"<!doctype html><title>Maintenance</title>")


def _huge(handler: BaseHTTPRequestHandler, standin: PayPalStandIn, fault: str) -> None:
    _send(handler, 200, "text/plain", standin.signer.pem + b"\n" * (1 << 20))


def _endless(handler: BaseHTTPRequestHandler, standin: PayPalStandIn, fault: str) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while not standin._released.is_set():
        handler.wfile.write(b"2000\r\n" + b"x" * 0x2000 + b"\r\n")


def _redirect(handler: BaseHTTPRequestHandler, standin: PayPalStandIn, fault: str) -> None:
    handler.send_response(302)
    handler.send_header("Location", standin.certificate_url + "?redirected")
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def _garbage(handler: BaseHTTPRequestHandler, standin: PayPalStandIn, fault: str) -> None:
    _send(handler, 200, "text/plain", standin.signer.pem.replace(b"M", b"A", 5))


def _cut(handler: BaseHTTPRequestHandler, standin: PayPalStandIn, fault: str) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" + standin.signer.pem)


def _drip(handler: BaseHTTPRequestHandler, standin: PayPalStandIn, fault: str) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
    if fault == "drip":
        handler.wfile.write(head)
    else:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while not standin._released.wait(DRIP_SECONDS):
        handler.wfile.write(b"x")


def _drop(handler: BaseHTTPRequestHandler, standin: PayPalStandIn, fault: str) -> None:
    handler.connection.close()


def _gzip(handler: BaseHTTPRequestHandler, standin: PayPalStandIn, fault: str) -> None:
    body = zlib.compress(standin.signer.pem, wbits=31)
    handler.send_response(200)
    handler.send_header("Content-Encoding", "gzip")
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


FAULTS: dict[str, Fault] = {
    "hang": _hang,
    "html": _html,
    "huge": _huge,
    "endless": _endless,
    "redirect": _redirect,
    "garbage": _garbage,
    "cut": _cut,
    "drip": _drip,
    "drip headers": _drip,
    "drop": _drop,
    "gzip": _gzip,
}
