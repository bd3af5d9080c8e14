"""People with browsers, and a shop whose dead letters they look at."""

from __future__ import annotations

import pytest

from tests.support.application import Application, MakeApplication
from tests.support.console import Person
from tests.support.shop import Shop

EVE, ADAM = "eve-token-0123456789abcdef", "adam-token-0123456789abcdef"


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def application(make_application: MakeApplication) -> Application:
    return make_application(
        ADMIN_TOKEN=f"eve:operator:{EVE},adam:viewer:{ADAM}", RETRY_MAX_ATTEMPTS="1"
    )


@pytest.fixture
def operator(application: Application) -> Person:
    person = Person(application.app)
    person.log_in(EVE)
    return person


@pytest.fixture
def viewer(application: Application) -> Person:
    person = Person(application.app)
    person.log_in(ADAM)
    return person
