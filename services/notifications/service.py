"""Notifications: contact points, preferences, notices and their delivery. Entrypoints only."""

from __future__ import annotations

from datetime import timedelta

from services.notifications import store
from services.notifications.handlers import contacts, facts, held, inbound, leaving, planning, views
from services.notifications.handlers.gathering import Terms
from services.notifications.outfit import Outfit
from services.notifications.sending import Postbox
from services.notifications.settings import NotificationsSettings
from services.notifications.store import NotificationsWork
from shared.contracts import feedback as said_by_feedback
from shared.contracts import meetings as said_by_meetings
from shared.contracts import notifications as ours
from shared.contracts import registration as said_by_registration
from shared.contracts.base import Actor, Channel, Done
from shared.messaging.entrypoints import asking, background, command, every, query, subscribe
from shared.runtime.parts import Parts


class NotificationsService:
    """Knows where people can be reached, and sees to it that what they must know reaches them, and nobody else."""

    name = "notifications"
    work = NotificationsWork
    metadata = store.metadata

    def __init__(
        self,
        parts: Parts[NotificationsWork],
        *,
        settings: NotificationsSettings | None = None,
        outfit: Outfit | None = None,
    ) -> None:
        self._parts = parts
        self._settings = settings or NotificationsSettings()
        if outfit is None:
            from services.notifications.fitting import fitted  # noqa: PLC0415 - tests need no mail server

            outfit = fitted(self._settings, parts.clock)
        self._outfit = outfit
        portal = self._settings.portal_url.rstrip("/")
        self._terms = Terms(
            portal_url=portal,
            unsubscribe_url=portal + self._settings.unsubscribe_path,
            remind_before=timedelta(hours=self._settings.reminder_hours),
            link_within=timedelta(minutes=self._settings.link_minutes),
        )
        self._limits = contacts.Limits(self._settings.codes_per_contact, self._settings.codes_per_client)
        self._mails, self._texts = (
            Postbox(parts, self._settings, self._terms, outfit.wording, channel=channel, make_sender=outfit.sender)
            for channel in (Channel.EMAIL, Channel.SMS)
        )

    # -- what others say ----------------------------------------------------------------------

    @subscribe(said_by_meetings.ChapterOpened)
    def open_chapter(self, event: said_by_meetings.ChapterOpened, work: NotificationsWork) -> None:
        """Its zone and name are wanted."""
        facts.open_chapter(event, work)

    @subscribe(
        said_by_meetings.MeetingScheduled,
        said_by_meetings.MeetingMoved,
        said_by_meetings.MeetingResized,
        said_by_meetings.MeetingMovedOnline,
        said_by_meetings.MeetingMovedBack,
        said_by_meetings.MeetingCancelled,
        said_by_meetings.MeetingEnded,
    )
    def know_meeting(self, event: said_by_meetings.MeetingFacts, work: NotificationsWork) -> None:
        """Keep it, and tell of a change."""
        facts.know_meeting(event, work)

    @subscribe(
        said_by_registration.SeatConfirmed, said_by_registration.SeatWaitlisted, said_by_registration.SeatReleased
    )
    def know_seat(self, event: said_by_registration.SeatFacts, work: NotificationsWork) -> None:
        """Keep it, and tell its member."""
        facts.know_seat(event, work)

    @subscribe(said_by_registration.ConsentDecided)
    def know_consent(self, event: said_by_registration.ConsentDecided, work: NotificationsWork) -> None:
        """Nothing is sent without."""
        facts.know_consent(event, work)

    @subscribe(said_by_registration.MemberJoined)
    def know_member(self, event: said_by_registration.MemberJoined, work: NotificationsWork) -> None:
        """The id is taken."""
        facts.know_member(event, work)

    @subscribe(said_by_registration.MemberLeft)
    def forget_member(self, event: said_by_registration.MemberLeft, work: NotificationsWork) -> None:
        """Where they could be reached is forgotten."""
        leaving.forget_member(event, work)

    @subscribe(said_by_registration.AttendanceRecorded)
    def know_attendance(self, event: said_by_registration.AttendanceRecorded, work: NotificationsWork) -> None:
        """Who was there may be asked."""
        facts.know_attendance(event, work)

    @subscribe(said_by_feedback.WindowOpened)
    def open_window(self, event: said_by_feedback.WindowOpened, work: NotificationsWork) -> None:
        """People may be asked."""
        facts.open_window(event, work)

    @subscribe(said_by_feedback.WindowClosed)
    def close_window(self, event: said_by_feedback.WindowClosed, work: NotificationsWork) -> None:
        """Nobody is asked any more."""
        facts.close_window(event, work)

    # -- commands -----------------------------------------------------------------------------

    @command(ours.StartVerification)
    def start_verification(
        self, command: ours.StartVerification, actor: Actor, work: NotificationsWork
    ) -> ours.VerificationStarted:
        """Send a code."""
        return contacts.start_verification(command, actor, work, self._limits)

    @command(ours.ConfirmCode)
    def confirm_code(self, command: ours.ConfirmCode, actor: Actor, work: NotificationsWork) -> ours.Verified:
        """Check a code."""
        return contacts.confirm_code(command, actor, work)

    @command(ours.SetPreferences)
    def set_preferences(self, command: ours.SetPreferences, actor: Actor, work: NotificationsWork) -> Done:
        """Keep a member's wishes."""
        return contacts.set_preferences(command, actor, work)

    @command(ours.RemoveContact)
    def remove_contact(self, command: ours.RemoveContact, actor: Actor, work: NotificationsWork) -> Done:
        """Forget an address or number."""
        return contacts.remove_contact(command, actor, work)

    @command(ours.Unsubscribe)
    def unsubscribe(self, command: ours.Unsubscribe, actor: Actor, work: NotificationsWork) -> Done:
        """One click, no questions."""
        return contacts.unsubscribe(command, actor, work)

    @command(ours.ReceiveCallback)
    def receive_callback(
        self, command: ours.ReceiveCallback, actor: Actor, work: NotificationsWork
    ) -> ours.ProviderAnswer:
        """Hear what the SMS provider says."""
        return inbound.receive_callback(command, actor, work, self._outfit.callbacks)

    @command(ours.SettleHeld)
    def settle_held(self, command: ours.SettleHeld, actor: Actor, work: NotificationsWork) -> Done:
        """A person decides."""
        return held.settle_held(command, actor, work)

    # -- queries ------------------------------------------------------------------------------

    @query(ours.ListMyContacts)
    def list_my_contacts(self, query: ours.ListMyContacts, actor: Actor, work: NotificationsWork) -> ours.MyContacts:
        """One's own addresses, masked."""
        return views.list_my_contacts(query, actor, work)

    @query(ours.PreviewLockScreen)
    def preview_lock_screen(
        self, query: ours.PreviewLockScreen, actor: Actor, work: NotificationsWork
    ) -> ours.LockScreens:
        """What a stranger sees."""
        return views.preview_lock_screen(query, actor, work, self._outfit)

    @query(ours.PreviewChange)
    def preview_change(self, query: ours.PreviewChange, actor: Actor, work: NotificationsWork) -> ours.ChangePreview:
        """What people would be told."""
        return views.preview_change(query, actor, work, self._outfit, self._terms)

    @query(ours.NoticeProgress)
    def notice_progress(self, query: ours.NoticeProgress, actor: Actor, work: NotificationsWork) -> ours.Progress:
        """How the telling goes."""
        return views.notice_progress(query, actor, work)

    @asking(ours.AskJoinDetails)
    def ask_join_details(self, query: ours.AskJoinDetails, actor: Actor) -> ours.JoinDetails:
        """How I get in."""
        with self._parts.store.reading() as work:
            wanted = views.room_wanted(query, actor, work, self._terms.link_within)
        room = self._parts.ask(wanted) if wanted else None
        with self._parts.store.reading() as work:
            return views.join_details(query, actor, work, self._terms.link_within, room)

    @query(ours.AskCalendarFile)
    def ask_calendar_file(
        self, query: ours.AskCalendarFile, actor: Actor, work: NotificationsWork
    ) -> ours.CalendarFile:
        """My seat, for my calendar."""
        return views.ask_calendar_file(query, actor, work, self._outfit, self._terms)

    # -- timers -------------------------------------------------------------------------------

    @every(seconds=5)
    def plan(self, work: NotificationsWork) -> None:
        """Who is to be reminded, who is to be asked."""
        planning.plan_reminders(work, before=self._terms.remind_before)
        planning.plan_feedback(work, after_end=timedelta(hours=self._settings.feedback_hours))

    @every(seconds=60)
    def forget(self, work: NotificationsWork) -> None:
        """What is needed no more; and how it stands, for the operator."""
        planning.forget(work)
        planning.measure(work)

    @background(seconds=0.5)
    def send_mails(self) -> bool:
        """Send the mails that are due; True where there may be more."""
        return self._mails.send()

    @background(seconds=0.5)
    def send_texts(self) -> bool:
        """Likewise the texts. By a timer of their own: a provider that hangs holds up no mail, and no code by mail."""
        return self._texts.send()
