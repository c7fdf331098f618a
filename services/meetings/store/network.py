"""Region, chapters, groups, venues and rooms in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select, update

from services.meetings.model.network import Chapter, Group, Region, Room, RoomSecrets, Venue
from services.meetings.store import tables
from shared.contracts.base import ChapterId, GroupId, RegionId, RoomId, VenueId
from shared.contracts.meetings import Format, Kind, MembershipPolicy
from shared.runtime.keys import KeyRing
from shared.storage.sealing import Vault


class Regions:
    """The region."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def the_one(self) -> Region | None:
        """The region, if it was founded."""
        row = self._connection.execute(select(tables.regions).limit(1)).mappings().one_or_none()
        return Region(**row) if row else None

    def add(self, region: Region) -> None:
        """Keep a new one."""
        self._connection.execute(insert(tables.regions).values(**vars(region)))


class Chapters:
    """The region's chapters."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, chapter_id: ChapterId) -> Chapter | None:
        """One chapter."""
        return self._one(tables.chapters.c.chapter_id == chapter_id)

    def hold(self, chapter_id: ChapterId) -> None:
        """Lock it until the transaction ends, so that two imports of one list come one after the other."""
        statement = select(tables.chapters.c.chapter_id).where(tables.chapters.c.chapter_id == chapter_id)
        self._connection.execute(statement.with_for_update(key_share=True))

    def by_slug(self, region_id: RegionId, slug: str) -> Chapter | None:
        """The chapter of this name in addresses."""
        return self._one((tables.chapters.c.region_id == region_id) & (tables.chapters.c.slug == slug))

    def all(self) -> Sequence[Chapter]:
        """All, by name."""
        statement = select(tables.chapters).order_by(tables.chapters.c.name, tables.chapters.c.chapter_id)
        return [_chapter(row) for row in self._connection.execute(statement).mappings()]

    def add(self, chapter: Chapter) -> None:
        """Keep a new one."""
        values = vars(chapter) | {"languages": list(chapter.languages)}
        self._connection.execute(insert(tables.chapters).values(**values))

    def _one(self, where: Any) -> Chapter | None:
        row = self._connection.execute(select(tables.chapters).where(where)).mappings().one_or_none()
        return _chapter(row) if row else None


def _chapter(row: RowMapping) -> Chapter:
    return Chapter(**{**row, "languages": tuple(row["languages"])})


class Groups:
    """The chapters' groups."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, group_id: GroupId) -> Group | None:
        """One group."""
        statement = select(tables.groups).where(tables.groups.c.group_id == group_id)
        row = self._connection.execute(statement).mappings().one_or_none()
        return group_from(row) if row else None

    def of(self, chapter_id: ChapterId) -> Sequence[Group]:
        """All of a chapter, by name."""
        statement = select(tables.groups).where(tables.groups.c.chapter_id == chapter_id)
        statement = statement.order_by(tables.groups.c.name, tables.groups.c.group_id)
        return [group_from(row) for row in self._connection.execute(statement).mappings()]

    def add(self, group: Group) -> None:
        """Keep a new one."""
        self._connection.execute(insert(tables.groups).values(**_group_values(group)))

    def change(self, group: Group) -> None:
        """Keep it as it is now."""
        statement = update(tables.groups).where(tables.groups.c.group_id == group.group_id)
        self._connection.execute(statement.values(**_group_values(group)))


def group_from(row: RowMapping, prefix: str = "") -> Group:
    """The group in a row whose columns may bear a prefix."""
    values = {name: row[prefix + name] for name in Group.__dataclass_fields__}
    return Group(
        **values
        | {
            "kind": Kind(values["kind"]),
            "format": Format(values["format"]),
            "policy": MembershipPolicy(values["policy"]),
            "languages": tuple(values["languages"]),
        }
    )


def _group_values(group: Group) -> dict[str, Any]:
    searchable = f"{group.name} {group.purpose} {group.audience}".casefold()
    return vars(group) | {"languages": list(group.languages), "searchable": searchable}


