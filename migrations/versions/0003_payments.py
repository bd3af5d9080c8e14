"""One view of each payment, and the facts that it is made of.

Revision ID: 0003
Revises: 0002
Create Date: 2026-11-25
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Time = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "payment_groups",
        sa.Column("id", BigId, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_groups")),
    )
    op.create_table(
        "payments",
        sa.Column("id", BigId, autoincrement=False, nullable=False),
        sa.Column("provider", sa.String(length=32), nullable=False),
        sa.Column("account", sa.String(length=255), nullable=False),
        sa.Column("payment_id", sa.String(length=255), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("amount_authorized", sa.BigInteger(), nullable=False),
        sa.Column("amount_captured", sa.BigInteger(), nullable=False),
        sa.Column("amount_refunded", sa.BigInteger(), nullable=False),
        sa.Column("amount_disputed", sa.BigInteger(), nullable=False),
        sa.Column("amount_fee", sa.BigInteger(), nullable=True),
        sa.Column("fee_currency", sa.String(length=3), nullable=True),
        sa.Column("livemode", sa.Boolean(), nullable=True),
        sa.Column("first_event_at", Time, nullable=True),
        sa.Column("last_event_at", Time, nullable=True),
        sa.Column("updated_at", Time, nullable=False),
        sa.CheckConstraint(
            "status IN ('disputed', 'charged_back', 'reversed', 'refunded', 'partially_refunded', "
            "'partially_captured', 'captured', 'canceled', 'authorized', 'processing', "
            "'requires_action', 'failed', 'created', 'unknown')",
            name=op.f("ck_payments_status"),
        ),
        sa.ForeignKeyConstraint(
            ["id"],
            ["payment_groups.id"],
            name=op.f("fk_payments_id_payment_groups"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payments")),
        sa.UniqueConstraint(
            "provider",
            "account",
            "payment_id",
            name=op.f("uq_payments_provider_account_payment_id"),
        ),
    )
    op.create_index("ix_payments_last_event_at", "payments", ["last_event_at"])
    op.create_index("ix_payments_provider_id", "payments", ["provider", "id"])
    op.create_index("ix_payments_status_id", "payments", ["status", "id"])
    op.create_table(
        "payment_changes",
        sa.Column("id", BigId, nullable=False),
        sa.Column("payment_id", BigId, nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("object_id", sa.String(length=255), nullable=False),
        sa.Column("value", sa.String(length=255), nullable=False),
        sa.Column("event_id", BigId, nullable=True),
        sa.Column("caused_at", Time, nullable=True),
        sa.ForeignKeyConstraint(
            ["event_id"],
            ["events.id"],
            name=op.f("fk_payment_changes_event_id_events"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"],
            ["payment_groups.id"],
            name=op.f("fk_payment_changes_payment_id_payment_groups"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_changes")),
        sa.UniqueConstraint(
            "payment_id",
            "kind",
            "object_id",
            "value",
            name=op.f("uq_payment_changes_payment_id_kind_object_id_value"),
        ),
    )
    op.create_index("ix_payment_changes_event_id", "payment_changes", ["event_id"])
    op.create_table(
        "payment_objects",
        sa.Column("id", BigId, nullable=False),
        sa.Column("provider", sa.String(length=32), nullable=False),
        sa.Column("account", sa.String(length=255), nullable=False),
        sa.Column("object_id", sa.String(length=255), nullable=False),
        sa.Column("payment_id", BigId, nullable=False),
        sa.ForeignKeyConstraint(
            ["payment_id"],
            ["payment_groups.id"],
            name=op.f("fk_payment_objects_payment_id_payment_groups"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_objects")),
        sa.UniqueConstraint(
            "object_id",
            "provider",
            "account",
            name=op.f("uq_payment_objects_object_id_provider_account"),
        ),
    )
    op.create_index("ix_payment_objects_payment_id", "payment_objects", ["payment_id"])


def downgrade() -> None:
    op.drop_index("ix_payment_objects_payment_id", table_name="payment_objects")
    op.drop_table("payment_objects")
    op.drop_index("ix_payment_changes_event_id", table_name="payment_changes")
    op.drop_table("payment_changes")
    op.drop_index("ix_payments_status_id", table_name="payments")
    op.drop_index("ix_payments_provider_id", table_name="payments")
    op.drop_index("ix_payments_last_event_at", table_name="payments")
    op.drop_table("payments")
    op.drop_table("payment_groups")
