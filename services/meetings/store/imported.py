"""Which rows of which list made what, in SQL."""

from __future__ import annotations

from sqlalchemy import Connection, select

from services.meetings.model.imported import Imported
from services.meetings.store import tables
from shared.contracts.base import ChapterId
from shared.storage.engine import upsert
from shared.runtime.keys import KeyRing


class ImportedRows:
    """Rows of imported lists, by chapter and slug."""

    def __init__(self, connection: Connection, keys: KeyRing) -> None:
        self._connection = connection
        self._keys = keys

    def digest(self, content: str) -> str:
        """A keyed hash of what a row says, which may be secret."""
        return self._keys.keyed_hash("imported row", content)

    def get(self, chapter_id: ChapterId, slug: str) -> Imported | None:
        """What this slug made."""
        columns = tables.imported.c
        statement = select(tables.imported).where(columns.chapter_id == chapter_id, columns.slug == slug)
        row = self._connection.execute(statement).mappings().one_or_none()
        return Imported(**{**row, "series": {int(day): one for day, one in row["series"].items()}}) if row else None

    def put(self, imported: Imported) -> None:
        """Keep what it makes now."""
        values = vars(imported) | {"series": {str(day): one for day, one in imported.series.items()}}
        statement = upsert(self._connection, tables.imported).values(**values)
        changed = {name: statement.excluded[name] for name in ("digest", "group_id", "series")}
        self._connection.execute(statement.on_conflict_do_update(index_elements=["chapter_id", "slug"], set_=changed))
