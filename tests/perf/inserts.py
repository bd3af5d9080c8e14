"""The same INSERTs as intake makes, straight from threads: what the database alone allows.

    python -m tests.perf.inserts URL seconds threads prefix

prints how many transactions were committed and in how many seconds. Like pgbench with prepared
statements; in Python, because it is about what a Python process can get out of PostgreSQL.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import sys
import threading
import time
from datetime import UTC, datetime
from typing import Any

import psycopg

from tests.perf.presigned import BODY_BYTES

EVENT = """
    INSERT INTO events (provider, account, event_id, event_type, livemode, api_version, object_id,
        provider_created_at, received_at, source, status, attempts, next_attempt_at, conflicts,
        request_id, traceparent, secret_label, transmission_id)
    VALUES ('stripe', 'default', %s, 'payment_intent.succeeded', false, '2025-09-30.clover', %s,
        %s, %s, 'webhook', 'received', 0, %s, 0, %s, %s, 'STRIPE_SIGNING_SECRET[0]', NULL)
    ON CONFLICT DO NOTHING RETURNING id
"""
PAYLOAD = "INSERT INTO event_payloads (event_id, body, sha256) VALUES (%s, %b, %s)"
BODY = bytes(itertools.islice(itertools.cycle(b'{"amount": 2000, "currency": "eur"}'), BODY_BYTES))
SHA256 = hashlib.sha256(BODY).hexdigest()


def main(url: str, seconds: float, threads: int, prefix: str) -> None:
    ready = threading.Barrier(threads + 1)
    counts = [0] * threads

    def insert(number: int) -> None:
        with psycopg.connect(url, prepare_threshold=0) as connection:
            ready.wait()
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline:
                keep(connection, f"evt_{prefix}_{number:02d}_{counts[number]:09d}")
                counts[number] += 1

    running = [threading.Thread(target=insert, args=(n,), daemon=True) for n in range(threads)]
    for thread in running:
        thread.start()
    ready.wait()
    started = time.monotonic()
    for thread in running:
        thread.join()
    result = {"committed": sum(counts), "seconds": time.monotonic() - started}
    sys.stdout.write(json.dumps(result) + "\n")


def keep(connection: psycopg.Connection[Any], event_id: str) -> None:
    """One event and its payload in one transaction."""
    now = datetime.now(UTC)
    traceparent = f"00-{'4b' * 16}-{'a3' * 8}-00"
    with connection.transaction():
        cursor = connection.execute(
            EVENT, (event_id, event_id, now, now, now, "4b" * 16, traceparent)
        )
        row = cursor.fetchone()
        assert row is not None, f"{event_id} was there before"
        connection.execute(PAYLOAD, (row[0], BODY, SHA256))


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
