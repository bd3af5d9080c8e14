"""A shop that is broken for as long as a file says so, for real workers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from payments.handlers import handles

FOLDER = Path(os.environ.get("VAR_DIR", "/nonexistent"))
BROKEN = "broken"


@handles("stripe", "*")
def fulfil_order(event: Any, session: Any, effects: Any) -> None:
    if (FOLDER / BROKEN).exists():
        raise ConnectionRefusedError(111, "Connection refused")
    effects.once(f"fulfilled:{event.event_id}", _note)


def _note(key: str) -> None:
    with (FOLDER / "fulfilled").open("a") as file:
        file.write(f"{key}\n")
