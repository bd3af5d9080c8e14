"""Fixtures of the tests that start the whole service."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.standins.localstripe import LocalStripe, localstripe
from tests.support.browser import browser


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as started:
        yield started


@pytest.fixture(scope="module")
def stripe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStripe]:
    with localstripe(tmp_path_factory.mktemp("localstripe")) as running:
        yield running
