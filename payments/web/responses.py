"""Answers of the API: JSON of plain values."""

from __future__ import annotations

from typing import Any

from flask import Response

from payments.plain_json import dumps


def json_response(body: Any) -> Response:
    return Response(dumps(body) + "\n", mimetype="application/json")
