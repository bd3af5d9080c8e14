"""When each signing secret was last used, by its label.

What was used before is read from the events once. Deliveries whose events are gone are not known.

Revision ID: 0006
Revises: 0005
Create Date: 2026-11-25
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

USED = """
    INSERT INTO secret_uses (provider, account, label, last_used_at)
    SELECT provider, account, secret_label, MAX(received_at) FROM events
    WHERE secret_label IS NOT NULL AND source <> 'backfill'
    GROUP BY provider, account, secret_label
"""


def upgrade() -> None:
    op.create_table(
        "secret_uses",
        sa.Column("provider", sa.String(length=32), nullable=False),
        sa.Column("account", sa.String(length=255), nullable=False),
        sa.Column("label", sa.String(length=255), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("provider", "account", "label", name=op.f("pk_secret_uses")),
    )
    op.execute(USED)


def downgrade() -> None:
    op.drop_table("secret_uses")
