"""Logs: one form for our lines and those of every library; JSON in production.

Every line passes the masking, also those of gunicorn, RQ and SQLAlchemy. docs/logs.md says what
the fields mean.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import MutableMapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, TextIO

import structlog

from payments.config import Settings
from payments.errors import AttemptFailed
from payments.observability.exceptions import as_fields
from payments.observability.masking import Masker

Line = MutableMapping[str, Any]
# Those that bring handlers of their own, or keep their lines from ours.
TAMED = ("gunicorn.error", "gunicorn.access", "rq.worker", "rq.scheduler", "alembic", "py.warnings")

log = structlog.get_logger(__name__)


class _OurHandler(logging.StreamHandler[TextIO]):
    """Known by its class, so that configuring twice does not write every line twice."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  (the base class's name)
        """The base class would print the line as it was, with nothing masked."""
        kind = type(sys.exc_info()[1]).__name__
        if sys.__stderr__ is not None:
            sys.__stderr__.write(f"a line of {record.name} could not be written: {kind}\n")


def configure(settings: Settings) -> None:
    """Set up structlog and the standard library's logging; safe to call again."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = _OurHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processors=_processors(settings)))
    root = logging.getLogger()
    root.handlers[:] = [it for it in root.handlers if not isinstance(it, _OurHandler)] + [handler]
    root.setLevel(settings.log_level)
    _tame_libraries()


def catch_the_uncaught() -> None:
    """What ends this process or one of its threads, and Python's warnings, become lines as well."""

    def end_of_process(
        kind: type[BaseException], error: BaseException, where: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, where)
        else:
            log.critical("uncaught", exc_info=(kind, error, where))

    def end_of_thread(ended: threading.ExceptHookArgs) -> None:
        if not issubclass(ended.exc_type, SystemExit):
            name = ended.thread.name if ended.thread else None
            trace = (ended.exc_type, ended.exc_value, ended.exc_traceback)
            log.error("uncaught in a thread", thread=name, exc_info=trace)

    sys.excepthook = end_of_process
    threading.excepthook = end_of_thread
    logging.captureWarnings(True)


def _processors(settings: Settings) -> list[structlog.typing.Processor]:
    """What every line passes, whoever wrote it. After the masking nothing of theirs is added."""
    mask = Masker(settings.secrets)

    def mask_line(_logger: Any, _method: str, line: Line) -> Line:
        record = line.pop("_record")
        del line["_from_structlog"]
        said = dict(mask.line(line))
        return {
            "timestamp": timestamp_of(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": said.pop("event"),
            **said,
        }

    return [
        structlog.contextvars.merge_contextvars,
        as_fields if settings.is_production else structlog.processors.format_exc_info,
        mask_line,
        _renderer(settings),
    ]


def timestamp_of(record: logging.LogRecord) -> str:
    """In UTC, to the microsecond."""
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds")


def _renderer(settings: Settings) -> structlog.typing.Processor:
    if settings.is_production:
        return structlog.processors.JSONRenderer()
    render = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=0)

    def for_people(logger: Any, method: str, line: Line) -> str:
        """One line, whatever control characters a client has sent to a library that quotes them."""
        line["event"] = "".join(
            character if character.isprintable() else repr(character)[1:-1]
            for character in str(line.get("event", ""))
        )
        return render(logger, method, line)

    return for_people


def _tame_libraries() -> None:
    for name in TAMED:
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
