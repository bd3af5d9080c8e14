"""What can keep `make run` from starting. The message is what the person at the terminal reads."""

from __future__ import annotations

from payments.errors import PaymentsError


class LocalError(PaymentsError):
    """The service could not be started on this machine."""


class PortBusy(LocalError):
    """No port is free."""


class AlreadyRunning(LocalError):
    """Another `make run` is using this folder."""


class ValkeyFailed(LocalError):
    """The embedded valkey could not be started."""


class MigrationFailed(LocalError):
    """The database could not be migrated."""
