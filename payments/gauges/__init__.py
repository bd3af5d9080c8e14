"""Where things stand, computed when `/metrics` is asked: from indexes and stored counts alone."""

from payments.gauges.page import page

__all__ = ["page"]
