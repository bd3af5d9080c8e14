"""`/metrics`, and the measuring of requests."""

from __future__ import annotations

import time

from flask import Blueprint, Flask, Response, current_app, g, request
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from payments.gauges import page
from payments.observability import metrics
from payments.web.auth import require_metrics_token

blueprint = Blueprint("metrics", __name__)
blueprint.before_request(require_metrics_token)


def register(app: Flask) -> None:
    """Measure every request of `app`; the first to be registered measures the others too."""
    app.before_request(_begin)
    app.after_request(_end)


@blueprint.get("/metrics")
def show_metrics() -> Response:
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # a proxy
    return Response(page(app), content_type=CONTENT_TYPE_PLAIN_0_0_4)


def _begin() -> None:
    g.measured_since = time.perf_counter()


def _end(response: Response) -> Response:
    endpoint = request.url_rule.rule if request.url_rule else metrics.OTHER
    seconds = time.perf_counter() - g.measured_since
    metrics.count_request(endpoint, request.method, response.status_code, seconds)
    return response
