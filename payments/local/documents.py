"""`make docs`: writes openapi.json and site/, the API's document as a page for any static host."""

from __future__ import annotations

import json
from pathlib import Path

from payments.config import ROOT
from payments.web.api.document import as_text, document

SWAGGER_UI = ROOT / "payments/web/static/swagger-ui"
COPIED = (
    *("swagger-ui.css", "swagger-ui-bundle.js", "swagger-ui-bundle.js.LICENSE.txt"),
    *("LICENSE", "NOTICE", "start.js"),
)
PAGE = """\
<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>payments-api: the API</title>
  <link rel="icon" href="data:,">
  <link rel="stylesheet" href="swagger-ui/swagger-ui.css">
</head>
<body>
  <main id="swagger-ui"></main>
  <noscript>This page needs JavaScript. The document itself: <a href="openapi.json">openapi.json</a></noscript>
  <script src="document.js"></script>
  <script src="swagger-ui/swagger-ui-bundle.js"></script>
  <script src="swagger-ui/start.js"></script>
</body>
</html>
"""  # noqa: E501  # HTML that is not to gain white space


def made() -> dict[str, bytes]:
    """What each file should hold, by its path below the repository's root."""
    described = document()
    text = as_text(described).encode()
    # A page that is opened as a file may not fetch another, but may load a script.
    script = f"window.apiDocument = {json.dumps(described, separators=(',', ':'))};\n"
    copies = {f"site/swagger-ui/{name}": (SWAGGER_UI / name).read_bytes() for name in COPIED}
    return {
        "openapi.json": text,
        "site/openapi.json": text,
        "site/index.html": PAGE.encode(),
        "site/document.js": script.encode(),
        **copies,
    }


def write(root: Path) -> None:
    for name, content in made().items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


if __name__ == "__main__":
    write(ROOT)
    print("Wrote openapi.json and site/: open site/index.html in a browser.")  # noqa: T201
