"""Reconciliation in the console: from a gap in the strip to the fetched event, and signing off."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.standins.stripe_events import KEY, StripeEvents
from tests.support.application import Application, MakeApplication
from tests.support.console import Person, csrf_token_in
from tests.support.coverage import kept, made, past_hour, reconcile
from tests.support.deliveries import ADMIN_TOKEN

VIEWER = "viewer-0123456789abcdef0123456789"
PAGE = "/console/reconciliation"
NOWHERE = (
    ("/hours/stripe/default/2026-01-31T10:30Z", 404),
    ("/hours/stripe/default/yesterday", 404),
    ("/hours/stripe/nobody/2026-01-31T10:00Z", 404),
    ("/runs/999", 404),
    ("/findings/99999999999999999999", 404),
    ("?status=closed", 422),
    ("?subject=%00", 422),
    (f"?kind={'x' * 10000}", 422),
    ("?statsu=open", 422),
    ("?before=abc", 422),
    ("?before=-1", 422),
    ("/runs?status=%3Cscript%3E", 422),
)


@pytest.fixture
def stripe() -> Iterator[StripeEvents]:
    with StripeEvents() as running:
        yield running


@pytest.fixture
def service(make_application: MakeApplication, stripe: StripeEvents) -> Application:
    return make_application(
        STRIPE_API_KEY=KEY,
        STRIPE_API_BASE=stripe.url,
        RECONCILE_REQUESTS_PER_SECOND="1000",
        ADMIN_TOKEN=f"eve:operator:{ADMIN_TOKEN},adam:viewer:{VIEWER}",
        LOG_LEVEL="ERROR",
    )


@pytest.fixture
def operator(service: Application) -> Person:
    person = Person(service.app)
    person.log_in(ADMIN_TOKEN)
    return person


@pytest.fixture
def viewer(service: Application) -> Person:
    person = Person(service.app)
    person.log_in(VIEWER)
    return person


def hour_page() -> str:
    return f"{PAGE}/hours/stripe/default/{past_hour():%Y-%m-%dT%H:%MZ}"


def test_a_missing_event_is_previewed_then_fetched_from_the_page_of_its_hour(
    service: Application, stripe: StripeEvents, operator: Person
) -> None:
    events = made(3)
    stripe.put(*events)
    before = operator.get(hour_page())
    assert "No run has compared this hour" in before.text
    token = csrf_token_in(before)

    preview = operator.post(hour_page(), csrf_token=token, dry_run="1")
    assert preview.status_code == 303
    service.work()
    run = operator.get(preview.location)
    assert "a dry run" in run.text
    assert "3<span" in run.text
    assert kept(service) == set()

    asked = operator.post(hour_page(), csrf_token=token, reason="the gap of last night")
    service.work()
    assert "complete" in operator.get(asked.location).text
    assert kept(service) == {event["id"] for event in events}
    service.work()
    reconcile(service, "--hours", "3")
    assert (
        "Nothing is missing: stripe made 3, 3 are here, 3 processed."
        in operator.get(hour_page()).text
    )
    [line] = service.sql("SELECT actor, action, reason FROM audit_log WHERE reason IS NOT NULL")
    assert tuple(line) == ("eve", "reconcile.run", "the gap of last night")


def test_the_page_of_an_hour_names_the_events_that_are_missing(
    service: Application, stripe: StripeEvents, operator: Person
) -> None:
    """One that cannot be taken in stays missing."""
    [good, bad] = made(2)
    stripe.put(good, {**bad, "type": "x" * 300})
    reconcile(service, "--hours", "3", code=1)
    page = operator.get(hour_page())
    assert "1 is missing: stripe made 2, 1 is here" in page.text
    assert bad["id"] in page.text
    assert good["id"] not in page.text
    overview = operator.get(PAGE)
    assert "1 missing" in overview.text
    assert bad["id"] in overview.text


def test_findings_are_signed_off_with_a_reason_and_only_by_operators(
    service: Application, stripe: StripeEvents, operator: Person, viewer: Person
) -> None:
    [bad] = made(1)
    stripe.put({**bad, "type": "x" * 300})
    reconcile(service, "--hours", "3", code=1)
    [id] = [row[0] for row in service.sql("SELECT id FROM reconciliation_findings")]
    path = f"{PAGE}/findings/sign-off"

    seen = viewer.get(PAGE)
    assert bad["id"] in seen.text
    assert "Sign off the ticked" not in seen.text
    token = csrf_token_in(seen)
    assert viewer.post(path, id=str(id), reason="x", csrf_token=token).status_code == 403
    assert viewer.post(hour_page(), dry_run="1", csrf_token=token).status_code == 403

    token = csrf_token_in(operator.get(PAGE))
    assert operator.post(path, id=str(id), reason="x").status_code == 400
    assert operator.post(path, id=str(id), csrf_token=token).status_code == 422
    assert operator.post(path, reason="x", csrf_token=token).status_code == 422
    done = operator.post(path, id=str(id), reason="a test event", csrf_token=token)
    assert "1 finding signed off" in done.text
    again = operator.post(path, id=str(id), reason="a test event", csrf_token=token)
    assert "it is signed off, not open" in again.text
    finding = operator.get(f"{PAGE}/findings/{id}")
    assert "a test event" in finding.text
    assert "eve" in finding.text
    assert "No finding is open" in operator.get(PAGE).text
    assert bad["id"] in operator.get(PAGE, query_string={"status": "signed_off"}).text


def test_a_run_needs_a_reason_a_key_and_no_other_run(
    service: Application, stripe: StripeEvents, operator: Person
) -> None:
    token = csrf_token_in(operator.get(hour_page()))
    missing = operator.post(hour_page(), csrf_token=token)
    assert missing.status_code == 422
    assert "say why" in missing.text
    paypal = hour_page().replace("/stripe/", "/paypal/")
    no_key = operator.post(paypal, csrf_token=token, reason="x")
    assert no_key.status_code == 422
    assert "no key is configured" in no_key.text
    assert "No key is configured" in operator.get(paypal).text
    old = f"{PAGE}/hours/stripe/default/2020-01-31T10:00Z"
    too_old = operator.post(old, csrf_token=token, reason="x")
    assert too_old.status_code == 422
    assert "30 days" in too_old.text


def test_an_address_that_means_nothing_says_so(operator: Person) -> None:
    for path, status in NOWHERE:
        page = operator.get(PAGE + path)
        assert page.status_code == status, path
        assert "request id" in page.text
        assert "<script>" not in page.text
