"""What a web process has counted and not yet written is written when it ends in order."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import urllib3

from tests.conftest import DATABASES
from tests.support.databases import connected, empty_database
from tests.support.deliveries import encode, stripe_event, stripe_headers
from tests.support.service import WEB, Service


@pytest.mark.parametrize("kind", DATABASES)
def test_the_last_seconds_of_a_process_are_counted(
    kind: str, tmp_path: Path, valkey_server: str, request: pytest.FixtureRequest
) -> None:
    with empty_database(kind, tmp_path, request) as url:
        service = Service(tmp_path, url, valkey_server, WEB_CONCURRENCY="1")
        with service.started():
            deliver(service, genuine=True)
            for _ in range(7):
                deliver(service, genuine=False)
            assert service.terminate(WEB) == 0
        with connected(url) as engine, engine.connect() as connection:
            query = "SELECT sum(accepted), sum(refused) FROM delivery_counts"
            counted = connection.exec_driver_sql(query).one()
    assert tuple(map(int, counted)) == (1, 7)


def deliver(service: Service, *, genuine: bool) -> None:
    body = encode(stripe_event())
    headers = stripe_headers(body) if genuine else stripe_headers(body, "whsec_another")
    answer = urllib3.request("POST", f"{service.url}/webhooks/stripe", body=body, headers=headers)
    assert answer.status == (200 if genuine else 400), json.loads(answer.data)
