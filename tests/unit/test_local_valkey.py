"""The embedded valkey: the real server, as `make run` starts it."""

from __future__ import annotations

import os
import signal
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis import Redis

from payments.config import embedded_redis_socket
from payments.local import valkey
from payments.local.errors import ValkeyFailed
from payments.local.lock import only_one, private_folder
from tests.support.processes import is_running
from tests.support.waiting import eventually


@pytest.fixture
def var_dir(tmp_path: Path) -> Path:
    return private_folder(tmp_path / "a folder")


@contextmanager
def server(var_dir: Path) -> Iterator[Redis]:
    with only_one(var_dir / "lock") as lock, valkey.running(var_dir, lock) as address:
        valkey.wait(address, var_dir)
        client = Redis(unix_socket_path=str(address), decode_responses=True)
        try:
            yield client
        finally:
            client.close()


def config(client: Redis, name: str) -> str:
    return str(client.config_get(name)[name])


def test_it_writes_everything_to_its_log_and_drops_nothing(var_dir: Path) -> None:
    with server(var_dir) as client:
        assert config(client, "appendonly") == "yes"
        assert config(client, "appendfsync") == "everysec"
        assert config(client, "save") == ""
        assert config(client, "maxmemory-policy") == "noeviction"


def test_only_its_owner_can_talk_to_it_and_only_over_the_socket(var_dir: Path) -> None:
    with server(var_dir) as client:
        assert config(client, "port") == "0"
        address = embedded_redis_socket(var_dir)
        assert stat.S_IMODE(address.stat().st_mode) == 0o700
        assert stat.S_IMODE(address.parent.stat().st_mode) == 0o700


def test_a_restart_keeps_the_data(var_dir: Path) -> None:
    with server(var_dir) as client:
        client.set("key", "kept")
    with server(var_dir) as client:
        assert client.get("key") == "kept"


def test_a_server_that_is_killed_comes_back_with_its_data(var_dir: Path) -> None:
    with server(var_dir) as client:
        client.set("key", "kept")
        client.waitaof(1, 0, 5000)
        process = int(client.info("server")["process_id"])
        os.kill(process, signal.SIGKILL)
        address = embedded_redis_socket(var_dir)
        eventually(lambda: not is_running(process) and valkey.answers(address), "the restart")
        assert client.get("key") == "kept"


def test_afterwards_neither_process_nor_socket_is_left(var_dir: Path) -> None:
    with server(var_dir) as client:
        process = int(client.info("server")["process_id"])
    assert not is_running(process)
    assert not embedded_redis_socket(var_dir).exists()


def test_a_socket_that_a_killed_server_left_is_replaced(var_dir: Path) -> None:
    address = embedded_redis_socket(var_dir)
    private_folder(address.parent)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(address))
    assert address.exists()
    with server(var_dir) as client:
        assert client.ping()


def test_a_server_that_is_running_there_already_is_an_error(var_dir: Path) -> None:
    other = valkey.running(var_dir, os.open(os.devnull, os.O_RDONLY))
    with server(var_dir), pytest.raises(ValkeyFailed, match="already running"), other:
        pass


def test_a_server_that_cannot_start_is_an_error_with_the_end_of_its_log(var_dir: Path) -> None:
    private_folder(var_dir / "valkey" / "appendonlydir")
    (var_dir / "valkey/appendonlydir/appendonly.aof.manifest").write_text("not a manifest\n")
    with (
        only_one(var_dir / "lock") as lock,
        valkey.running(var_dir, lock) as address,
        pytest.raises(ValkeyFailed, match=r"(?s)did not answer.*AOF.*remove .*valkey"),
    ):
        valkey.wait(address, var_dir, seconds=4)


def test_a_folder_with_a_long_name_works_too(tmp_path: Path) -> None:
    var_dir = private_folder(tmp_path / ("long" * 30))
    with server(var_dir) as client:
        assert client.ping()
