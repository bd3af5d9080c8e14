"""Each rule of nginx/payments-api.conf.example, in the real nginx, before two recorders."""

from __future__ import annotations

import contextlib
import json
import ssl
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.deployment import nginx
from tests.deployment.nginx import BALANCER, HOST, OPERATOR, Nginx, ask
from tests.deployment.recorder import Recorder
from tests.support.service import Answer

MEBIBYTE = 1024 * 1024
WEBHOOK = "/webhooks/stripe"

pytestmark = pytest.mark.usefixtures("nginx_program")


@pytest.fixture(scope="module")
def recorders() -> Iterator[tuple[Recorder, Recorder]]:
    with Recorder() as first, Recorder() as second:
        yield first, second


@pytest.fixture(scope="module")
def running_site(
    tmp_path_factory: pytest.TempPathFactory,
    recorders: tuple[Recorder, Recorder],
    nginx_program: None,
) -> Iterator[Nginx]:
    ports = (recorders[0].port, recorders[1].port)
    with nginx.running(tmp_path_factory.mktemp("nginx") / "site", ports) as site:
        yield site


@pytest.fixture
def site(running_site: Nginx, recorders: tuple[Recorder, Recorder]) -> Nginx:
    for recorder in recorders:
        recorder.reset()
    return running_site


def test_nginx_finds_nothing_wrong_with_the_example(site: Nginx) -> None:
    checked = nginx.check(site)
    assert checked.returncode == 0, checked.stderr
    assert "[warn]" not in checked.stderr
    assert "test is successful" in checked.stderr


def test_plain_http_is_redirected_and_only_to_our_own_host(site: Nginx) -> None:
    import http.client

    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", site.plain)) as connection:
        connection.request("POST", f"{WEBHOOK}?a=b", b"{}", {"Host": "elsewhere.example"})
        answer = connection.getresponse()
        assert answer.status == 308
        assert answer.headers["Location"] == f"https://{HOST}{WEBHOOK}?a=b"
        assert answer.headers["Strict-Transport-Security"] is None


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_modern_tls_is_spoken_with_a_cipher_that_has_forward_secrecy(
    site: Nginx, version: ssl.TLSVersion
) -> None:
    context = site.tls()
    context.minimum_version = context.maximum_version = version
    with contextlib.closing(site.connection(context=context)) as connection:
        connection.connect()
        name, _, _ = connection.sock.cipher()
        assert name.startswith(("ECDHE-", "TLS_"))


@pytest.mark.parametrize(
    ("version", "ciphers"),
    [
        (ssl.TLSVersion.TLSv1_1, "ALL:@SECLEVEL=0"),
        (ssl.TLSVersion.TLSv1_2, "AES128-SHA:AES256-GCM-SHA384:@SECLEVEL=0"),
        (ssl.TLSVersion.TLSv1_2, "ECDHE-RSA-AES128-SHA:@SECLEVEL=0"),
    ],
)
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
def test_old_tls_and_weak_ciphers_are_refused(
    site: Nginx, version: ssl.TLSVersion, ciphers: str
) -> None:
    context = site.tls()
    context.minimum_version = context.maximum_version = version
    context.set_ciphers(ciphers)
    with (
        contextlib.closing(site.connection(context=context)) as connection,
        pytest.raises((ssl.SSLError, ConnectionResetError)),
    ):
        connection.connect()


@pytest.mark.parametrize("path", ["/health", "/admin/events"])
def test_hsts_is_said_once_whoever_answers(site: Nginx, path: str) -> None:
    answer = site.request("GET", path)
    assert answer.headers["strict-transport-security"] == "max-age=31536000"


def test_errors_of_nginx_are_problem_details_with_protection(site: Nginx) -> None:
    answer = site.request("GET", "/admin/events?error=jane@example.com")
    problem = _problem(answer, 403)
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert "nginx/" not in answer.headers["server"]
    logged = [json.loads(line) for line in site.access_log().splitlines()]
    [line] = [line for line in logged if line["request_id"] == problem["request_id"]]
    assert line["path"] == "/admin/events"
    assert "jane" not in site.access_log()


def test_another_host_is_told_that_it_is_not_here(site: Nginx) -> None:
    _problem(site.request("GET", "/health", headers={"Host": "elsewhere.example"}), 421)


@pytest.mark.parametrize(
    "path",
    ["/admin/events", "/console", "/console/static/x.css", "/metrics", "/ready", "/openapi.json"],
)
def test_only_operators_get_through_other_doors(
    site: Nginx, recorders: tuple[Recorder, Recorder], path: str
) -> None:
    _problem(site.request("GET", path), 403)
    # A client cannot say that it is somewhere else.
    lie = {"X-Forwarded-For": OPERATOR, "X-Real-IP": OPERATOR}
    _problem(site.request("GET", path, headers=lie), 403)
    assert not [request for recorder in recorders for request in recorder.requests]
    assert site.request("GET", path, client=OPERATOR).status == 200
    assert site.request("GET", path, headers=lie, client=BALANCER).status == 200


