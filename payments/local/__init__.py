"""`make run`: the whole service on one machine, with nothing to install by hand.

install.py makes the virtual environment; run.py starts everything below it. Nothing in the
service itself imports this package.
"""
