"""The service as it is deployed: under the real PM2, behind the real nginx, as files for systemd
and Docker. `make deployment` runs these; what a machine lacks is skipped, and named.
"""
