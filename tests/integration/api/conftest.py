"""Events that die at their second attempt, a dependency to break, and what the document says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from payments.config import ROOT
from tests.integration.operations.conftest import application as application
from tests.integration.operations.conftest import warehouse as warehouse


@pytest.fixture(scope="session")
def document() -> dict[str, Any]:
    described: dict[str, Any] = json.loads((ROOT / "openapi.json").read_text())
    return described
