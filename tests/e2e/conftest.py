"""Fixtures of the tests that start the whole service."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.standins.localstripe import LocalStripe, localstripe


@pytest.fixture(scope="module")
def stripe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStripe]:
    with localstripe(tmp_path_factory.mktemp("localstripe")) as running:
        yield running
