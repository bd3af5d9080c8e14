"""Pins requirements*.txt anew from *.in, with hashes, for every Python and platform at once.

`python payments/local/lock_requirements.py [--upgrade]`; without `--upgrade`, what is pinned stays
where it still fits. Like install.py it runs on the machine's own Python.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
UV = "uv==0.13.9"
OPTIONS = (
    *("--universal", "--python-version", "3.11", "--generate-hashes", "--no-emit-index-url"),
    *("--no-emit-find-links", "--custom-compile-command", "make lock", "--quiet"),
    # Without its extras in the pin, pip takes coverage[toml] for something that is not pinned.
    "--no-strip-extras",
)


def lock(root: Path, extra: Sequence[str]) -> None:
    """Raises CalledProcessError where uv finds no set of versions; it has said why."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)  # noqa: S603
        bin_folder = Path(folder, "bin")
        pip = [str(bin_folder / "python"), "-m", "pip", "install", "--quiet", UV]
        subprocess.run(pip, check=True)  # noqa: S603
        uv = str(bin_folder / "uv")
        # The larger set is bound to the smaller one's versions: what is tested is what runs.
        _compile(uv, root, "requirements", extra)
        _compile(uv, root, "requirements-dev", ["-c", "requirements.txt", *extra])


def _compile(uv: str, root: Path, name: str, extra: Sequence[str]) -> None:
    command = [uv, "pip", "compile", *OPTIONS, *extra, f"{name}.in", "-o", f"{name}.txt"]
    subprocess.run(command, cwd=root, check=True, stdout=subprocess.DEVNULL)  # noqa: S603


if __name__ == "__main__":
    try:
        lock(ROOT, sys.argv[1:])
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)
