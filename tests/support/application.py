"""The application in this process, through its front doors: HTTP, the queue, the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import text
from werkzeug.test import TestResponse

from payments.config import Settings, load_settings
from payments.extensions import SETTINGS, db
from payments.providers import REGISTERED
from payments.queueing import EXTENSION, JobQueue, job_queue, queue_of
from payments.variables import Variables
from tests.support.deliveries import (
    ADMIN_TOKEN,
    DEMO_SECRET,
    SIGNED,
    STRIPE_SECRET,
    encode,
    stripe_headers,
)
from tests.support.jobs import BurstWorker

NEVER_READ = Path("/nonexistent/.env")
BASE_ENVIRONMENT = {
    "APP_ENV": "test",
    "STRIPE_SIGNING_SECRET": STRIPE_SECRET,
    "PAYPAL_MODE": "demo_hmac",
    "DEMO_HMAC_SECRET": DEMO_SECRET,
    "ADMIN_TOKEN": ADMIN_TOKEN,
    "RETRY_BASE_SECONDS": "0.001",
    "RETRY_CAP_SECONDS": "0.001",
    "LOG_LEVEL": "DEBUG",
}


def settings_for(**variables: str) -> Settings:
    """Settings as a process with exactly these variables would have them."""
    return load_settings(Variables(variables, NEVER_READ), REGISTERED)


class Application:
    """One application, and what a provider, an operator and a worker do with it.

    A `patient` one gives Redis as long as a busy machine takes, not the 100 ms of a request: an
    event that was not enqueued in time is left to recovery, which most tests do not run.
    """

    def __init__(self, app: Flask, *, patient: bool = False) -> None:
        self.app = app
        if patient:
            app.extensions[EXTENSION].connection.close()
            app.extensions[EXTENSION] = JobQueue.patient(app.extensions[SETTINGS])
        self.client = app.test_client()
        # What `deliver` makes up where it is given no event.
        self.new_event = {provider: make for provider, (make, _) in SIGNED.items()}

    @property
    def queue(self) -> JobQueue:
        with self.app.app_context():
            return job_queue()

    def deliver(
        self, event: Any = None, *, provider: str = "stripe", path: str = "", **kwargs: Any
    ) -> TestResponse:
        """POST `event` (a new one by default; bytes are sent as they are), signed."""
        _, sign = SIGNED[provider]
        made = self.new_event[provider]() if event is None else event
        body = made if isinstance(made, bytes) else encode(made)
        headers = {**sign(body), **kwargs.pop("headers", {})}
        return self.client.post(f"/webhooks/{provider}{path}", data=body, headers=headers, **kwargs)

    def deliver_raw(self, body: bytes, headers: dict[str, str], path: str) -> TestResponse:
        return self.client.post(path, data=body, headers=headers)

    def work(self) -> None:
        """Let a real RQ worker do all jobs that wait, retries that are due included."""
        with self.app.app_context():
            connection = job_queue().connection
            queue = queue_of(connection)
            for _ in range(50):
                BurstWorker.on(queue).work(burst=True)
                due = queue.scheduled_job_registry.get_jobs_to_schedule()
                if not due:
                    return
                for id in due:
                    job = queue.fetch_job(id)
                    queue.scheduled_job_registry.remove(id)
                    if job is not None:
                        queue._enqueue_job(job)

    def admin(self, path: str, **query: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
        return self.client.get(f"/admin{path}", query_string=query, headers=headers)

    def events(self, **query: Any) -> list[dict[str, Any]]:
        response = self.admin("/events", **query)
        assert response.status_code == 200, response.text
        listed: list[dict[str, Any]] = response.get_json()
        return listed

    def event(self, id: int) -> dict[str, Any]:
        response = self.admin(f"/events/{id}")
        assert response.status_code == 200, response.text
        shown: dict[str, Any] = response.get_json()
        return shown

    def cli(self, *arguments: str) -> Any:
        return self.app.test_cli_runner().invoke(args=list(arguments))

    def sql(self, statement: str, **parameters: Any) -> list[Any]:
        """Rows of a statement, committed: for looking behind the doors."""
        with self.app.app_context(), db.engine.begin() as connection:
            result = connection.execute(text(statement), parameters)
            return list(result.all()) if result.returns_rows else []

    def failed_jobs(self) -> list[str]:
        with self.app.app_context():
            registry = queue_of(job_queue().connection).failed_job_registry
            return list(registry.get_job_ids())

    def close(self) -> None:
        with self.app.app_context():
            job_queue().connection.close()
            for engine in db.engines.values():
                engine.dispose()


MakeApplication = Callable[..., Application]
__all__ = ["BASE_ENVIRONMENT", "Application", "MakeApplication", "settings_for", "stripe_headers"]
