"""The same work on other frameworks: take an event, write one row, commit, acknowledge.

``python -m tests.bench.rivals.on_<name> fill|work`` in an environment made from requirements-bench.lock. Each gets the same
events on a quorum queue, the same row through the same SQLAlchemy engine (SQLite in WAL with full sync), one commit an
event, and acknowledges after it. None keeps an inbox or an outbox.
"""
