"""The web process under a process manager: it keeps its port open while its gunicorns change.

Run as `python -m payments.serving.web`; `python -m payments.serving.reload` replaces the gunicorn
behind the port and waits until that is done.
"""
