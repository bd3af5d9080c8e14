"""Groups of failures by their cause, and bulk operations.

Dead events from before get their group from the service itself, within half a minute of its start:
recovery gives one to every dead event that has none (payments/failure_groups.py).

SQLite can add and drop these columns in place. A batch operation would copy `events`, and dropping
the old table would take the payloads and attempts with it.

Revision ID: 0005
Revises: 0004
Create Date: 2026-11-25
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Time = sa.DateTime(timezone=True)
HELD = sa.text("failure_group_id IS NOT NULL")


def upgrade() -> None:
    _failure_groups()
    _bulk_operations()
    _bulk_items()


def downgrade() -> None:
    op.drop_index("ix_bulk_items_samples", table_name="bulk_items")
    op.drop_index("ix_bulk_items_operation_id_state_id", table_name="bulk_items")
    op.drop_table("bulk_items")
    op.drop_index("ix_bulk_operations_next_look_at", table_name="bulk_operations")
    op.drop_table("bulk_operations")
    op.drop_index("ix_audit_log_operation_id_id", table_name="audit_log")
    op.drop_column("audit_log", "operation_id")
    op.drop_index("ix_events_held", table_name="events")
    op.drop_column("attempts", "failure_group_id")
    op.drop_column("events", "failure_group_id")
    op.drop_table("failure_groups")


def _failure_groups() -> None:
    op.create_table(
        "failure_groups",
        sa.Column("id", BigId, nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("stage", sa.String(length=16), nullable=False),
        sa.Column("error_type", sa.String(length=255), nullable=False),
        sa.Column("dependency", sa.String(length=255), nullable=True),
        sa.Column("provider", sa.String(length=32), nullable=True),
        sa.Column("event_type", sa.String(length=255), nullable=True),
        sa.Column("field", sa.String(length=255), nullable=True),
        sa.Column("frame", sa.String(length=255), nullable=True),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("first_seen_at", Time, nullable=False),
        sa.Column("last_seen_at", Time, nullable=False),
        sa.CheckConstraint(
            "stage IN ('signature', 'payload', 'read', 'projection', 'handler', 'effect', "
            "'database', 'timeout', 'worker', 'unknown')",
            name=op.f("ck_failure_groups_stage"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_failure_groups")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_failure_groups_fingerprint")),
    )
    for table in ("events", "attempts"):
        name = op.f(f"fk_{table}_failure_group_id_failure_groups")
        key = sa.ForeignKey("failure_groups.id", name=name)
        column = sa.Column("failure_group_id", BigId, key, nullable=True)
        op.add_column(table, column, inline_references=True)
    op.create_index(
        "ix_events_held",
        "events",
        ["failure_group_id", "status", "id"],
        postgresql_where=HELD,
        sqlite_where=HELD,
    )


def _bulk_operations() -> None:
    op.create_table(
        "bulk_operations",
        sa.Column("id", BigId, nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("origin_id", BigId, nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("created_by", sa.String(length=255), nullable=False),
        sa.Column("created_at", Time, nullable=False),
        sa.Column("confirmed_by", sa.String(length=255), nullable=True),
        sa.Column("confirmed_at", Time, nullable=True),
        sa.Column("request_id", sa.String(length=128), nullable=True),
        sa.Column("ended_at", Time, nullable=True),
        sa.Column("stop_reason", sa.Text(), nullable=True),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("in_flight", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("skipped", sa.Integer(), nullable=False),
        sa.Column("done_before", sa.Integer(), nullable=False),
        sa.Column("failed_before", sa.Integer(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("rehearsal_ms", sa.Integer(), nullable=False),
        sa.Column("rehearsal_ended_at", Time, nullable=True),
        sa.Column("progressed_at", Time, nullable=False),
        sa.Column("next_look_at", Time, nullable=True),
        sa.CheckConstraint(
            "action IN ('retry', 'replay', 'discard')", name=op.f("ck_bulk_operations_action")
        ),
        sa.CheckConstraint(
            "state IN ('preview', 'running', 'stopped', 'canceled', 'finished')",
            name=op.f("ck_bulk_operations_state"),
        ),
        sa.ForeignKeyConstraint(
            ["origin_id"],
            ["bulk_operations.id"],
            name=op.f("fk_bulk_operations_origin_id_bulk_operations"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_operations")),
    )
    op.create_index("ix_bulk_operations_next_look_at", "bulk_operations", ["next_look_at"])
    op.add_column("audit_log", sa.Column("operation_id", BigId, nullable=True))
    op.create_index("ix_audit_log_operation_id_id", "audit_log", ["operation_id", "id"])


def _bulk_items() -> None:
    op.create_table(
        "bulk_items",
        sa.Column("id", BigId, nullable=False),
        sa.Column("operation_id", BigId, nullable=False),
        sa.Column("event_id", BigId, nullable=False),
        sa.Column("event_status", sa.String(length=16), nullable=True),
        sa.Column("event_attempts", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("outcome", sa.String(length=255), nullable=True),
        sa.Column("changed_at", Time, nullable=True),
        sa.Column("is_sample", sa.Boolean(), nullable=False),
        sa.Column("rehearsal", sa.String(length=255), nullable=True),
        sa.Column("rehearsal_detail", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'started', 'done', 'failed', 'skipped')",
            name=op.f("ck_bulk_items_state"),
        ),
        sa.ForeignKeyConstraint(
            ["operation_id"],
            ["bulk_operations.id"],
            name=op.f("fk_bulk_items_operation_id_bulk_operations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_items")),
        sa.UniqueConstraint(
            "operation_id", "event_id", name=op.f("uq_bulk_items_operation_id_event_id")
        ),
    )
    op.create_index(
        "ix_bulk_items_operation_id_state_id", "bulk_items", ["operation_id", "state", "id"]
    )
    op.create_index(
        "ix_bulk_items_samples",
        "bulk_items",
        ["operation_id", "id"],
        postgresql_where=sa.text("is_sample"),
        sqlite_where=sa.text("is_sample = 1"),
    )
