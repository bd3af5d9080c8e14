"""The short form of the fault suite, as one test: `pytest tests/faults/test_short_run.py`.

Not among the `testpaths`: it takes up to four minutes, and `.ci/run` runs it by its own command.
"""

from __future__ import annotations

import pytest

from tests.faults.kinds import kinds_for
from tests.faults.options import parse
from tests.faults.run import run

LONGEST_SECONDS = 240
FEWEST_FAULTS = 25


@pytest.mark.timeout(LONGEST_SECONDS + 60)
def test_nothing_is_lost_and_nothing_doubled_while_everything_breaks() -> None:
    result = run(parse(["--short"]))
    said = f"seed {result.options.seed}"
    assert result.violations == [], said
    assert result.surprises == [], said
    assert result.problems == [], said
    assert sum(result.faults.values()) >= FEWEST_FAULTS, said
    assert result.seconds < LONGEST_SECONDS, said


def test_every_kind_of_fault_has_a_name_of_its_own() -> None:
    for database in ("postgresql", "sqlite"):
        names = [kind.name for kind in kinds_for(database)]
        assert len(names) == len(set(names))
