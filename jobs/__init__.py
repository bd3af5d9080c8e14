"""What RQ calls by name, and the processes that call it. `payments` never imports this package."""
