"""Someone left for good: where they could be reached is forgotten, and nothing brings it back."""

from __future__ import annotations

from services.notifications.handlers.notices import settle
from services.notifications.model.reasons import LEFT
from services.notifications.work import Work
from shared.contracts.notifications import NoticeState
from shared.contracts.registration import MemberLeft


def forget_member(event: MemberLeft, work: Work) -> None:
    """Only that this id left is kept, so that what is still on its way for it adds nothing, in whatever order it comes.

    What waits or is held ends here; a notice that is being sent at this moment gets its outcome as ever. That a contact
    is never to be written to stays: it protects whoever has that address or number, and is known by a keyed hash alone.
    """
    work.members.leave(event.member_id)
    work.contacts.forget(event.member_id)
    work.feedback.forget(event.member_id)
    settle(work, work.notices.unsent(event.member_id), NoticeState.REFUSED, LEFT)
