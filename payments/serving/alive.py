"""Whether the web process answers, for a container's health check: `python -m
payments.serving.alive`. Only that: one that is restarted because Redis is away helps nobody.
"""

from __future__ import annotations

import sys

from payments.config import environment, load_settings
from payments.local.console import complain
from payments.providers import REGISTERED
from payments.serving.asking import NoAnswer, ask

OK = 200


def main() -> int:
    try:
        answer = ask(load_settings(environment(), REGISTERED), "/health")
    except NoAnswer as error:
        complain(str(error))
        return 1
    return 0 if answer.status == OK else 1


if __name__ == "__main__":
    sys.exit(main())
