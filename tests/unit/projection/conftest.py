"""What the documents say, for tests that hold the code to it."""

from __future__ import annotations

import re

import pytest

from tests.support.service import ROOT


@pytest.fixture(scope="session")
def documented_kinds() -> set[str]:
    """The kinds of contradictions in the table of docs/payments.md."""
    text = (ROOT / "docs" / "payments.md").read_text()
    rows = re.findall(r"^\| (`.*`) \|", text.partition("## Contradictions")[2], re.MULTILINE)
    return {kind for row in rows for kind in re.findall(r"`(\w+)`", row)}
