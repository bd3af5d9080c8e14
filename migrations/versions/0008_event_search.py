"""Indexes for searching events: by their id at the provider, with errors, with conflicts.

Revision ID: 0008
Revises: 0007
Create Date: 2026-11-25
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

FAILED = sa.text("last_error IS NOT NULL")
CONFLICTING = sa.text("conflicts > 0")


def upgrade() -> None:
    op.create_index("ix_events_event_id", "events", ["event_id"])
    op.create_index(
        "ix_events_with_error", "events", ["id"], postgresql_where=FAILED, sqlite_where=FAILED
    )
    op.create_index(
        "ix_events_with_conflict",
        "events",
        ["id"],
        postgresql_where=CONFLICTING,
        sqlite_where=CONFLICTING,
    )


def downgrade() -> None:
    for name in ("ix_events_with_conflict", "ix_events_with_error", "ix_events_event_id"):
        op.drop_index(name, table_name="events")
