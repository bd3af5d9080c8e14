"""What the tests of bad input share: where they run, and characters to be bad with."""

from __future__ import annotations

import pytest

from tests.support.deliveries import SIGNED

# A refusal is decided before there is a database to ask.
one_database = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
each_provider = pytest.mark.parametrize("provider", sorted(SIGNED))

LIMIT = 1024 * 1024
ARABIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")  # noqa: RUF001
TYPE_FIELD = {"stripe": "type", "paypal": "event_type"}


def on_the_wire(text: str) -> str:
    """How WSGI shows a header that a client sent as UTF-8."""
    return text.encode().decode("latin-1")
