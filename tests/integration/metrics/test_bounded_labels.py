"""Whatever a stranger or a provider sends, the page does not grow."""

from __future__ import annotations

import pytest

from tests.support.application import Application, MakeApplication
from tests.support.deliveries import paypal_event, stripe_event
from tests.support.metrics import Page

PATHS, METHODS, TYPES = 7500, 2300, 200


@pytest.fixture
def database_url(migrated_sqlite: object, tmp_path: object) -> str:
    """Ten thousand requests once: which database it is makes no difference to labels."""
    import shutil

    file = f"{tmp_path}/payments.db"
    shutil.copy(str(migrated_sqlite), file)
    return f"sqlite:///{file}"


@pytest.fixture
def quiet(make_application: MakeApplication) -> Application:
    return make_application(LOG_LEVEL="ERROR")


def send(application: Application, number: int) -> None:
    """One made-up path, method or type."""
    kind = number % 100
    if kind < 75:
        application.client.get(f"/made/up/{number}?q={number}")
    elif kind < 98:
        application.client.open("/health", method=f"MADEUP{number}")
    elif kind == 98:
        assert application.deliver(stripe_event(f"charge.made_up_{number}")).status_code == 200
    else:
        event = paypal_event(f"PAYMENT.CAPTURE.MADEUP{number}")
        assert application.deliver(event, provider="paypal").status_code == 200


def test_ten_thousand_made_up_paths_methods_and_types_do_not_make_the_page_grow(
    quiet: Application,
) -> None:
    for number in range(73, 100):
        send(quiet, number)
    quiet.client.get("/metrics")  # itself a request, which is counted once it was answered
    before = Page(quiet.client.get("/metrics").text)
    for number in range(100, 10_100):
        send(quiet, number)
    after = Page(quiet.client.get("/metrics").text)
    assert after.samples.keys() == before.samples.keys()
    assert after.since(before, "http_requests_total", endpoint="other") >= PATHS
    assert after.since(before, "http_requests_total", method="OTHER") == METHODS
    assert after.since(before, "webhook_events_total", event_type="other") == TYPES