class Venues:
    """The chapters' physical places."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, venue_id: VenueId) -> Venue | None:
        """One venue."""
        statement = select(tables.venues).where(tables.venues.c.venue_id == venue_id)
        row = self._connection.execute(statement).mappings().one_or_none()
        return Venue(**row) if row else None

    def of(self, chapter_id: ChapterId) -> Sequence[Venue]:
        """All of a chapter, by name."""
        statement = select(tables.venues).where(tables.venues.c.chapter_id == chapter_id)
        statement = statement.order_by(tables.venues.c.name, tables.venues.c.venue_id)
        return [Venue(**row) for row in self._connection.execute(statement).mappings()]

    def same(self, venue: Venue) -> Venue | None:
        """One of the chapter that is the same but for its id."""
        alike = [tables.venues.c[name] == value for name, value in vars(venue).items() if name != "venue_id"]
        row = self._connection.execute(select(tables.venues).where(*alike).limit(1)).mappings().one_or_none()
        return Venue(**row) if row else None

    def add(self, venue: Venue) -> None:
        """Keep a new one."""
        self._connection.execute(insert(tables.venues).values(**vars(venue)))


def venue_from(row: RowMapping, prefix: str) -> Venue | None:
    """The venue in a row whose columns bear a prefix; None where it has none."""
    if row[prefix + "venue_id"] is None:
        return None
    return Venue(**{name: row[prefix + name] for name in Venue.__dataclass_fields__})


SECRETS = ("link", "dial_in", "passcode")


class Rooms:
    """The chapters' online rooms. Secrets are sealed with the room's own key, bound to their column and row."""

    def __init__(self, connection: Connection, vault: Vault, keys: KeyRing) -> None:
        self._connection = connection
        self._vault = vault
        self._keys = keys

    def get(self, room_id: RoomId) -> Room | None:
        """One room, without its secrets."""
        return next(iter(self._rooms(tables.rooms.c.room_id == room_id)), None)

    def of(self, chapter_id: ChapterId) -> Sequence[Room]:
        """All of a chapter, by name."""
        return self._rooms(tables.rooms.c.chapter_id == chapter_id)

    def same(self, chapter_id: ChapterId, secrets: RoomSecrets) -> Room | None:
        """One of the chapter with the same secrets, found by their keyed hash."""
        fingerprint = tables.rooms.c.fingerprint == self._fingerprint(secrets)
        return next(iter(self._rooms((tables.rooms.c.chapter_id == chapter_id) & fingerprint)), None)

    def add(self, room: Room, secrets: RoomSecrets) -> None:
        """Keep a new one, its secrets sealed."""
        sealed = {
            name: self._vault.seal(room.room_id, f"rooms.{name}.{room.room_id}", value)
            for name, value in vars(secrets).items()
            if value is not None
        }
        self._connection.execute(
            insert(tables.rooms).values(
                room_id=room.room_id,
                chapter_id=room.chapter_id,
                name=room.name,
                fingerprint=self._fingerprint(secrets),
                **sealed,
            )
        )

    def secrets(self, room_id: RoomId) -> RoomSecrets:
        """What lets one in."""
        row = self._connection.execute(select(tables.rooms).where(tables.rooms.c.room_id == room_id)).mappings().one()
        opened = {
            name: self._vault.open(room_id, f"rooms.{name}.{room_id}", row[name]) if row[name] is not None else None
            for name in SECRETS
        }
        return RoomSecrets(**opened)

    def _rooms(self, where: Any) -> list[Room]:
        columns = tables.rooms.c
        statement = select(
            columns.room_id,
            columns.chapter_id,
            columns.name,
            columns.link.is_not(None).label("has_link"),
            columns.dial_in.is_not(None).label("has_dial_in"),
        )
        statement = statement.where(where).order_by(columns.name, columns.room_id)
        return [Room(**row) for row in self._connection.execute(statement).mappings()]

    def _fingerprint(self, secrets: RoomSecrets) -> str:
        return self._keys.keyed_hash("room", "\x00".join(vars(secrets)[name] or "" for name in SECRETS))
