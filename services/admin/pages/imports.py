"""Import a Meeting Guide file: upload, progress, a report by row."""

from __future__ import annotations

from typing import ClassVar

from fastapi import APIRouter, Response
from pydantic import ConfigDict, Field
from starlette.datastructures import UploadFile

from services.admin.access import OwnChapter
from services.admin.importing import Import, Imports
from shared.contracts.errors import NotFound
from shared.contracts.meetings import ImportMeetings, ImportReport, RowOutcome
from shared.gateway.forms import Fields, blank, read_form
from shared.gateway.meeting_lists import NotAList, read_rows
from shared.gateway.pages import wants_fragment

router = APIRouter()

SECONDS = 60.0
"""A slice of 50 meetings may take this long; each lays out weeks of dates."""


class Upload(Fields):
    """The file, and how many places its meetings get."""

    model_config = ConfigDict(arbitrary_types_allowed=True, str_strip_whitespace=True, extra="ignore")
    missing: ClassVar[dict[str, str]] = {"file": "Choose the file"}
    wrong: ClassVar[dict[str, str]] = {
        "file": "Choose the file",
        "in_person_capacity": "Enter a number from 1 to 5000",
        "online_capacity": "Enter a number from 1 to 5000",
    }

    file: UploadFile
    in_person_capacity: int = Field(default=20, ge=1, le=5000)
    online_capacity: int = Field(default=100, ge=1, le=5000)


@router.get("/chapters/{chapter_id}/import")
async def form(desk: OwnChapter) -> Response:
    """The form."""
    given = blank(in_person_capacity=20, online_capacity=100)
    return desk.page("import.html", form=given, chapter=(await desk.holdings()).chapter)


@router.post("/chapters/{chapter_id}/import")
async def upload(desk: OwnChapter) -> Response:
    """Read the file, and begin."""
    form = await read_form(desk.request, Upload)
    chapter = (await desk.holdings()).chapter
    if form.ok:
        given = form.given
        try:
            rows = read_rows(await given.file.read())
        except NotAList as error:
            form.errors["file"] = str(error)
        else:
            one = Import(
                chapter_id=desk.chapter_id,
                account_id=desk.who.account.account_id,
                rows=rows,
                in_person_capacity=given.in_person_capacity,
                online_capacity=given.online_capacity,
            )

            async def send(command: ImportMeetings, request_id: str) -> ImportReport:
                return await desk.asking.send(command, desk.who.actor, request_id=request_id, seconds=SECONDS)

            imports: Imports = desk.request.app.state.imports
            imports.begin(one, send)
            await desk.note("imported_meetings", chapter_id=desk.chapter_id)
            return desk.go(f"/chapters/{desk.chapter_id}/import/{one.import_id}")
    return desk.page("import.html", status=form.status, form=form, chapter=chapter)


@router.get("/chapters/{chapter_id}/import/{import_id}")
async def progress(desk: OwnChapter, import_id: str) -> Response:
    """How far it is; then the report."""
    imports: Imports = desk.request.app.state.imports
    one = imports.get(import_id, desk.chapter_id)
    if one is None:
        raise NotFound("no such import")
    return desk.page(
        "_import.html" if wants_fragment(desk.request) else "import_report.html",
        one=one,
        outcomes=list(RowOutcome),
        chapter_id=desk.chapter_id,
    )
