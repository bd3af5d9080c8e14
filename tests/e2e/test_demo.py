"""`make demo` in a few seconds: what a newcomer is to find in the console is there."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.service import ROOT

OPTIONS = ("--minutes", "0.3", "--leave", "--seed", "7")
LONGEST_SECONDS = 150


@pytest.mark.timeout(LONGEST_SECONDS + 20)
def test_the_demo_shows_a_gap_dead_letters_of_two_causes_and_payments_of_both_providers(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "demo"
    played = subprocess.run(
        [sys.executable, "-m", "tests.demo", *OPTIONS, "--folder", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LONGEST_SECONDS,
        check=False,
    )
    assert played.returncode == 0, played.stderr + played.stdout
    assert "1 is missing" in played.stdout
    with closing(sqlite3.connect(folder / "payments.db")) as database:
        providers = database.execute("SELECT DISTINCT provider FROM payments ORDER BY 1").fetchall()
        causes = database.execute("SELECT sentence FROM failure_groups").fetchall()
        refused = database.execute("SELECT sum(refused) FROM delivery_counts").fetchone()[0]
    assert providers == [("paypal",), ("stripe",)]
    assert any("refused" in cause for [cause] in causes), causes
    assert refused is not None
