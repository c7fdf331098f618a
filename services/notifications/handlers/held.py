"""A person decides on a notice whose outcome nobody could tell."""

from __future__ import annotations

from services.notifications.handlers.notices import settle
from services.notifications.work import Work
from shared.contracts.base import Actor, Done, Role
from shared.contracts.errors import AlreadyDone, Forbidden, NotFound
from shared.contracts.notifications import NoticeState, SettleHeld


def settle_held(command: SettleHeld, actor: Actor, work: Work) -> Done:
    """It arrived, or it shall be sent again, or be given up."""
    if actor.role not in (Role.OPERATOR, Role.COORDINATOR):
        raise Forbidden("only a coordinator of the chapter, or the operator, decides on a held notice")
    notice = work.notices.get(command.notice_id, lock=True)
    theirs = notice is not None and (actor.role is Role.OPERATOR or notice.chapter_id in actor.chapters)
    if notice is None or not theirs:
        raise NotFound("no such notice in your chapters", field="notice_id")
    if notice.state is not NoticeState.HELD:
        raise AlreadyDone("this notice is not held any more; look again at where it stands", field="notice_id")
    if command.decision == "arrived":
        settle(work, [notice], NoticeState.SENT)
    elif command.decision == "give_up":
        settle(work, [notice], NoticeState.REFUSED, "given_up")
    else:
        work.notices.update(notice, reason="", not_before=work.now, doubtful=False, unknowns=0)
    return Done()
