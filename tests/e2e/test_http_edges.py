"""What is hardly HTTP, over raw sockets against a real gunicorn: answered in one form, or hung up.

gunicorn answers some of it by itself; a client cannot tell (payments/web/server.py).
"""

from __future__ import annotations

import contextlib
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.deliveries import encode, stripe_event, stripe_headers
from tests.support.refusals import check_problem
from tests.support.service import WEB, Answer, Service

LIMIT = 100_000
# payments/web/server.py: READ_SECONDS, and a margin for a busy machine.
READ_SECONDS = 10
MARGIN_SECONDS = 5
END = b"\r\n\r\n"
HOST = b"Host: localhost\r\n"
TLS_HELLO = bytes.fromhex("16030100c5010000c10303") + bytes(range(256)) + b"\r\n\r\n"


@pytest.fixture(scope="module")
def service(valkey_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("edges")
    database = f"sqlite:///{folder / 'payments.db'}"
    made = Service(folder, database, valkey_server, MAX_REQUEST_SIZE=str(LIMIT))
    with made.started() as service:
        yield service


@pytest.fixture
def untouched(service: Service) -> Iterator[None]:
    """Afterwards the service answers, has kept nothing, and has nothing to be ashamed of."""
    before, logged = rows(service), len(service.log(WEB))
    yield
    assert service.request("GET", "/health").status == 200
    assert rows(service) == before
    log = service.log(WEB)[logged:]
    assert "Traceback" not in log, log


COUNTED = ("delivery_counts", "secret_uses")


def rows(service: Service) -> dict[str, int]:
    with contextlib.closing(sqlite3.connect(service.folder / "payments.db")) as database:
        # Deliveries, and the secrets that proved them, are counted; nothing of them is kept.
        found = database.execute("SELECT name FROM pragma_table_list").fetchall()
        tables = [name for (name,) in found if name not in COUNTED]
        return {
            name: database.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]  # noqa: S608
            for name in tables
        }


def stored(service: Service, event_id: str) -> bytes:
    with contextlib.closing(sqlite3.connect(service.folder / "payments.db")) as database:
        [(body,)] = database.execute(
            "SELECT body FROM event_payloads JOIN events ON id = event_payloads.event_id "
            "WHERE events.event_id = ?",
            [event_id],
        )
    return bytes(body)


# ── raw HTTP ──────────────────────────────────────────────────────────────────────────────────


def post(*headers: str, body: bytes = b"", path: str = "/webhooks/stripe") -> bytes:
    """A POST with exactly these headers, and whatever is to follow them."""
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", *headers]
    return "\r\n".join(lines).encode("latin-1") + END + body


def get(*headers: str) -> bytes:
    return "\r\n".join(["GET /health HTTP/1.1", "Host: localhost", *headers]).encode() + END


def chunked(data: bytes, *headers: str) -> bytes:
    return post("Transfer-Encoding: chunked", *headers, body=data)


def chunks(body: bytes, size: int) -> bytes:
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def connect(service: Service) -> socket.socket:
    return socket.create_connection(("127.0.0.1", service.port), timeout=READ_SECONDS * 3)


def exchange(service: Service, data: bytes, *, half_close: bool = True) -> list[Answer]:
    """Send, then read until the server hangs up; the answers in their order."""
    with connect(service) as connection:
        # A server may answer and hang up before it has read everything.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(data)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
        return answers(read_all(connection))


def read_all(connection: socket.socket) -> bytes:
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while part := connection.recv(65536):
            received += part
    return received


def answers(received: bytes) -> list[Answer]:
    """The responses in what a server sent; each must be whole."""
    found = []
    while received:
        head, end, rest = received.partition(END)
        assert end, received
        status_line, *lines = head.decode("latin-1").split("\r\n")
        version, status, _ = status_line.split(" ", 2)
        assert version in ("HTTP/1.1", "HTTP/1.0")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        length = int(headers.get("content-length", 0))
        assert len(rest) >= length, received
        found.append(Answer(int(status), headers, rest[:length]))
        received = rest[length:]
    return [answer for answer in found if answer.status != 100]


# ── refused ───────────────────────────────────────────────────────────────────────────────────

