"""Events, their payloads, conflicts and attempts, and the ledger of effects.

Revision ID: 0001
Revises:
Create Date: 2026-11-23
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Time = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "events",
        sa.Column("id", BigId, nullable=False),
        sa.Column("provider", sa.String(length=32), nullable=False),
        sa.Column("account", sa.String(length=255), nullable=False),
        sa.Column("event_id", sa.String(length=255), nullable=False),
        sa.Column("event_type", sa.String(length=255), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=True),
        sa.Column("api_version", sa.String(length=255), nullable=True),
        sa.Column("object_id", sa.String(length=255), nullable=True),
        sa.Column("provider_created_at", Time, nullable=True),
        sa.Column("received_at", Time, nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", Time, nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("processed_at", Time, nullable=True),
        sa.Column("conflicts", sa.Integer(), nullable=False),
        sa.Column("request_id", sa.String(length=128), nullable=True),
        sa.Column("traceparent", sa.String(length=55), nullable=True),
        sa.Column("secret_label", sa.String(length=255), nullable=True),
        sa.Column("transmission_id", sa.String(length=255), nullable=True),
        sa.CheckConstraint(
            "source IN ('webhook', 'backfill', 'simulated')", name=op.f("ck_events_source")
        ),
        sa.CheckConstraint(
            "status IN ('received', 'processing', 'retrying', "
            "'processed', 'ignored', 'dead', 'discarded')",
            name=op.f("ck_events_status"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        sa.UniqueConstraint(
            "provider", "account", "event_id", name=op.f("uq_events_provider_account_event_id")
        ),
        sa.UniqueConstraint(
            "provider",
            "account",
            "transmission_id",
            name=op.f("uq_events_provider_account_transmission_id"),
        ),
    )
    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.create_index("ix_events_event_type_id", ["event_type", "id"], unique=False)
        batch_op.create_index("ix_events_object_id_id", ["object_id", "id"], unique=False)
        batch_op.create_index("ix_events_provider_id", ["provider", "id"], unique=False)
        batch_op.create_index("ix_events_status_id", ["status", "id"], unique=False)
        batch_op.create_index(
            "ix_events_unfinished",
            ["next_attempt_at"],
            unique=False,
            postgresql_where=sa.text("status IN ('received', 'processing', 'retrying')"),
            sqlite_where=sa.text("status IN ('received', 'processing', 'retrying')"),
        )

    op.create_table(
        "attempts",
        sa.Column("id", BigId, nullable=False),
        sa.Column("event_id", BigId, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("started_at", Time, nullable=False),
        sa.Column("finished_at", Time, nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.Column("error_type", sa.String(length=255), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("worker", sa.String(length=255), nullable=True),
        sa.CheckConstraint(
            "outcome IN ('processed', 'ignored', 'failed', 'timeout', 'died', 'superseded')",
            name=op.f("ck_attempts_outcome"),
        ),
        sa.ForeignKeyConstraint(
            ["event_id"],
            ["events.id"],
            name=op.f("fk_attempts_event_id_events"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempts")),
        sa.UniqueConstraint("event_id", "number", name=op.f("uq_attempts_event_id_number")),
    )
    op.create_table(
        "effects",
        sa.Column("id", BigId, nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("event_id", BigId, nullable=False),
        sa.Column("done_at", Time, nullable=False),
        sa.Column("result", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["event_id"], ["events.id"], name=op.f("fk_effects_event_id_events"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_effects")),
        sa.UniqueConstraint("key", name=op.f("uq_effects_key")),
    )
    op.create_table(
        "event_conflicts",
        sa.Column("id", BigId, nullable=False),
        sa.Column("event_id", BigId, nullable=False),
        sa.Column("event_type", sa.String(length=255), nullable=False),
        sa.Column("object_id", sa.String(length=255), nullable=True),
        sa.Column("received_at", Time, nullable=False),
        sa.Column("request_id", sa.String(length=128), nullable=True),
        sa.Column("secret_label", sa.String(length=255), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"],
            ["events.id"],
            name=op.f("fk_event_conflicts_event_id_events"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_conflicts")),
        sa.UniqueConstraint("event_id", "sha256", name=op.f("uq_event_conflicts_event_id_sha256")),
    )
    op.create_table(
        "event_payloads",
        sa.Column("event_id", BigId, autoincrement=False, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"],
            ["events.id"],
            name=op.f("fk_event_payloads_event_id_events"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_event_payloads")),
    )


def downgrade() -> None:
    op.drop_table("event_payloads")
    op.drop_table("event_conflicts")
    op.drop_table("effects")
    op.drop_table("attempts")
    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_events_unfinished",
            postgresql_where=sa.text("status IN ('received', 'processing', 'retrying')"),
            sqlite_where=sa.text("status IN ('received', 'processing', 'retrying')"),
        )
        batch_op.drop_index("ix_events_status_id")
        batch_op.drop_index("ix_events_provider_id")
        batch_op.drop_index("ix_events_object_id_id")
        batch_op.drop_index("ix_events_event_type_id")

    op.drop_table("events")
