"""The bare route that intake is compared with: what Flask and gunicorn cost with no work at all.

The same path, body and answer, under the same gunicorn configuration as the service.
"""

from __future__ import annotations

from flask import Flask, Response, jsonify, request

app = Flask("bare")


@app.post("/webhooks/<provider>")
def deliver(provider: str) -> Response:
    request.get_data(cache=False)
    return jsonify(status="ok", message="queued", event_id="evt_00000000000000000000")


@app.get("/health")
def health() -> Response:
    return jsonify(status="ok")
