"""Makes `.venv` and installs pinned packages: `python payments/local/install.py requirements.txt`.

Runs on the machine's own Python before anything is installed, so the standard library is all
there is, and `payments` itself is not imported.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
OLDEST_PYTHON = (3, 11)
# The flask command would load a `.env` of the current folder into the environment, where it beats
# `ENV_FILE` and `NAME_FILE`; payments/variables.py reads it, the same for every process.
NO_DOTENV = 'import os; os.environ.setdefault("FLASK_SKIP_DOTENV", "1")\n'
# What a file of requirements contains entirely: with the larger one, the smaller one is there.
CONTAINED = {"requirements-dev.txt": ("requirements.txt",)}


class InstallError(Exception):
    """The packages could not be installed."""


def install(root: Path, requirements: str | None) -> None:
    """Makes `root/.venv` usable; where `requirements` names a file, its packages are there after.

    Quick when nothing changed. The mark is written last, so an interrupted run is done again.

    Raises:
        InstallError: with what to do.
    """
    folder = root / ".venv"
    if not is_usable(folder):
        make_environment(folder)
    if requirements is None or is_installed(folder, root / requirements):
        return
    _say(f"Installing {requirements} into .venv; this takes a minute, once.")
    options = ["--quiet", "--disable-pip-version-check", "--no-input", "--require-hashes"]
    # The file names all that is needed; looking for more, an old pip finds newer versions.
    options.append("--no-deps")
    _run([python(folder), "-m", "pip", "install", *options, "-r", str(root / requirements)])
    for name in (requirements, *CONTAINED.get(requirements, ())):
        _mark(folder, name).write_text(digest(root / name))


def python(folder: Path) -> str:
    return str(folder / "bin" / "python")


def is_usable(folder: Path) -> bool:
    """Whether it was made to the end, and the interpreter that it was made with is still there."""
    if not (folder / ".made").is_file():
        return False
    try:
        return subprocess.run([python(folder), "-c", ""]).returncode == 0  # noqa: S603
    except OSError:
        return False


def make_environment(folder: Path) -> None:
    _say(f"Making .venv with Python {sys.version.split()[0]}.")
    if folder.is_symlink():
        folder.unlink()
    elif folder.exists():
        shutil.rmtree(folder)
    _run([sys.executable, "-m", "venv", str(folder)])
    for packages in folder.glob("lib/python*/site-packages"):
        (packages / "flask_reads_no_env_file.pth").write_text(NO_DOTENV)
    (folder / ".made").touch()


def is_installed(folder: Path, requirements: Path) -> bool:
    mark = _mark(folder, requirements.name)
    return mark.is_file() and mark.read_text() == digest(requirements)


def digest(requirements: Path) -> str:
    return hashlib.sha256(requirements.read_bytes()).hexdigest()


def _mark(folder: Path, name: str) -> Path:
    return folder / f".installed-{name}"


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _run(command: Sequence[str]) -> None:
    if code := subprocess.run(command).returncode:  # noqa: S603
        raise InstallError(f"`{' '.join(command[1:4])} …` ended with {code}; its reason is above.")


def main(arguments: Sequence[str]) -> int:
    if sys.version_info < OLDEST_PYTHON:
        sys.exit("Python 3.11 or newer is needed.")
    try:
        install(ROOT, arguments[0] if arguments else None)
    except (InstallError, OSError) as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
