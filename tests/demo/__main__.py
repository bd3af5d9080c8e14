"""The demo: `make demo`, or `python -m tests.demo [--minutes N] [--leave]`.

Five acts, each said at the terminal; the console shows the rest. The service goes on until Ctrl-C.
"""

from __future__ import annotations

import argparse
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from payments.config import ROOT
from payments.local.console import complain, say
from payments.variables import ConfigError
from tests.demo.stage import DidNotStart, Stage, stage
from tests.demo.traffic import Delivery, deliveries, events_of_the_past

FOLDER = ROOT / "var/demo"
PAST_HOURS = 24
# For each minute of the demo.
PAYMENTS, PAST_PAYMENTS = 40, 25
SENDERS = 8
# When the warehouse goes and comes back, as shares of the whole time.
BREAKS_AT, MENDED_AT = 0.35, 0.65


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    try:
        with stage(options.folder) as scene:
            _play(scene, options.minutes * 60, random.Random(options.seed))
            if not options.leave:
                say("The traffic is over. The service goes on; Ctrl-C stops it.")
                scene.service.wait()
    except (DidNotStart, ConfigError) as error:
        complain(str(error))
        return 1
    except KeyboardInterrupt:
        pass
    return 0


def _play(scene: Stage, seconds: float, rng: random.Random) -> None:
    now = datetime.now(UTC)
    say(f"\n  Console:      {scene.url}/console")
    say(f"  Admin token:  {scene.settings.admin_tokens[0].token}\n")
    say("1. A day has passed in which nothing arrived. Reconciliation asks Stripe and fetches it.")
    minutes = seconds / 60
    past = list(events_of_the_past(rng, now, PAST_HOURS, round(PAST_PAYMENTS * minutes)))
    # One that cannot be taken in: a gap that somebody has to look at.
    past[0]["type"] = f"payment_intent.{'x' * 300}"
    scene.stripe.put(*past)
    say(_last_line(scene.flask("reconcile", "run", "--hours", str(PAST_HOURS), "--up-to-now")))

    say(f"2. {minutes:g} min of traffic: doubled, late, out of order, lost and forged too.")
    coming = deliveries(rng, datetime.now(UTC), seconds, round(PAYMENTS * minutes))
    breaking = threading.Thread(target=_break_and_mend, args=(scene, seconds), daemon=True)
    breaking.start()
    answers = _send(scene, coming)
    breaking.join()
    told = ", ".join(f"{count} × {answer}" for answer, count in sorted(answers.items()))
    say(f"   Answers: {told}.")

    say("5. Were any events lost on the way? Reconciliation compares the last hours.")
    say(_last_line(scene.flask("reconcile", "run", "--hours", "2", "--up-to-now")))


def _break_and_mend(scene: Stage, seconds: float) -> None:
    time.sleep(seconds * BREAKS_AT)
    scene.warehouse.close()
    say("3. The warehouse is down: payments are kept, retried, and at last dead letters.")
    say(f"   {scene.url}/console/dead-letters")
    time.sleep(seconds * (MENDED_AT - BREAKS_AT))
    scene.warehouse.open()
    say("4. The warehouse is back. Open its group in Dead letters, and retry all of it.")


def _send(scene: Stage, coming: Sequence[Delivery]) -> Counter[str]:
    """Each at its time, a few at once; how many got which answer."""
    began = time.monotonic()
    answers: Counter[str] = Counter()
    lock = threading.Lock()

    def send(delivery: Delivery) -> None:
        status = scene.deliver(delivery)
        answer = "lost" if delivery.lost else str(status or "no answer")
        with lock:
            answers[answer] += 1

    with ThreadPoolExecutor(SENDERS) as senders:
        for delivery in coming:
            time.sleep(max(0.0, began + delivery.at - time.monotonic()))
            senders.submit(send, delivery)
    return answers


def _last_line(printed: str) -> str:
    return f"   {printed.splitlines()[-1]}" if printed else ""


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m tests.demo", description=__doc__)
    parser.add_argument("--minutes", type=float, default=3.0, help="how long traffic comes")
    parser.add_argument("--seed", type=int, default=None, help="the same traffic again")
    parser.add_argument("--leave", action="store_true", help="end when the traffic ends")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="made anew each time")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
