"""Times that tests of hours can rely on."""

from __future__ import annotations

from datetime import timedelta

import pytest

from payments.models import utc_now
from payments.reconciliation.hours import hour_of
from tests.support.waiting import eventually

LONGEST_TEST = timedelta(seconds=20)


@pytest.fixture(autouse=True)
def within_one_hour() -> None:
    """A test of "this hour" begins only where the hour does not end before it does."""
    eventually(
        lambda: hour_of(utc_now()) == hour_of(utc_now() + LONGEST_TEST),
        "the turn of the hour",
        seconds=LONGEST_TEST.total_seconds() + 5,
    )
