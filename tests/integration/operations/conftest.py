"""An application whose events die after two attempts, and a dependency to break."""

from __future__ import annotations

import pytest

from tests.integration.operations.dead_letters import Warehouse
from tests.support.application import Application, MakeApplication


@pytest.fixture
def warehouse() -> Warehouse:
    return Warehouse()


@pytest.fixture
def application(make_application: MakeApplication) -> Application:
    return make_application(RETRY_MAX_ATTEMPTS="2")
