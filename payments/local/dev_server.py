"""gunicorn's configuration for `make dev`: the same, with code that is reloaded when it changes."""

from payments.web.server import *  # noqa: F403

reload = True
preload_app = False  # a preloaded application is the master's, which is not reloaded
