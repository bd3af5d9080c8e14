"""Waits until the service is ready after a start: `python -m payments.serving.started`."""

from __future__ import annotations

import json
import sys
import time

from payments.config import Settings, environment, load_settings
from payments.local.console import complain, say
from payments.providers import REGISTERED
from payments.serving.asking import NoAnswer, ask, place_of

SECONDS = 60.0
POLL_SECONDS = 0.25
OK = 200


def main() -> int:
    settings = load_settings(environment(), REGISTERED)
    deadline = time.monotonic() + SECONDS
    while (missing := _what_is_missing(settings)) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    if missing:
        complain(
            f"Not ready after {SECONDS:g} s: {missing}. The logs are in {settings.var_dir}/log."
        )
        return 1
    host, port = place_of(settings)
    say(f"The service is ready at {host}, port {port}.")
    return 0


def _what_is_missing(settings: Settings) -> str:
    """What /ready says that is not there, or ""."""
    try:
        answer = ask(settings, "/ready")
    except NoAnswer as error:
        return str(error)
    return "" if answer.status == OK else json.dumps(json.loads(answer.body).get("checks"))


if __name__ == "__main__":
    sys.exit(main())
