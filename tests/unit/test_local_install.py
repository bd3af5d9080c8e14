"""Making `.venv` and finding the Python to make it with, as a newcomer's machine would."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from payments.local.install import InstallError, install

ROOT = Path(__file__).resolve().parents[2]
MAKE = shutil.which("make")
# Nothing that pip could find: no test needs a package index.
IMPOSSIBLE = "--no-index\nnothing-of-this-name==1 --hash=sha256:" + "0" * 64 + "\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a finished environment; making one takes seconds."""
    root = tmp_path_factory.mktemp("project")
    (root / "requirements.txt").write_text("# nothing\n")
    (root / "requirements-dev.txt").write_text("# nothing either\n")
    install(root, "requirements.txt")
    return root


@pytest.fixture
def project(made: Path, tmp_path: Path) -> Path:
    root = tmp_path / "project"
    shutil.copytree(made, root, symlinks=True)
    return root


def mark(root: Path, name: str = "requirements.txt") -> Path:
    return root / ".venv" / f".installed-{name}"


def test_a_second_run_changes_nothing(project: Path) -> None:
    before = mark(project).stat().st_mtime_ns
    install(project, "requirements.txt")
    assert mark(project).stat().st_mtime_ns == before


def test_changed_requirements_are_installed(project: Path) -> None:
    before = mark(project).read_text()
    (project / "requirements.txt").write_text("# still nothing\n")
    install(project, "requirements.txt")
    assert mark(project).read_text() != before


def test_the_larger_set_counts_for_the_smaller_one(project: Path) -> None:
    mark(project).unlink()
    install(project, "requirements-dev.txt")
    assert mark(project).exists()
    assert mark(project, "requirements-dev.txt").exists()


def test_an_install_that_failed_leaves_no_mark(project: Path) -> None:
    (project / "requirements-dev.txt").write_text(IMPOSSIBLE)
    with pytest.raises(InstallError, match="pip install"):
        install(project, "requirements-dev.txt")
    assert not mark(project, "requirements-dev.txt").exists()


def test_a_package_without_a_hash_is_refused(project: Path) -> None:
    (project / "requirements.txt").write_text("--no-index\nnothing-of-this-name==1\n")
    with pytest.raises(InstallError):
        install(project, "requirements.txt")


def test_an_environment_whose_interpreter_vanished_is_made_anew(project: Path) -> None:
    interpreter = project / ".venv/bin/python"
    interpreter.unlink()
    interpreter.symlink_to("/nowhere/python3")
    install(project, "requirements.txt")
    assert subprocess.run([interpreter, "-c", ""]).returncode == 0
    assert mark(project).exists()


def test_an_environment_that_was_not_made_to_the_end_is_made_anew(project: Path) -> None:
    (project / ".venv/.made").unlink()
    install(project, None)
    assert (project / ".venv/.made").exists()
    assert not mark(project).exists()


def run_make(bin_folder: Path, *arguments: str, root: Path) -> subprocess.CompletedProcess[str]:
    assert MAKE
    return subprocess.run(
        [MAKE, "-f", str(ROOT / "Makefile"), *arguments],
        cwd=root,
        env={"PATH": str(bin_folder)},
        capture_output=True,
        text=True,
    )


def interpreter(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.mark.skipif(not MAKE, reason="there is no make")
class TestMake:
    def test_it_takes_the_first_python_that_is_new_enough(self, tmp_path: Path) -> None:
        interpreter(tmp_path / "bin", "python3", "exit 1")
        interpreter(tmp_path / "bin", "python3.12", f'[ "$1" = -P ] || exec {sys.executable} "$@"')
        interpreter(tmp_path / "bin", "python3.11", "echo the wrong one >&2; exit 1")
        done = run_make(tmp_path / "bin", "venv", root=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")

    def test_it_says_which_versions_it_looked_for(self, tmp_path: Path) -> None:
        interpreter(tmp_path / "bin", "python3", "exit 1")
        done = run_make(tmp_path / "bin", "venv", root=tmp_path)
        assert done.returncode
        assert "No Python 3.11 or newer was found. Tried: python3 python3.14" in done.stderr

    def test_it_says_how_to_get_a_missing_venv_module(self, tmp_path: Path) -> None:
        script = f'case "$2" in *ensurepip*) exit 1;; esac; exec {sys.executable} "$@"'
        interpreter(tmp_path / "bin", "python3", script)
        done = run_make(tmp_path / "bin", "run", root=tmp_path)
        assert done.returncode
        assert "apt install python3-venv" in done.stderr

    def test_a_python_can_be_named(self, tmp_path: Path) -> None:
        interpreter(tmp_path / "bin", "python3", "exit 1")
        interpreter(tmp_path, "mine", f'[ "$1" = -P ] || exec {sys.executable} "$@"')
        python = f"PYTHON={tmp_path / 'mine'}"
        assert run_make(tmp_path / "bin", "venv", python, root=tmp_path).returncode == 0

    def test_help_lists_the_targets(self, tmp_path: Path) -> None:
        shutil.copy(ROOT / "Makefile", tmp_path)
        # As in a terminal: below `make test`, make would say which folder it enters.
        plain = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
        done = subprocess.run([str(MAKE)], cwd=tmp_path, env=plain, capture_output=True, text=True)
        targets = [line.split()[0] for line in done.stdout.splitlines()]
        expected = (
            "help venv deps dev run demo test lint cov e2e perf boundaries faults deployment "
            "observability docs db-upgrade pm2-start pm2-reload pm2-stop docker-smoke lock clean"
        )
        assert sorted(targets) == sorted(expected.split())
