"""Lines that say what is being measured, while it is."""

from __future__ import annotations

import sys
import time

STARTED = time.monotonic()


def progress(text: str) -> None:
    sys.stderr.write(f"[{time.monotonic() - STARTED:5.1f} s] {text}\n")
    sys.stderr.flush()
