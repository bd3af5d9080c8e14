"""`make observability`: alerts and dashboard, against a real Prometheus and the real service."""
