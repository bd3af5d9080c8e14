"""An index for the effects of an event.

Revision ID: 0009
Revises: 0008
Create Date: 2026-11-25
"""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_effects_event_id", "effects", ["event_id"])


def downgrade() -> None:
    op.drop_index("ix_effects_event_id", table_name="effects")
