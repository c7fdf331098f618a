"""A service for trying the event core: it stands in for feedback on the bus, and keeps what it was told.

``python -m tests.support.probe`` runs it as a process of its own. What it does to a chapter's event is named in
the chapter's name (``poison``, ``slow 8``, ``fail 2``), so that a test decides it with the event.
"""
