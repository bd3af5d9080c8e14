"""Builds the image and tries it: `make docker-smoke`. Runs on the machine's own Python.

The image must be up, answer, refuse a delivery without a signature, run as nobody in particular on
a root that it cannot write to, and stop in time. Exit codes: 0 it did, or no engine runs here and
nothing was tried, which is said; 1 something was wrong.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
IMAGE = "payments-api:smoke"
NAME = "payments-api-smoke"
START_SECONDS = 60
STOP_SECONDS = 20


class SmokeError(Exception):
    """What was wrong with the image."""


def main() -> int:
    if missing := _what_is_missing():
        print(f"Docker: SKIPPED: {missing}. The image was not built.")  # noqa: T201
        return 0
    try:
        _docker("build", "--tag", IMAGE, str(ROOT))
        _try_image()
    except (SmokeError, subprocess.CalledProcessError) as error:
        print(f"Docker: FAILED: {error}", file=sys.stderr)  # noqa: T201
        return 1
    finally:
        _docker("rm", "--force", "--volumes", NAME, check=False)
    print("Docker: PASSED: the image was built, answered, and stopped in time.")  # noqa: T201
    return 0


def _what_is_missing() -> str:
    if not shutil.which("docker"):
        return "docker is not installed"
    asked = _docker("version", "--format", "{{.Server.Version}}", check=False)
    return "" if asked.returncode == 0 else "no Docker engine runs here"


def _try_image() -> None:
    _docker(
        *("run", "--detach", "--name", NAME, "--init"),
        *("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL"),  # noqa: S108
        *("--env", "STRIPE_SIGNING_SECRET=whsec_smoke", "--publish", "127.0.0.1::8065"),
        *(IMAGE, "sh", "-c", "flask --app wsgi db upgrade && exec python -m payments.serving.web"),
    )
    published = _docker("port", NAME, "8065").stdout.split()[0]
    url = f"http://{published}"
    deadline = time.monotonic() + START_SECONDS
    while (status := _status(f"{url}/health")) != 200:
        if time.monotonic() > deadline:
            raise SmokeError(f"/health said {status}:\n{_docker('logs', NAME).stderr[-2000:]}")
        time.sleep(0.5)
    if (status := _status(f"{url}/webhooks/stripe", b"{}")) != 400:
        raise SmokeError(f"a delivery without a signature was answered with {status}")
    if (user := _docker("exec", NAME, "id", "-u").stdout.strip()) == "0":
        raise SmokeError(f"it runs as user {user}")
    began = time.monotonic()
    _docker("stop", "--time", str(STOP_SECONDS), NAME)
    if time.monotonic() - began >= STOP_SECONDS:
        raise SmokeError("it had to be killed")


def _status(url: str, body: bytes | None = None) -> int:
    """The status of the answer, 0 where none came."""
    try:
        with urllib.request.urlopen(url, body, timeout=5) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def _docker(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603
        ["docker", *arguments],  # noqa: S607
        check=check,
        capture_output=arguments[0] != "build",
        text=True,
    )


if __name__ == "__main__":
    sys.exit(main())
