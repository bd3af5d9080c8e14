"""What all pages of the console share: who may see them, and how values are worded."""

from __future__ import annotations

from flask import Blueprint

from payments.projection.currencies import display
from payments.web.auth import require_session
from payments.web.console import words
from payments.web.console.address import here, older
from payments.web.console.places import places

blueprint = Blueprint("console", __name__, url_prefix="/console")
blueprint.before_request(require_session)

for worded in (words.ago, words.clock, words.day, words.iso, words.duration, words.capped):
    blueprint.add_app_template_filter(worded)
blueprint.add_app_template_filter(display, "money")
for found in (places, here, older):
    blueprint.add_app_template_global(found)
