"""How gunicorn tells the process that started it that it answers (payments/serving)."""

from __future__ import annotations

import os
from contextlib import suppress

READY_DESCRIPTOR = "PAYMENTS_READY_DESCRIPTOR"


def say_ready() -> None:
    """Writes one byte into the pipe that the environment names, and closes it; once."""
    descriptor = os.environ.pop(READY_DESCRIPTOR, "")
    if not descriptor:
        return
    with suppress(OSError):  # whoever wanted to know is gone
        os.write(int(descriptor), b"1")
    with suppress(OSError):
        os.close(int(descriptor))
