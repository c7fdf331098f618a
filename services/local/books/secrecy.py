"""Planted names, addresses and numbers: looked for in every byte that the network has written."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from services.local.books.disguises import Hunt
from services.local.books.line import Line, equal, none
from services.local.books.notices import Arrived
from services.local.books.reading import Database
from services.local.books.where import REACHABLE, Planted, Where

CHUNK = 1024 * 1024
OVERLAP = 4096
"""Bytes: longer than any form of a planted text."""
_BETWEEN = b"\0\xff\0"
_NAMES = frozenset({"alias", "name"})
_FILES = {
    "log": "No planted text stands in a log",
    "broker": "No planted text stands in the broker's files",
    "other": "No planted text stands in any other file",
}


def lines(where: Where, databases: Mapping[str, Database], planted: Planted, arrived: Arrived) -> Iterator[Line]:
    """Nothing that was planted stands anywhere but sealed, or in the sink."""
    marks = [(f"{kind} {number}", text) for kind, number, text in planted.marks()]
    search = _Search(Hunt(text for _, text in marks), [name for name, _ in marks])
    files = _files(where, databases)
    yield _reached(planted, arrived)
    values = [(f"{name} {place}", value) for name, database in databases.items() for place, value in database.values()]
    faults = [*search.values(values), *search.files(where, files["database"])]
    yield none(
        "No planted text stands in a database",
        f"planted {len(marks)}, values {len(values)}, files {_sum(files['database'])}",
        faults,
    )
    for kind, what in _FILES.items():
        yield none(what, f"files {_sum(files[kind])}", search.files(where, files[kind]))
    yield _unnamed(planted, arrived)


class _Search:
    """Looks for what was planted, and says where it stands, never what it is."""

    def __init__(self, hunt: Hunt, names: list[str]) -> None:
        self._hunt = hunt
        self._names = names

    def values(self, values: Iterable[tuple[str, bytes]]) -> Iterator[str]:
        """Values are read as well as files, where a page's end may cut one in two."""
        together: list[tuple[str, bytes]] = []
        size = 0
        for value in values:
            together.append(value)
            size += len(value[1])
            if size > CHUNK:
                yield from self._together(together)
                together, size = [], 0
        yield from self._together(together)

    def _together(self, values: list[tuple[str, bytes]]) -> Iterator[str]:
        if self._hunt.found(_BETWEEN.join(value for _, value in values)):
            for place, value in values:
                yield from self._told(self._hunt.found(value), place)

    def files(self, where: Where, files: Iterable[Path]) -> Iterator[str]:
        """A file that goes while it is read held what another file holds now."""
        for file in files:
            try:
                yield from self._told(self._in(file), _shown(file, where))
            except FileNotFoundError:
                continue

    def _in(self, file: Path) -> set[int]:
        found: set[int] = set()
        with file.open("rb") as content:
            before = b""
            while chunk := content.read(CHUNK):
                found |= self._hunt.found(before + chunk)
                before = chunk[-OVERLAP:]
        return found

    def _told(self, found: set[int], place: str) -> Iterator[str]:
        for each in sorted(found):
            yield f"{self._names[each]} stands in {place}"


def _reached(planted: Planted, arrived: Arrived) -> Line:
    """What was planted was used: every address and number got something. Else the other lines would prove nothing."""
    reached = {str(each["to"]).casefold() for each in arrived.records if each["kind"] in ("mail", "text")}
    wanted = {f"{kind} {number}": text for kind, number, text in planted.marks() if kind in REACHABLE}
    return equal(
        "What was planted was used",
        ("addresses and numbers", wanted),
        ("reached", {name for name, text in wanted.items() if text.casefold() in reached}),
    )


def _unnamed(planted: Planted, arrived: Arrived) -> Line:
    """No mail or text bears a name, not even its reader's: whoever looks over the shoulder reads it, too."""
    letters = [each for each in arrived.records if each["kind"] in ("mail", "text")]
    names = [
        (f"{kind} {number}", text.casefold(), re.compile(rf"(?<!\w){re.escape(text.casefold())}(?!\w)"))
        for kind, number, text in planted.marks()
        if kind in _NAMES
    ]
    faults = []
    for letter in letters:
        said = " ".join(
            str(letter.get(field) or "") for field in ("subject", "header_from", "text", "html", "ics", "body")
        )
        words = said.replace(str(letter["to"]), " ").casefold()  # an invitation names its attendee's address
        faults += [
            f"{name} stands in message {letter['id']}"
            for name, text, pattern in names
            if text in words and pattern.search(words)
        ]
    return none("No mail or text bears a name", f"messages {len(letters)}", faults)


def _files(where: Where, databases: Mapping[str, Database]) -> dict[str, list[Path]]:
    """Every file of the network by what it is, without the sink and what was planted."""
    found: dict[str, list[Path]] = {"database": [], "log": [], "broker": [], "other": []}
    owned = {database.file.resolve() for database in databases.values() if database.file}
    out = {path.resolve() for path in (where.sink_log.parent, where.planted, *where.leave_out)}
    for folder, folders, names in os.walk(where.folder):
        at = Path(folder).resolve()
        folders[:] = [name for name in folders if at / name not in out and not (at / name).is_symlink()]
        for name in names:
            file = at / name
            if file not in out and file.is_file() and not file.is_symlink():
                found[_kind(file, where, owned)].append(file)
    for file in sorted(owned):  # databases may lie elsewhere
        beside = [file.with_name(file.name + end) for end in ("", "-wal", "-shm", "-journal")]
        found["database"] += [each for each in beside if each.is_file() and each not in found["database"]]
    return found


def _kind(file: Path, where: Where, owned: set[Path]) -> str:
    base = Path(re.sub(r"-(wal|shm|journal)$", "", str(file)))
    if base in owned:
        return "database"
    if file.suffix == ".log" or "log" in file.relative_to(where.folder.resolve()).parts[:-1]:
        return "log"
    return "broker" if file.is_relative_to((where.folder / "broker").resolve()) else "other"


def _sum(files: Iterable[Path]) -> str:
    sizes = [file.stat().st_size for file in files if file.exists()]
    return f"{len(sizes)}, {sum(sizes) / 1e6:.1f} MB"


def _shown(file: Path, where: Where) -> str:
    folder = where.folder.resolve()
    return str(file.relative_to(folder)) if file.is_relative_to(folder) else file.name
