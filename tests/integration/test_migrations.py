"""Migrations go up and down on both databases, and say what the models say."""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask_migrate import downgrade, upgrade
from sqlalchemy import inspect

from payments.extensions import Base, db
from payments.failure_groups import adopt_dead_events
from payments.observability.masking import Masker
from tests.support.application import Application, MakeApplication
from tests.support.shop import Shop, let_die


def tables() -> set[str]:
    return set(inspect(db.engine).get_table_names()) - {"alembic_version"}


def test_down_to_nothing_and_up_again_gives_the_same_tables(application: Application) -> None:
    with application.app.app_context():
        before = tables()
        downgrade(revision="base")
        assert tables() == set()
        upgrade()
        assert tables() == before
    assert application.deliver().status_code == 200


def test_the_migrations_make_what_the_models_describe(application: Application) -> None:
    with application.app.app_context(), db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_the_groups_of_failures_go_and_come_without_a_loss(
    make_application: MakeApplication,
) -> None:
    """A copy of `events` on SQLite would have taken its payloads and attempts with it."""
    application = make_application(RETRY_MAX_ATTEMPTS="1")
    shop = Shop()
    shop.refuse()
    let_die(application, 3)
    counts = ("events", "event_payloads", "attempts")

    def rows() -> list[int]:
        return [application.sql(f"SELECT count(*) FROM {name}")[0][0] for name in counts]  # noqa: S608

    before = rows()
    with application.app.app_context():
        downgrade(revision="0004")
        assert rows() == before
        upgrade()
    assert rows() == before
    with application.app.app_context():
        assert adopt_dead_events(Masker()) == 3


def test_the_secrets_that_were_used_before_are_known_after_the_upgrade(
    application: Application,
) -> None:
    application.deliver()
    with application.app.app_context():
        downgrade(revision="0005")
        upgrade()
    used = application.sql("SELECT label, last_used_at FROM secret_uses")
    assert used == application.sql("SELECT secret_label, received_at FROM events")
