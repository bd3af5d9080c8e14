"""Reconciliation: runs, hours, findings, and the counts behind the summary.

Revision ID: 0004
Revises: 0003
Create Date: 2026-11-25
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Time = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "counted_hours",
        sa.Column("hour", Time, nullable=False),
        sa.Column("counted_at", Time, nullable=False),
        sa.PrimaryKeyConstraint("hour", name=op.f("pk_counted_hours")),
    )
    op.create_table(
        "delivery_counts",
        sa.Column("id", BigId, nullable=False),
        sa.Column("provider", sa.String(length=32), nullable=False),
        sa.Column("account", sa.String(length=255), nullable=False),
        sa.Column("hour", Time, nullable=False),
        sa.Column("accepted", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_counts")),
        sa.UniqueConstraint(
            "provider", "account", "hour", name=op.f("uq_delivery_counts_provider_account_hour")
        ),
    )
    op.create_table(
        "event_counts",
        sa.Column("id", BigId, nullable=False),
        sa.Column("hour", Time, nullable=False),
        sa.Column("provider", sa.String(length=32), nullable=False),
        sa.Column("account", sa.String(length=255), nullable=False),
        sa.Column("event_type", sa.String(length=255), nullable=False),
        sa.Column("received", sa.Integer(), nullable=False),
        sa.Column("backfilled", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_counts")),
        sa.UniqueConstraint(
            "hour",
            "provider",
            "account",
            "event_type",
            name=op.f("uq_event_counts_hour_provider_account_event_type"),
        ),
    )
    op.create_table(
        "reconciliation_runs",
        sa.Column("id", BigId, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("provider", sa.String(length=32), nullable=False),
        sa.Column("account", sa.String(length=255), nullable=False),
        sa.Column("window_start", Time, nullable=False),
        sa.Column("window_end", Time, nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("dry_run", sa.Boolean(), nullable=False),
        sa.Column("actor", sa.String(length=255), nullable=False),
        sa.Column("started_at", Time, nullable=False),
        sa.Column("finished_at", Time, nullable=True),
        sa.Column("reached_at", Time, nullable=True),
        sa.Column("theirs", sa.Integer(), nullable=False),
        sa.Column("ours", sa.Integer(), nullable=False),
        sa.Column("processed", sa.Integer(), nullable=False),
        sa.Column("missing", sa.Integer(), nullable=False),
        sa.Column("fetched", sa.Integer(), nullable=False),
        sa.Column("findings", sa.Integer(), nullable=False),
        sa.CheckConstraint("kind IN ('events', 'money')", name=op.f("ck_reconciliation_runs_kind")),
        sa.CheckConstraint(
            "status IN ('running', 'complete', 'incomplete')",
            name=op.f("ck_reconciliation_runs_status"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliation_runs")),
    )
    op.create_index(
        "ix_reconciliation_runs_of", "reconciliation_runs", ["provider", "account", "kind", "id"]
    )
    op.create_table(
        "reconciliation_findings",
        sa.Column("id", BigId, nullable=False),
        sa.Column("provider", sa.String(length=32), nullable=False),
        sa.Column("account", sa.String(length=255), nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("detail", sa.String(length=255), nullable=False),
        sa.Column("expected", sa.Text(), nullable=True),
        sa.Column("found", sa.Text(), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("first_seen_at", Time, nullable=False),
        sa.Column("last_seen_at", Time, nullable=False),
        sa.Column("resolved_at", Time, nullable=True),
        sa.Column("signed_off_at", Time, nullable=True),
        sa.Column("signed_off_by", sa.String(length=255), nullable=True),
        sa.Column("signed_off_reason", sa.Text(), nullable=True),
        sa.Column("run_id", BigId, nullable=True),
        sa.CheckConstraint(
            "source IN ('projection', 'events', 'money')",
            name=op.f("ck_reconciliation_findings_source"),
        ),
        sa.CheckConstraint(
            "status IN ('open', 'resolved', 'signed_off')",
            name=op.f("ck_reconciliation_findings_status"),
        ),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["reconciliation_runs.id"],
            name=op.f("fk_reconciliation_findings_run_id_reconciliation_runs"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliation_findings")),
        sa.UniqueConstraint(
            "provider", "account", "source", "kind", "subject", "detail", name=op.f("uq_findings")
        ),
    )
    op.create_index(
        "ix_reconciliation_findings_status_id", "reconciliation_findings", ["status", "id"]
    )
    op.create_index(
        "ix_reconciliation_findings_status_kind", "reconciliation_findings", ["status", "kind"]
    )
    op.create_index("ix_reconciliation_findings_subject", "reconciliation_findings", ["subject"])
    op.create_table(
        "reconciliation_hours",
        sa.Column("id", BigId, nullable=False),
        sa.Column("provider", sa.String(length=32), nullable=False),
        sa.Column("account", sa.String(length=255), nullable=False),
        sa.Column("hour", Time, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("theirs", sa.Integer(), nullable=False),
        sa.Column("ours", sa.Integer(), nullable=False),
        sa.Column("processed", sa.Integer(), nullable=False),
        sa.Column("missing", sa.Integer(), nullable=False),
        sa.Column("checked_at", Time, nullable=False),
        sa.Column("run_id", BigId, nullable=True),
        sa.CheckConstraint(
            "state IN ('complete', 'gaps', 'incomplete', 'open')",
            name=op.f("ck_reconciliation_hours_state"),
        ),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["reconciliation_runs.id"],
            name=op.f("fk_reconciliation_hours_run_id_reconciliation_runs"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliation_hours")),
        sa.UniqueConstraint(
            "provider",
            "account",
            "hour",
            name=op.f("uq_reconciliation_hours_provider_account_hour"),
        ),
    )
    op.create_index("ix_events_received_at_status", "events", ["received_at", "status"])
    op.create_index("ix_event_conflicts_received_at", "event_conflicts", ["received_at"])
    op.add_column("audit_log", sa.Column("finding_id", BigId, nullable=True))
    op.create_index("ix_audit_log_finding_id_id", "audit_log", ["finding_id", "id"])


def downgrade() -> None:
    op.drop_index("ix_audit_log_finding_id_id", table_name="audit_log")
    with op.batch_alter_table("audit_log") as audit_log:
        audit_log.drop_column("finding_id")
    op.drop_index("ix_event_conflicts_received_at", table_name="event_conflicts")
    op.drop_index("ix_events_received_at_status", table_name="events")
    op.drop_table("reconciliation_hours")
    op.drop_index("ix_reconciliation_findings_subject", table_name="reconciliation_findings")
    op.drop_index("ix_reconciliation_findings_status_kind", table_name="reconciliation_findings")
    op.drop_index("ix_reconciliation_findings_status_id", table_name="reconciliation_findings")
    op.drop_table("reconciliation_findings")
    op.drop_index("ix_reconciliation_runs_of", table_name="reconciliation_runs")
    op.drop_table("reconciliation_runs")
    op.drop_table("event_counts")
    op.drop_table("delivery_counts")
    op.drop_table("counted_hours")
