"""`make perf`: how fast and how large the service is, as ratios within one run."""
