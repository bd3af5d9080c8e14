"""The service of the demo, in a folder of its own that is made anew each time."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import urllib3

from payments.app import settings_from_environment
from payments.config import ROOT, Settings
from payments.local.env_file import write_env_file
from payments.plain_json import dumps
from tests.demo.traffic import Delivery
from tests.demo.warehouse import PORT_VARIABLE, Warehouse
from tests.standins.stripe_events import KEY, StripeEvents

START_SECONDS, STOP_SECONDS = 60.0, 90.0
FORGED = {"stripe": {"Stripe-Signature": "t=1,v1=00"}, "paypal": {"X-Demo-Signature": "0" * 64}}


class DidNotStart(Exception):
    """The service ended, or was not ready in time."""


@dataclass(frozen=True)
class Stage:
    """What the acts play with."""

    settings: Settings
    url: str
    stripe: StripeEvents
    warehouse: Warehouse
    service: subprocess.Popen[bytes]

    def deliver(self, delivery: Delivery) -> int | None:
        """Sign and send; the status of the answer, or None where none came."""
        if delivery.provider == "stripe":
            self.stripe.put(delivery.event)
        if delivery.lost:
            return None
        body = dumps(delivery.event).encode()
        provider = self.settings.providers[delivery.provider]["default"]
        signed = provider.sign(body, datetime.now(UTC))
        headers = {"Content-Type": "application/json", **signed}
        if delivery.forged:
            headers.update(FORGED[delivery.provider])
        try:
            answer = urllib3.request(
                "POST",
                f"{self.url}/webhooks/{delivery.provider}",
                body=body,
                headers=headers,
                timeout=10,
                retries=False,
            )
        except urllib3.exceptions.HTTPError:
            return None
        return answer.status

    def flask(self, *arguments: str) -> str:
        """What a command of the service prints."""
        done = subprocess.run(
            [sys.executable, "-m", "flask", "--app", "wsgi", *arguments],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout.strip() or done.stderr.strip()


@contextmanager
def stage(folder: Path) -> Iterator[Stage]:
    """Everything starts, and ends with the block; what was in `folder` before is gone.

    Raises:
        DidNotStart: naming the file that says why.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with StripeEvents() as stripe:
        warehouse = Warehouse()
        os.environ.update(_environment(folder, stripe, warehouse))
        write_env_file(folder / "env", os.environ)
        settings = settings_from_environment()
        log = folder / "log"
        with log.open("wb") as output:
            service = subprocess.Popen(
                [sys.executable, "-m", "payments.local.run", "--end-with-parent"],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            url = _address(service, settings, log)
            yield Stage(settings, url, stripe, warehouse, service)
        finally:
            service.send_signal(signal.SIGTERM)
            service.wait(STOP_SECONDS)
            warehouse.close()


def _environment(folder: Path, stripe: StripeEvents, warehouse: Warehouse) -> Mapping[str, str]:
    """Short retries, so that a dead letter takes seconds and not hours."""
    return {
        "APP_ENV": "dev",
        "ENV_FILE": str(folder / "env"),
        "VAR_DIR": str(folder),
        "PAYMENTS_HANDLERS": "tests.demo.handlers",
        "STRIPE_API_KEY": KEY,
        "STRIPE_API_BASE": stripe.url,
        "RECONCILE_EVERY_MINUTES": "1",
        "RETRY_MAX_ATTEMPTS": "3",
        "RETRY_BASE_SECONDS": "1",
        "RETRY_CAP_SECONDS": "4",
        PORT_VARIABLE: str(warehouse.port),
    }


def _address(service: subprocess.Popen[bytes], settings: Settings, log: Path) -> str:
    written = settings.var_dir / "address"
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if service.poll() is not None:
            break
        if written.is_file() and (address := written.read_text().strip()):
            return address
        time.sleep(0.1)
    raise DidNotStart(f"The service did not start; {log} says why.")
