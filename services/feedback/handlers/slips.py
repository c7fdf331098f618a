"""Codes are drawn and slips come in. These two leave no request, event, log line, time or order behind."""

from __future__ import annotations

from services.feedback.model.codes import new_code, plain
from services.feedback.model.forms import read_answers
from services.feedback.model.windows import codes_allowed
from services.feedback.work import FeedbackWork
from shared.contracts.base import Actor, Done, Role, Sealed
from shared.contracts.errors import Forbidden, Invalid, NotFound, TooLate, TooMany
from shared.contracts.feedback import CodeUnknown, CodeUsed, DrawCode, DrawnCode, SubmitSlip
from shared.runtime.keys import CannotOpen

DRAWER = "notifications"
"""The one service that may draw codes: it alone knows an address to send them to."""
TRY_AGAIN_SECONDS = 60


def draw_code(command: DrawCode, actor: Actor, work: FeedbackWork) -> DrawnCode:
    """A fresh code, sealed to notifications; only its keyed hash stays."""
    if actor.role is not Role.SERVICE or actor.id != DRAWER:
        raise Forbidden("only notifications draws feedback codes")
    window = work.windows.held_open(command.window_id)
    region = work.attendance.region_of(command.chapter_id)
    if window is None or (region is not None and region != window.region_id):
        raise NotFound("no such feedback window for this chapter")
    if not window.takes_slips(work.now):
        raise TooLate("this feedback window takes no more slips")
    work.urn.lock(window.window_id, command.chapter_id)
    allowed = codes_allowed(work.attendance.members(window, command.chapter_id))
    if work.urn.drawn(window.window_id, command.chapter_id) >= allowed:
        raise TooMany(
            "as many codes were drawn as people were counted; wait until attendance is taken",
            retry_after=TRY_AGAIN_SECONDS,
        )
    code = new_code()
    work.urn.add_code(code_hash(code, work), window.window_id, command.chapter_id)
    return DrawnCode(code=work.seal_for(DRAWER, code), last_slip_at=window.last_slip_at)


def submit_slip(command: SubmitSlip, actor: Actor, work: FeedbackWork) -> Done:
    """Spend a code and put in a slip, both or neither. Whoever holds a code may; nobody is asked who they are."""
    hashed = code_hash(_opened(command.code, "code", work), work)
    place = work.urn.place_of(hashed)
    if place is None:
        raise _unknown()
    window = work.windows.held_open(place[0])
    work.urn.lock(place[0], place[1])
    place = work.urn.place_of(hashed)  # again, now that nobody else can spend it
    if place is None or window is None:
        raise _unknown()
    if place[2]:
        raise CodeUsed("this code has been used: the answers that came with it count. Nothing more to do", field="code")
    if not window.takes_slips(work.now):
        raise TooLate("this feedback round is over; thank you all the same")
    answers = read_answers(_opened(command.answers, "answers", work), window.form_id)
    work.urn.exchange(hashed, answers)
    return Done()


def code_hash(code: str, work: FeedbackWork) -> str:
    """The keyed hash under which a code is kept. Refuses what cannot be a code."""
    characters = plain(code)
    if characters is None:
        raise CodeUnknown("that is not one of our codes; look for a mistyped letter", field="code")
    return work.keys.keyed_hash("feedback.code", characters)


def _opened(sealed: Sealed, field: str, work: FeedbackWork) -> str:
    try:
        return work.unseal(sealed)
    except CannotOpen:
        raise Invalid("this could not be opened; load the page again", field=field) from None


def _unknown() -> CodeUnknown:
    return CodeUnknown("no open feedback round knows this code; look for a mistyped letter", field="code")
