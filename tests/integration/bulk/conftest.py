"""A shop, an application whose events die at their first failure, and an operator of it."""

from __future__ import annotations

import pytest

from tests.integration.bulk.desk import Desk
from tests.support.application import Application, MakeApplication
from tests.support.shop import Shop


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def application(make_application: MakeApplication) -> Application:
    return make_application(RETRY_MAX_ATTEMPTS="1")


@pytest.fixture
def desk(application: Application) -> Desk:
    return Desk(application)
