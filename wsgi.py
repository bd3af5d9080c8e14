"""The application for gunicorn and for `flask --app wsgi`."""

from payments.app import create_app_or_exit

app = create_app_or_exit()
