"""What registration listens to. Entry points only; the use cases are in handlers/."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.registration import store
from services.registration.handlers import attendance, leaving, meetings, membership, seats, views
from services.registration.store import RegistrationStoreWork as Work
from shared.contracts.base import Actor, Done, Request
from shared.contracts.meetings import (
    MeetingCancelled,
    MeetingEnded,
    MeetingFacts,
    MeetingMoved,
    MeetingMovedBack,
    MeetingMovedOnline,
    MeetingResized,
    MeetingScheduled,
)
from shared.contracts.notifications import ContactSuppressed, ContactVerified
from shared.contracts.registration import (
    AcceptAgreement,
    AddWalkIn,
    AgreementText,
    CloseAttendance,
    CountSeats,
    CurrentAgreement,
    DecideConsents,
    GiveUpSeat,
    GuestAnswer,
    Join,
    Leave,
    ListMeetingSeats,
    ListMySeats,
    MarkAttendance,
    MeetingFigures,
    MeetingSeats,
    Membership,
    MyMembership,
    MySeats,
    Openings,
    OpeningsView,
    SeatView,
    SwitchMode,
    TakeSeat,
)
from shared.messaging.entrypoints import command, every, foreseen, query, subscribe
from shared.runtime.parts import Parts


class RegistrationService:
    """Members by alias, agreement, consents, seats, waitlists, attendance."""

    name = "registration"
    work = Work
    metadata = store.metadata

    def __init__(self, parts: Parts[Work]) -> None:
        self.parts = parts

    # -- what happened elsewhere --------------------------------------------------------------

    @subscribe(
        MeetingScheduled,
        MeetingMoved,
        MeetingResized,
        MeetingMovedOnline,
        MeetingMovedBack,
        MeetingCancelled,
        MeetingEnded,
    )
    def follow_meeting(self, event: MeetingFacts, work: Work) -> None:
        """Project a meeting and bring its seats in line."""
        meetings.follow_meeting(event, work)

    @subscribe(ContactVerified)
    def note_contact(self, event: ContactVerified, work: Work) -> None:
        """A member can be reached through a channel."""
        membership.note_contact(event, work)

    @subscribe(ContactSuppressed)
    def withdraw_consents(self, event: ContactSuppressed, work: Work) -> None:
        """STOP is a withdrawal."""
        membership.withdraw_consents(event, work)

    # -- members ------------------------------------------------------------------------------

    @command(Join)
    def join(self, command: Join, actor: Actor, work: Work) -> Done:
        """Become a member."""
        return membership.join(command, actor, work)

    @command(AcceptAgreement)
    def accept_agreement(self, command: AcceptAgreement, actor: Actor, work: Work) -> Done:
        """Accept the current agreement."""
        return membership.accept_agreement(command, actor, work)

    @command(DecideConsents)
    def decide_consents(self, command: DecideConsents, actor: Actor, work: Work) -> Done:
        """Change one's mind."""
        return membership.decide_consents(command, actor, work)

    @command(Leave)
    def leave(self, command: Leave, actor: Actor, work: Work) -> Done:
        """Leave, and be forgotten."""
        return leaving.leave(command, actor, work)

    @query(MyMembership)
    def my_membership(self, query: MyMembership, actor: Actor, work: Work) -> Membership:
        """Who one is here."""
        return membership.my_membership(query, actor, work)

    @query(CurrentAgreement)
    def current_agreement(self, query: CurrentAgreement, actor: Actor, work: Work) -> AgreementText:
        """The agreement in force."""
        return membership.current_agreement(query, actor, work)

    # -- seats --------------------------------------------------------------------------------

    @foreseen
    def foresee(self, asked: Sequence[tuple[Request[Any], Actor]], work: Work) -> None:
        """What a batch of commands needs of meetings and members."""
        seats.foresee(asked, work)

    @command(TakeSeat, deferred=True)
    def take_seat(self, command: TakeSeat, actor: Actor, work: Work) -> SeatView:
        """A place, or a place in line."""
        return seats.take_seat(command, actor, work)

    @command(SwitchMode)
    def switch_mode(self, command: SwitchMode, actor: Actor, work: Work) -> SeatView:
        """Attend otherwise."""
        return seats.switch_mode(command, actor, work)

    @command(GiveUpSeat)
    def give_up_seat(self, command: GiveUpSeat, actor: Actor, work: Work) -> Done:
        """Give up a seat."""
        return seats.give_up_seat(command, actor, work)

    @query(ListMySeats)
    def list_my_seats(self, query: ListMySeats, actor: Actor, work: Work) -> MySeats:
        """One's own coming seats."""
        return seats.list_my_seats(query, actor, work)

    @query(Openings)
    def openings(self, query: Openings, actor: Actor, work: Work) -> OpeningsView:
        """Where there is a place."""
        return views.openings(query, actor, work)

    # -- coordinators -------------------------------------------------------------------------

    @query(ListMeetingSeats)
    def list_meeting_seats(self, query: ListMeetingSeats, actor: Actor, work: Work) -> MeetingSeats:
        """The seats of a meeting."""
        return views.list_meeting_seats(query, actor, work)

    @query(CountSeats)
    def count_seats(self, query: CountSeats, actor: Actor, work: Work) -> MeetingFigures:
        """Figures for a list of meetings."""
        return views.count_seats(query, actor, work)

    @command(MarkAttendance)
    def mark_attendance(self, command: MarkAttendance, actor: Actor, work: Work) -> Done:
        """One tap on the sheet."""
        return attendance.mark_attendance(command, actor, work)

    @command(AddWalkIn)
    def add_walk_in(self, command: AddWalkIn, actor: Actor, work: Work) -> GuestAnswer:
        """A guest for one evening."""
        return attendance.add_walk_in(command, actor, work)

    @command(CloseAttendance)
    def close_attendance(self, command: CloseAttendance, actor: Actor, work: Work) -> Done:
        """The sheet is done."""
        return attendance.close_attendance(command, actor, work)

    @every(seconds=60)
    def forget_guests(self, work: Work) -> int:
        """Guests are gone 24 hours after the meeting."""
        return attendance.forget_guests(work)
