"""The embedded valkey as a process of its own, for a process manager: `python -m
payments.serving.redis`. With a REDIS_URL there is nothing to run, and it says so.
"""

from __future__ import annotations

import os
import sys

from payments.config import environment, load_settings
from payments.local import valkey
from payments.local.console import exit_code_of, say
from payments.providers import REGISTERED


def become_the_server() -> int:
    """So that signals reach it; returns only where there is none to run."""
    settings = load_settings(environment(), REGISTERED)
    if settings.redis_is_embedded:
        address = valkey.prepare(settings.var_dir)
        program, *arguments = valkey.command(settings.var_dir / "valkey", address)
        os.execv(program, [program, *arguments])  # noqa: S606
    say("REDIS_URL names a Redis: there is none to run here.")
    return 0


if __name__ == "__main__":
    sys.exit(exit_code_of(become_the_server))