def test_the_service_learns_the_real_address_and_nothing_that_a_client_made_up(
    site: Nginx, recorders: tuple[Recorder, Recorder]
) -> None:
    made_up = {
        "X-Forwarded-For": "203.0.113.7",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Host": "elsewhere.example",
        "Forwarded": "for=203.0.113.7",
        "X-Request-Id": "made-up",
    }
    seen = {}
    for client in (nginx.PUBLIC, BALANCER):
        site.request("POST", WEBHOOK, b"{}", made_up, client)
        [request] = [request for recorder in recorders for request in recorder.requests]
        seen[client] = request.headers
        for recorder in recorders:
            recorder.reset()
    assert seen[nginx.PUBLIC]["x-forwarded-for"] == nginx.PUBLIC
    assert seen[BALANCER]["x-forwarded-for"] == "203.0.113.7"
    for headers in seen.values():
        assert headers["x-forwarded-proto"] == "https"
        assert headers["host"] == HOST
        assert headers["x-request-id"] != "made-up"
        assert not {"x-forwarded-host", "forwarded"} & headers.keys()


def test_the_largest_body_passes_and_one_byte_more_does_not(
    site: Nginx, recorders: tuple[Recorder, Recorder]
) -> None:
    assert site.request("POST", WEBHOOK, b"x" * MEBIBYTE).status == 200
    [request] = [request for recorder in recorders for request in recorder.requests]
    assert request.body_length == MEBIBYTE
    _problem(site.request("POST", WEBHOOK, b"x" * (MEBIBYTE + 1)), 413)


def test_headers_and_addresses_have_their_limits(site: Nginx) -> None:
    signature = {"Stripe-Signature": "t=1," + "v1=" * 5000}
    assert site.request("POST", WEBHOOK, b"{}", signature).status == 200
    too_long = {"Stripe-Signature": "t=1," + "v1=" * 6000}
    _problem(site.request("POST", WEBHOOK, b"{}", too_long), 431)
    _problem(site.request("GET", "/health?" + "x" * 20_000), 414)


def test_connections_to_the_service_are_kept(
    site: Nginx, recorders: tuple[Recorder, Recorder]
) -> None:
    for _ in range(30):
        assert site.request("POST", WEBHOOK, b"{}").status == 200
    for recorder in recorders:
        assert len(recorder.requests) == 15
        assert len({request.connection for request in recorder.requests}) <= 2


def test_a_burst_of_a_provider_gets_through(site: Nginx) -> None:
    def send(number: int) -> Counter[int]:
        with contextlib.closing(site.connection()) as connection:
            return Counter(
                ask(connection, "POST", WEBHOOK, b'{"id": "evt"}').status for _ in range(50)
            )

    with ThreadPoolExecutor(20) as senders:
        assert sum(senders.map(send, range(20)), Counter()) == {200: 1000}


def test_operators_are_slowed_and_then_told_so(site: Nginx) -> None:
    def look(number: int) -> Answer:
        return site.request("GET", "/admin/events", client=OPERATOR)

    # Whoever was here before has used up some of the burst.
    time.sleep(2.5)
    began = time.monotonic()
    with ThreadPoolExecutor(60) as lookers:
        answers = list(lookers.map(look, range(60)))
    statuses = Counter(answer.status for answer in answers)
    assert 20 <= statuses[200] <= 60 - statuses[429]
    assert statuses[429] > 5
    # Ten at once, the others at five per second.
    assert time.monotonic() - began > (statuses[200] - 15) / 5
    refused = next(answer for answer in answers if answer.status == 429)
    assert _problem(refused, 429)["title"] == "Too Many Requests"
    assert refused.headers["retry-after"] == "1"


def test_a_webhook_goes_to_the_other_process_when_one_is_down_hangs_up_or_cannot(
    site: Nginx, recorders: tuple[Recorder, Recorder]
) -> None:
    first, second = recorders
    for status in (0, 503):
        first.status = status
        assert {site.request("POST", WEBHOOK, b"{}").status for _ in range(6)} == {200}
    first.stop()
    try:
        assert {site.request("POST", WEBHOOK, b"{}").status for _ in range(6)} == {200}
        assert len(second.requests) >= 18
    finally:
        first.start()


def test_what_may_not_be_done_twice_is_not_sent_twice(
    site: Nginx, recorders: tuple[Recorder, Recorder]
) -> None:
    for recorder in recorders:
        recorder.status = 0
    answer = site.request("POST", "/admin/dlq/retry", b"{}", client=OPERATOR)
    assert _problem(answer, 502)["status"] == 502
    assert answer.headers["retry-after"] == "5"
    assert sum(len(recorder.requests) for recorder in recorders) == 1


def _problem(answer: Answer, status: int) -> dict[str, str]:
    """The body of an answer that must be nginx's own, as problem details."""
    assert answer.status == status, answer.body
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, str] = json.loads(answer.body)
    assert problem["status"] == status
    assert problem["detail"]
    return problem
