"""create_app(): the one place where the parts meet."""

from __future__ import annotations

from flask import Flask
from flask.json.provider import DefaultJSONProvider
from flask_wtf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from payments import cli, database
from payments.config import ROOT, Settings, environment, load_settings
from payments.durability import require_durable_redis
from payments.extensions import SETTINGS, db, migrate
from payments.handlers.registry import load_handlers
from payments.observability import logs, metrics, statements
from payments.providers import REGISTERED
from payments.queueing import EXTENSION, JobQueue
from payments.reconciliation import deliveries
from payments.variables import ConfigError, Problem
from payments.web import (
    api,
    console,
    docs,
    errors,
    failed_logins,
    headers,
    login,
    metrics_page,
    requests,
    rq,
    sessions,
)


def settings_from_environment() -> Settings:
    """The settings of this process.

    Raises:
        ConfigError: with every problem at once, those of the handler modules included.
    """
    variables = environment()
    problems: list[Problem] = []
    settings = None
    try:
        settings = load_settings(variables, REGISTERED)
    except ConfigError as error:
        problems += error.problems
    modules = variables.names("PAYMENTS_HANDLERS")
    problems += load_handlers(modules, [provider.name for provider in REGISTERED])
    if settings is None or problems:
        raise ConfigError(problems)
    return settings


def create_app_or_exit() -> Flask:
    """The application of this process; a configuration that is wrong ends it with the list."""
    try:
        app = create_app(settings_from_environment())
    except ConfigError as problems:
        raise SystemExit(str(problems)) from None
    logs.catch_the_uncaught()
    return app


def create_app(settings: Settings) -> Flask:
    """The application, without having talked to the database.

    Raises:
        ConfigError: in production, Redis cannot be used as it is set up.
    """
    logs.configure(settings)
    metrics.configure(enabled=settings.metrics_enabled)
    settings.var_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    app = Flask(
        "payments",
        root_path=str(ROOT / "payments/web"),
        static_folder="static",
        template_folder="templates",
    )
    app.config.update(
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=database.engine_options(settings),
        MAX_CONTENT_LENGTH=settings.max_request_size,
    )
    if isinstance(app.json, DefaultJSONProvider):
        app.json.sort_keys = False
    app.extensions[SETTINGS] = settings
    queue = app.extensions[EXTENSION] = JobQueue(settings, watch_breaker=metrics.note_breaker)
    app.extensions[deliveries.EXTENSION] = deliveries.DeliveryCounter()
    require_durable_redis(settings, queue.connection)
    _guard(app, settings)
    _register_parts(app)
    return app


def _guard(app: Flask, settings: Settings) -> None:
    """Whom the application believes: proxies by number, and cookies that it has signed."""
    proxies = settings.trusted_proxies
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=0)  # type: ignore[method-assign]  # as Flask's documentation says
    sessions.configure(app, settings)
    # For as long as the session that it belongs to.
    app.config["WTF_CSRF_TIME_LIMIT"] = None
    app.extensions[failed_logins.EXTENSION] = failed_logins.FailedLogins(settings)


def _register_parts(app: Flask) -> None:
    db.init_app(app)
    migrate.init_app(app, db, directory=str(ROOT / "migrations"), render_as_batch=True)
    with app.app_context():
        database.prepare(db.engine)
        statements.observe(db.engine)
    metrics_page.register(app)
    requests.register(app)
    headers.register(app)
    errors.register(app)
    csrf = CSRFProtect(app)
    # Signatures and bearer tokens say who sends; no browser adds those to a forged form.
    for part in (*api.BLUEPRINTS, metrics_page.blueprint):
        csrf.exempt(part)
        app.register_blueprint(part)
    for page in (docs, login, console, rq):
        app.register_blueprint(page.blueprint)
    cli.register(app)
