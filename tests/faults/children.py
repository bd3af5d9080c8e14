"""Work in a forked child process, which may be hit at one of its boundaries."""

from __future__ import annotations

import gc
import os
import pickle
import signal
import traceback
from collections.abc import Callable
from dataclasses import dataclass

from flask import Flask

from payments.extensions import db
from payments.queueing import job_queue
from tests.faults.steps import Steps

FAILED = 71
Work = Callable[[], object]


@dataclass(frozen=True)
class Ended:
    """How a child ended: its exit code, the boundary it was hit at, and what it returned."""

    code: int
    hit: bool
    step: str
    result: object


def in_child(app: Flask, work: Work, at: int, action: str, meanwhile: Work | None) -> Ended:
    """Do `work` in a child of this process, hit at boundary `at` where that is not 0.

    `meanwhile` is done while the child stands still. The caller has no connection open.
    """
    reader, writer = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(reader)
        _be_the_child(app, work, at, action, writer)
    os.close(writer)
    _pid, status = os.waitpid(pid, os.WUNTRACED)
    if os.WIFSTOPPED(status):
        if meanwhile is not None:
            meanwhile()
        os.kill(pid, signal.SIGCONT)
        _pid, status = os.waitpid(pid, 0)
    with os.fdopen(reader, "rb") as pipe:
        said = pipe.read()
    code = os.waitstatus_to_exitcode(status)
    names, taken, result = pickle.loads(said) if said else ([], at, None)  # noqa: S301
    return Ended(code, bool(at) and taken >= at, names[-1] if names else "-", result)


def _be_the_child(app: Flask, work: Work, at: int, action: str, writer: int) -> None:
    """Never returns: what the test's process would do at its end is not the child's to do."""
    # It would look at every object of the test's process, and so copy its memory.
    gc.disable()
    code = FAILED
    try:
        with app.app_context():
            # The parent's connections are the parent's.
            db.engine.dispose(close=False)
            job_queue().connection.connection_pool.reset()
            steps = _watched(at, action)
            result: object = None
            try:
                result = work()
            except Exception as error:  # a broken connection ends a worker's job so
                result = f"{type(error).__name__}: {error}"
            steps.end()
            with os.fdopen(writer, "wb") as pipe:
                pickle.dump((steps.names, steps.taken, result), pipe)
            code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _watched(at: int, action: str) -> Steps:
    steps = Steps(at or 10**9, action)
    if at:
        steps.watch_database(db.engine)
        steps.watch_outside()
        if action != "stop":  # which would take long, and only what is kept matters
            steps.watch_redis()
    return steps
