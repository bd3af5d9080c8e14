"""What operations take and answer, as marshmallow schemas with examples."""