REFUSED: dict[str, tuple[int, bytes]] = {
    # The length of the body
    "a negative Content-Length": (400, post("Content-Length: -5", body=b"12345")),
    "a positive Content-Length": (400, post("Content-Length: +5", body=b"12345")),
    "Content-Length in words": (400, post("Content-Length: five", body=b"12345")),
    "a hexadecimal Content-Length": (400, post("Content-Length: 0x5", body=b"12345")),
    "an empty Content-Length": (400, post("Content-Length:", body=b"12345")),
    "a fraction": (400, post("Content-Length: 5.0", body=b"12345")),
    "underscores": (400, post("Content-Length: 1_0", body=b"1234567890")),
    "Arabic digits": (400, post("Content-Length: \xd9\xa5", body=b"12345")),
    "a superscript digit": (400, post("Content-Length: \xb2", body=b"12")),
    "a list of lengths": (400, post("Content-Length: 5, 5", body=b"12345")),
    "two lengths, the same": (400, post("Content-Length: 5", "Content-Length: 5", body=b"12345")),
    "two lengths that differ": (400, post("Content-Length: 5", "Content-Length: 2", body=b"12345")),
    "a length of 5,000 digits": (400, post("Content-Length: " + "9" * 5_000)),
    "a length over every limit": (413, post("Content-Length: " + "9" * 30)),
    "no length": (400, post()),
    "Content-Length and Transfer-Encoding": (
        400,
        post("Content-Length: 5", "Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
    ),
    "Transfer-Encoding and Content-Length": (
        400,
        post("Transfer-Encoding: chunked", "Content-Length: 5", body=b"0\r\n\r\n"),
    ),
    "an unknown Transfer-Encoding": (501, post("Transfer-Encoding: squeezed", body=b"0\r\n\r\n")),
    "chunked twice": (400, post("Transfer-Encoding: chunked, chunked", body=b"0\r\n\r\n")),
    "chunked in a version without it": (
        400,
        chunked(b"0\r\n\r\n").replace(b"HTTP/1.1", b"HTTP/1.0"),
    ),
    # Chunks
    "a chunk size that is no number": (400, chunked(b"zz\r\nabc\r\n0\r\n\r\n")),
    "a negative chunk size": (400, chunked(b"-5\r\nabcde\r\n0\r\n\r\n")),
    "a chunk size with 0x": (400, chunked(b"0x5\r\nabcde\r\n0\r\n\r\n")),
    "a chunk size with underscores": (400, chunked(b"0_5\r\nabcde\r\n0\r\n\r\n")),
    "an empty chunk size": (400, chunked(b"\r\nabcde\r\n0\r\n\r\n")),
    "a chunk that is longer than its size": (400, chunked(b"3\r\nabcde\r\n0\r\n\r\n")),
    "a chunk that is shorter than its size": (400, chunked(b"9\r\nabcde\r\n0\r\n\r\n")),
    "a chunk of 10^30 bytes": (400, chunked(b"F" * 25 + b"\r\nabcde\r\n0\r\n\r\n")),
    "a chunk size of 100 kB": (400, chunked(b"0" * 100_000)),
    "a chunk extension that is none": (400, chunked(b"5;\x00\r\nabcde\r\n0\r\n\r\n")),
    "chunks that end in newlines": (400, chunked(b"5\nabcde\n0\n\n")),
    "no last chunk": (400, chunked(b"5\r\nabcde\r\n")),
    "no end behind the last chunk": (400, chunked(b"5\r\nabcde\r\n0\r\n")),
    "a trailer that is not allowed": (400, chunked(b"0\r\nContent-Length: 5\r\n\r\n")),
    "a trailer that is no header": (400, chunked(b"0\r\nnothing\r\n\r\n")),
    "an over-long body in chunks": (413, chunked(chunks(b"a" * 2_000_000, 8192))),
    "an over-long body in one chunk": (413, chunked(chunks(b"a" * (LIMIT + 1), LIMIT + 1))),
    "an over-long body": (413, post("Content-Length: 2000000", body=b"a" * 2_000_000)),
    # Headers
    "a header of 20 kB": (431, post("X-Long: " + "a" * 20_000)),
    "a signature of 20 kB": (431, post("Stripe-Signature: t=1,v1=" + "0" * 20_000)),
    "a header of 1 MB": (431, post("X-Long: " + "a" * 1_000_000)),
    "1,000 headers": (431, post(*(f"X-{n}: a" for n in range(1_000)))),
    "4 MB of headers": (431, post(*(f"X-{n}: {'a' * 4_000}" for n in range(1_000)))),
    "a header without a colon": (400, post("nothing")),
    "a header without a name": (400, post(": a")),
    "a space before the colon": (400, post("X-A : a")),
    "a name with a space": (400, post("X A: a")),
    "a name that is no token": (400, post("X(A): a")),
    "a name that is not ASCII": (400, post("X-\xe9: a")),
    "a NUL in a value": (400, post("X-A: a\0b")),
    "a carriage return in a value": (400, post("X-A: a\rb")),
    "a newline in a value": (400, post("X-A: a\nX-B: b")),
    "a control character in a value": (400, post("X-A: a\x1bb")),
    "DEL in a value": (400, post("X-A: a\x7fb")),
    "a folded header": (400, post("X-A: a", " b")),
    "a folded header with a tab": (400, post("Stripe-Signature: t=1,", "\tv1=a")),
    "two hosts": (400, post("Host: other")),
    "two content types": (400, post("Content-Type: a/b", "Content-Type: c/d")),
    "an expectation that nobody can meet": (417, post("Expect: miracles")),
    # The first line
    "a line of 10 kB": (414, post(path="/" + "a" * 10_000)),
    "a line of 1 MB": (414, post(path="/" + "a" * 1_000_000)),
    "a method that is no token": (400, b"P(ST / HTTP/1.1\r\n" + HOST + b"\r\n"),
    "a method in lower case": (400, b"post /health HTTP/1.1\r\n" + HOST + b"\r\n"),
    "a method of 1 kB": (400, b"P" * 1_000 + b" / HTTP/1.1\r\n" + HOST + b"\r\n"),
    "a method of one letter": (400, b"P / HTTP/1.1\r\n" + HOST + b"\r\n"),
    "no method": (400, b" /health HTTP/1.1\r\n" + HOST + b"\r\n"),
    "no path": (400, b"GET HTTP/1.1\r\n" + HOST + b"\r\n"),
    "an asterisk": (400, b"GET * HTTP/1.1\r\n" + HOST + b"\r\n"),
    "an authority": (400, b"GET localhost:80 HTTP/1.1\r\n" + HOST + b"\r\n"),
    "a path that is not ASCII": (400, b"GET /\xff HTTP/1.1\r\n" + HOST + b"\r\n"),
    "a path with a NUL": (400, b"GET /\0 HTTP/1.1\r\n" + HOST + b"\r\n"),
    "a path with a space": (400, b"GET /a b HTTP/1.1\r\n" + HOST + b"\r\n"),
    "an address that is no URL": (400, b"GET http://[::1 HTTP/1.1\r\n" + HOST + b"\r\n"),
    "HTTP/0.9": (400, b"GET /health\r\n\r\n"),
    "HTTP/1.x": (400, b"GET /health HTTP/1.x\r\n" + HOST + b"\r\n"),
    "HTTP/2 spelt out": (400, b"GET /health HTTP/2.0\r\n" + HOST + b"\r\n"),
    "HTTP/2 with its preface": (400, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "HTTP/9.9": (400, b"GET /health HTTP/9.9\r\n" + HOST + b"\r\n"),
    "another protocol": (400, b"GET /health RTSP/1.0\r\n" + HOST + b"\r\n"),
    "a bare newline": (400, b"GET /health HTTP/1.1\n" + HOST.strip() + b"\n\n"),
    "TLS": (400, TLS_HELLO),
    "SSH": (400, b"SSH-2.0-OpenSSH_9.6\r\n\r\n"),
    "the PROXY protocol": (400, b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n" + get()),
    "NULs": (400, bytes(1_000) + END),
    "10 kB of NULs": (414, bytes(10_000) + END),
    "binary garbage": (400, bytes(range(256)) * 40 + END),
    "empty lines": (400, b"\r\n" * 10 + get()),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.usefixtures("untouched")
def test_what_is_not_valid_gets_one_answer_in_the_form_of_all_others(
    service: Service, case: str
) -> None:
    status, data = REFUSED[case]
    [answer] = exchange(service, data)
    assert answer.status == status, answer
    check_problem(status, answer.headers, answer.body)


@pytest.mark.parametrize(
    "data",
    [b"", b"\r\n", b"GET", b"GET /health HTTP/1.1\r\nHost: loc", b"\xff" * 100, get()[:-2]],
    ids=lambda it: ascii(it[:20]),
)
@pytest.mark.usefixtures("untouched")
def test_a_client_that_leaves_within_its_headers_gets_no_answer(
    service: Service, data: bytes
) -> None:
    assert exchange(service, data) == []


@pytest.mark.parametrize(
    "host",
    ["", "a b", "\xff", "a@b", "a/b", "a:b", "[", "a" * 10_000, "xn--", "..", ">; rel=x", "_"],
    ids=lambda it: ascii(it[:20]),
)
@pytest.mark.usefixtures("untouched")
def test_a_strange_host_is_refused_or_does_not_matter(service: Service, host: str) -> None:
    data = f"GET /health HTTP/1.1\r\nHost: {host}\r\nConnection: close".encode("latin-1") + END
    [answer] = exchange(service, data)
    assert answer.status in (200, 400)
    if answer.status == 400:
        check_problem(400, answer.headers, answer.body)


# ── the body's length ─────────────────────────────────────────────────────────────────────────


def signed(event: object, *, announced: int | None = None, more: bytes = b"") -> bytes:
    body = encode(event)
    signature = stripe_headers(body)["Stripe-Signature"]
    length = len(body) if announced is None else announced
    headers = (f"Stripe-Signature: {signature}", f"Content-Length: {length}", "Connection: close")
    return post(*headers, body=body + more)


@pytest.mark.usefixtures("untouched")
def test_a_body_that_ends_before_its_announced_length_is_refused_although_it_is_signed(
    service: Service,
) -> None:
    [answer] = exchange(service, signed(stripe_event(), announced=LIMIT))
    problem = check_problem(400, answer.headers, answer.body)
    assert "announced length" in problem["detail"]


@pytest.mark.usefixtures("untouched")
def test_a_body_that_is_longer_than_announced_is_cut_off_and_so_not_what_was_signed(
    service: Service,
) -> None:
    body = encode(stripe_event())
    signature = stripe_headers(body)["Stripe-Signature"]
    data = post(f"Stripe-Signature: {signature}", f"Content-Length: {len(body) - 9}", body=body)
    first, *rest = exchange(service, data + END)
    assert check_problem(400, first.headers, first.body)["title"] == "Bad signature"
    # What is left over reads as another request.
    for answer in rest:
        check_problem(400, answer.headers, answer.body)


def test_what_follows_a_body_is_no_part_of_it(service: Service) -> None:
    event = stripe_event()
    [answer] = exchange(service, signed(event, more=b"}}}"))
    assert answer.status == 200
    assert stored(service, event["id"]) == encode(event)


# ── chunks ────────────────────────────────────────────────────────────────────────────────────

CHUNKED: dict[str, Callable[[bytes], bytes]] = {
    "one chunk": lambda body: chunks(body, len(body)),
    "bytes": lambda body: chunks(body, 1),
    "17 bytes each": lambda body: chunks(body, 17),
    "upper-case sizes": lambda body: b"%X\r\n%s\r\n0\r\n\r\n" % (len(body), body),
    "leading zeros": lambda body: b"0000%x\r\n%s\r\n0000\r\n\r\n" % (len(body), body),
    "extensions": lambda body: b'%x;a=b;c="d e"\r\n%s\r\n0;e\r\n\r\n' % (len(body), body),
    "a trailer": lambda body: chunks(body, 99)[:-2] + b"X-Sum: 1\r\n\r\n",
    "a signature as a trailer": lambda body: chunks(body, 99)[:-2] + b"Stripe-Signature: a\r\n\r\n",
}


@pytest.mark.parametrize("case", CHUNKED)
def test_a_chunked_body_is_verified_and_kept_without_its_chunks(
    service: Service, case: str
) -> None:
    event = stripe_event()
    body = encode(event)
    signature = stripe_headers(body)["Stripe-Signature"]
    headers = (f"Stripe-Signature: {signature}", "Connection: close")
    [answer] = exchange(service, chunked(CHUNKED[case](body), *headers))
    assert answer.status == 200, answer
    assert stored(service, event["id"]) == body


@pytest.mark.usefixtures("untouched")
def test_a_signature_over_the_chunks_is_none_over_the_body(service: Service) -> None:
    sent = chunks(encode(stripe_event()), 100)
    signature = stripe_headers(sent)["Stripe-Signature"]
    [answer] = exchange(service, chunked(sent, f"Stripe-Signature: {signature}"))
    assert check_problem(400, answer.headers, answer.body)["title"] == "Bad signature"


def test_a_chunked_body_of_exactly_the_limit_is_kept(service: Service) -> None:
    event = {**stripe_event(), "x": ""}
    body = encode({**event, "x": "a" * (LIMIT - len(encode(event)))})
    signature = stripe_headers(body)["Stripe-Signature"]
    headers = (f"Stripe-Signature: {signature}", "Connection: close")
    [answer] = exchange(service, chunked(chunks(body, 8192), *headers))
    assert answer.status == 200
    assert stored(service, event["id"]) == body


def test_a_client_that_asks_before_it_sends_its_body_is_told_to_go_on(service: Service) -> None:
    event = stripe_event()
    head, _, body = signed(event).partition(END)
    with connect(service) as connection:
        connection.sendall(head + b"\r\nExpect: 100-continue" + END)
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        connection.sendall(body)
        [answer] = answers(read_all(connection))
    assert answer.status == 200


# ── several requests on one connection ────────────────────────────────────────────────────────


def test_requests_that_are_sent_at_once_are_answered_in_their_order(service: Service) -> None:
    events = [stripe_event() for _ in range(3)]
    data = b"".join(
        signed(event).replace(b"Connection: close", b"X-Request-Id: request-%d" % number)
        for number, event in enumerate(events)
    )
    found = exchange(service, data + get("Connection: close"))
    assert [it.status for it in found] == [200] * 4
    assert [it.headers["x-request-id"] for it in found[:3]] == [f"request-{n}" for n in range(3)]
    for event in events:
        assert stored(service, event["id"]) == encode(event)


@pytest.mark.usefixtures("untouched")
def test_garbage_behind_a_request_gets_its_own_answer_and_ends_the_connection(
    service: Service,
) -> None:
    right, wrong = exchange(service, get() + b"garbage" + END + get())
    assert right.status == 200
    check_problem(400, wrong.headers, wrong.body)


@pytest.mark.usefixtures("untouched")
def test_nothing_is_read_behind_a_body_that_could_not_be_read(service: Service) -> None:
    [answer] = exchange(service, chunked(b"zz\r\n" + get()))
    assert answer.status == 400


# ── slow clients ──────────────────────────────────────────────────────────────────────────────

HELD: dict[str, tuple[int, bytes, bytes]] = {
    "a body that stops": (400, post("Content-Length: 1000", body=b"{"), b""),
    "a body that drips": (400, post("Content-Length: 1000", body=b"{"), b" "),
    "chunks that stop": (400, chunked(b"5\r\nab"), b""),
    "chunks that drip": (400, chunked(b"1\r\na\r\n"), b"1\r\na\r\n"),
    "a head that stops": (408, post()[:-2], b""),
    "a head that drips": (408, post("X-A: ")[:-4], b"a"),
    "a first line that stops": (408, b"GET /hea", b""),
}


@pytest.mark.usefixtures("untouched")
def test_clients_that_stop_or_drip_are_answered_after_a_while_and_hold_up_nobody(
    service: Service,
) -> None:
    found: dict[str, tuple[list[Answer], float]] = {}

    def hold(case: str) -> None:
        _, data, drop = HELD[case]
        began = time.monotonic()
        with connect(service) as connection:
            connection.sendall(data)
            connection.settimeout(0.5)
            received = b""
            while time.monotonic() - began < READ_SECONDS + MARGIN_SECONDS:
                try:
                    if not (part := connection.recv(65536)):
                        break
                    received += part
                except TimeoutError:
                    connection.sendall(drop)
                except ConnectionResetError:
                    break
            found[case] = answers(received), time.monotonic() - began

    threads = [threading.Thread(target=hold, args=[case]) for case in HELD]
    for thread in threads:
        thread.start()
    longest = 0.0
    while any(thread.is_alive() for thread in threads):
        began = time.monotonic()
        assert service.request("GET", "/health").status == 200
        longest = max(longest, time.monotonic() - began)
        threads[0].join(0.2)
    assert longest < MARGIN_SECONDS
    for case, (status, _, _) in HELD.items():
        [answer], seconds = found[case]
        assert answer.status == status, (case, answer)
        check_problem(status, answer.headers, answer.body)
        assert READ_SECONDS - 1 < seconds < READ_SECONDS + MARGIN_SECONDS, (case, seconds)


@pytest.mark.usefixtures("untouched")
def test_refused_clients_that_do_not_hang_up_hold_up_nobody(service: Service) -> None:
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        for _ in range(16):
            connection = stack.enter_context(connect(service))
            connection.sendall(b"garbage" + END)
            assert connection.recv(65536).startswith(b"HTTP/1.1 400 ")
        assert service.request("GET", "/health").status == 200
        # gunicorn alone would wait two seconds for each of them, in the loop that accepts.
        assert time.monotonic() - began < MARGIN_SECONDS


# ── the starter ───────────────────────────────────────────────────────────────────────────────


def test_the_service_goes_on_after_its_web_processes_were_killed(
    valkey_server: str, tmp_path: Path
) -> None:
    made = Service(tmp_path, f"sqlite:///{tmp_path / 'payments.db'}", valkey_server)
    with made.started() as service:
        service.restart(WEB)
        service.wait_until_healthy()
        assert service.request("GET", "/ready").status == 200
