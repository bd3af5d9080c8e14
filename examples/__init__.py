"""Examples to copy. The handlers: `PAYMENTS_HANDLERS=examples.handlers`."""
