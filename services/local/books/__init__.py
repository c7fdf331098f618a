"""The books: an auditor that shares no code with the services.

It opens the databases, the broker, the sink's log and every file of the network by itself, and compares sets of ids.
Who hears what, what may stand where, and how a report is rounded are written down here once more, by hand: a
mistake in the services' own tables is then no mistake here. docs/books.md says what each line means.
"""

from services.local.books.keeping import keep
from services.local.books.line import Line
from services.local.books.where import Planted, Where

__all__ = ["Line", "Planted", "Where", "keep"]
