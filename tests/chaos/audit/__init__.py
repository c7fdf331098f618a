"""The auditor: the books, and beside them what only the driver's log can prove. Shares no code with the services."""

from tests.chaos.audit.keeping import Evidence, keep

__all__ = ["Evidence", "keep"]
