"""The first `.env`."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from payments.local.env_file import ENTRIES, write_env_file
from payments.variables import Variables
from payments.weak_secrets import weakness

SECRETS = (
    *("STRIPE_SIGNING_SECRET", "DEMO_HMAC_SECRET"),
    *("ADMIN_TOKEN", "SESSION_SECRET", "METRICS_TOKEN"),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def read(path: Path) -> dict[str, str]:
    variables = Variables({}, path)
    return {entry.name: variables.text(entry.name) for entry in ENTRIES}


def test_it_is_read_back_with_every_value(path: Path) -> None:
    assert write_env_file(path, {})
    values = read(path)
    assert all(values.values())
    assert values["APP_ENV"] == "dev"
    assert values["PAYPAL_MODE"] == "demo_hmac"
    assert values["STRIPE_SIGNING_SECRET"].startswith("whsec_")


def test_only_the_owner_can_read_it(path: Path) -> None:
    write_env_file(path, {})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_existing_file_is_left_alone(path: Path) -> None:
    path.write_text("ADMIN_TOKEN=mine\n")
    assert not write_env_file(path, {})
    assert path.read_text() == "ADMIN_TOKEN=mine\n"


def test_a_link_that_leads_nowhere_is_left_alone(path: Path) -> None:
    path.symlink_to("elsewhere")
    assert not write_env_file(path, {})
    assert path.is_symlink()


def test_no_temporary_file_stays(path: Path) -> None:
    write_env_file(path, {})
    write_env_file(path, {})
    assert [file.name for file in path.parent.iterdir()] == [".env"]


@pytest.mark.parametrize("name", SECRETS)
def test_secrets_are_strong_and_different_each_time(tmp_path: Path, name: str) -> None:
    write_env_file(tmp_path / "one", {})
    write_env_file(tmp_path / "two", {})
    one, two = read(tmp_path / "one")[name], read(tmp_path / "two")[name]
    assert one != two
    assert weakness(one) is None


def test_no_secret_is_used_twice_in_a_file(path: Path) -> None:
    write_env_file(path, {})
    values = read(path)
    assert len({values[name].removeprefix("whsec_") for name in SECRETS}) == len(SECRETS)


@pytest.mark.parametrize("variable", ["ADMIN_TOKEN", "ADMIN_TOKEN_FILE"])
def test_what_the_environment_sets_gets_no_second_value(path: Path, variable: str) -> None:
    write_env_file(path, {variable: "from-the-environment"})
    values = read(path)
    assert values["ADMIN_TOKEN"] == ""
    assert values["METRICS_TOKEN"]
    assert "from-the-environment" not in path.read_text()
    assert "#ADMIN_TOKEN=" in path.read_text()
