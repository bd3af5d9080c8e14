"""Logs: one form for our lines and those of every library; JSON in production.

Every line passes the masking, also those of gunicorn, RQ and SQLAlchemy.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog

from payments.config import Settings
from payments.errors import AttemptFailed
from payments.observability.masking import Masker

Line = MutableMapping[str, Any]


class _OurHandler(logging.StreamHandler[TextIO]):
    """Known by its class, so that configuring twice does not write every line twice."""


def configure(settings: Settings) -> None:
    """Set up structlog and the standard library's logging; safe to call again."""
    mask = Masker(settings.secrets)

    def mask_line(_logger: Any, _method: str, line: Line) -> Line:
        for key, value in line.items():
            # `exception` is the rendered traceback, which may quote a value.
            if isinstance(value, str):
                line[key] = mask(value)
        return line

    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        mask_line,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = _OurHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _renderer(settings),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [it for it in root.handlers if not isinstance(it, _OurHandler)] + [handler]
    root.setLevel(settings.log_level)
    for name in ("gunicorn.error", "gunicorn.access", "rq.worker", "rq.scheduler", "alembic"):
        logger = logging.getLogger(name)
        logger.handlers[:] = []
        logger.propagate = True
    # Readiness asks for the migrations' state every few seconds, and Alembic speaks each time.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    # Our own line about each attempt says what RQ says in three, and in a traceback.
    rq_worker = logging.getLogger("rq.worker")
    rq_worker.setLevel(logging.WARNING)
    rq_worker.filters[:] = [_is_news]
    # Its lines would say every query twice over at DEBUG and INFO.
    logging.getLogger("sqlalchemy.engine").setLevel(logging.WARNING)


def _is_news(record: logging.LogRecord) -> bool:
    """Not what RQ says of an attempt that failed: it was logged where the reason was known."""
    return AttemptFailed.__qualname__ not in record.getMessage()


def _renderer(settings: Settings) -> structlog.typing.Processor:
    if settings.app_env == "prod":
        return structlog.processors.JSONRenderer()
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=0)
