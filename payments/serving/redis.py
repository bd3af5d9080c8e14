"""The embedded valkey as a process of its own, for a process manager: `python -m
payments.serving.redis`. With a REDIS_URL there is nothing to run, and it says so.
"""

from __future__ import annotations

import os
import sys

from payments.config import environment, load_settings
from payments.local import valkey
from payments.local.console import complain, say
from payments.local.errors import LocalError
from payments.providers import REGISTERED
from payments.variables import ConfigError


def main() -> int:
    """Becomes the server, so that signals reach it; returns only where that is not possible."""
    try:
        settings = load_settings(environment(), REGISTERED)
        if not settings.redis_is_embedded:
            say("REDIS_URL names a Redis: there is none to run here.")
            return 0
        address = valkey.prepare(settings.var_dir)
        program, *arguments = valkey.command(settings.var_dir / "valkey", address)
        os.execv(program, [program, *arguments])  # noqa: S606
    except ConfigError as error:
        complain(str(error))
        return 2
    except LocalError as error:
        complain(str(error))
        return 1


if __name__ == "__main__":
    sys.exit(main())
