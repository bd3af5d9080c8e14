"""RQ's jobs in this process: a worker for them, and an end to their waiting."""

from __future__ import annotations

from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer


class BurstWorker(SimpleWorker):
    """A real worker that does what waits, and ends.

    It does not listen for commands: nobody gives it any, and after its last job it would wait a
    second for the thread that listens.
    """

    @classmethod
    def on(cls, queue: Queue) -> BurstWorker:
        return cls([queue], connection=queue.connection, serializer=JSONSerializer)

    def subscribe(self) -> None:
        """Not."""

    def unsubscribe(self) -> None:
        """Nothing to end."""


def make_due(queue: Queue, prefix: str) -> None:
    """Jobs that wait for their time, and whose id begins so, need not wait any longer."""
    registry = queue.scheduled_job_registry
    for id in registry.get_job_ids():
        if id.startswith(prefix):
            queue.connection.zadd(registry.key, {id: 0})
