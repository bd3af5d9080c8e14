"""The Flask extensions, and how code finds this application's parts."""

from __future__ import annotations

from typing import cast

from flask import current_app
from flask_migrate import Migrate  # type: ignore[import-untyped]
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase

from payments.config import Settings

SETTINGS = "payments.settings"


class Base(DeclarativeBase):
    """The models' base. Constraints are named by rule, so that migrations can name them too."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


db = SQLAlchemy(model_class=Base, disable_autonaming=True)
migrate = Migrate()


def settings() -> Settings:
    """The settings of the current application."""
    return cast(Settings, current_app.extensions[SETTINGS])
