"""The application for gunicorn and for `flask --app wsgi`."""

from payments.app import create_app
from payments.variables import ConfigError

try:
    app = create_app()
except ConfigError as problems:
    # The list of problems, and not the traceback that ends in it.
    raise SystemExit(str(problems)) from None
