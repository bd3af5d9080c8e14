"""The service with its valkey, ordinary traffic, and a Prometheus that watches it."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.observability import handlers
from tests.observability.load import load
from tests.observability.prometheus import Prometheus, prometheus
from tests.support.servers import Valkey
from tests.support.service import Service


@dataclass(frozen=True)
class Scene:
    service: Service
    valkey: Valkey
    prometheus: Prometheus
    switch: Path


@contextlib.contextmanager
def scene() -> Iterator[Scene]:
    folder = Path(tempfile.mkdtemp(prefix="payments-observability-"))
    with contextlib.ExitStack() as undo:
        undo.callback(shutil.rmtree, folder, ignore_errors=True)
        valkey = Valkey()
        undo.callback(valkey.close)
        valkey.start()
        switch = folder / "handler-fails"
        service = Service(
            folder,
            f"sqlite:///{folder / 'payments.db'}",
            valkey.url,
            PAYMENTS_HANDLERS=handlers.__name__,
            LOG_LEVEL="INFO",
            RETRY_BASE_SECONDS="1",
            RETRY_CAP_SECONDS="5",
            # A key, and nobody who answers: what is compared is told all the same.
            STRIPE_API_KEY="rk_test_51Hq8fGh2kLmNpQr",
            STRIPE_API_BASE="http://127.0.0.1:9",
            **{handlers.SWITCH: str(switch)},
        )
        undo.enter_context(service.started(workers=1, scheduler=True))
        watching = undo.enter_context(prometheus(folder / "prometheus", service.port))
        undo.enter_context(load(service))
        yield Scene(service, valkey, watching, switch)
