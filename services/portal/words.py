"""What the pages call things. Reading age 9 to 11; warm, never clinical; nothing in a title gives anyone away."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from babel.dates import get_timezone_name

from shared.contracts.base import Channel, Mode
from shared.contracts.meetings import Format, Kind, MembershipPolicy
from shared.contracts.notifications import Discretion, NoticeKind
from shared.contracts.registration import Purpose, RoleInAttending

MODES = {Mode.IN_PERSON: "In the room", Mode.ONLINE: "Online", Mode.PHONE: "By phone"}
KINDS = {
    Kind.PEER: "People who have been there themselves",
    Kind.THERAPEUTIC: "Led by a licensed professional",
    Kind.CONDITION_SPECIFIC: "For people who share one experience",
    Kind.FAMILY: "For family and friends",
    Kind.EDUCATIONAL: "To learn together",
    Kind.MENTORING: "One to one",
}
FORMATS = {
    Format.OPEN_DISCUSSION: "An open talk. You can just listen.",
    Format.TOPIC: "A talk about one subject. You can just listen.",
    Format.SHARING_CIRCLE: "Everyone gets the same time to speak. You can always pass.",
    Format.WORKSHOP: "We try something out together.",
}
POLICIES = {
    MembershipPolicy.OPEN: "Anyone it is meant for can come.",
    MembershipPolicy.BY_AGREEMENT: "Anyone who agrees to the group's rules can come.",
    MembershipPolicy.BY_REFERRAL: "You need someone to refer you before you come.",
}
ROLES = {
    RoleInAttending.LIVED_EXPERIENCE: ("For myself", "I know this from my own life."),
    RoleInAttending.FAMILY: ("For someone close to me", "I am family, a friend, or I look after someone."),
    RoleInAttending.PROFESSIONAL: ("Because of my work", "I work with people and come in that role."),
}
CHANNELS = {Channel.EMAIL: "Email", Channel.SMS: "Text message"}
PURPOSES = {
    Purpose.MEETING_CHANGES: (
        "Changes",
        "If the time or the place changes, or a place becomes free for you. Without this you might stand at a closed door.",
    ),
    Purpose.MEETING_REMINDERS: ("Reminders", "A short note before you are due, with what you need to get there."),
    Purpose.FEEDBACK_ASK: (
        "Questions about how it was",
        "Now and then we ask everyone a few questions. Your answers are kept without your name.",
    ),
}
LEVELS = {
    Discretion.OPEN: ("Say what it is", "Clear and complete. Best if nobody else sees your screen."),
    Discretion.DISCREET: ("Keep it quiet", "Says when and where to look, but not what it is about."),
    Discretion.SILENT: ("Say nothing", "Only that you have a message. You read the rest here."),
}
NOTICES = {
    NoticeKind.CODE: "When we send you a code",
    NoticeKind.SEAT_CONFIRMED: "When you have a place",
    NoticeKind.SEAT_WAITLISTED: "When you are in line",
    NoticeKind.SEAT_PROMOTED: "When a place becomes free for you",
    NoticeKind.SEAT_RELEASED: "When you gave up your place",
    NoticeKind.REMINDER: "Before you are due",
    NoticeKind.MEETING_CHANGED: "When something changes",
    NoticeKind.MEETING_CANCELLED: "When it does not take place",
    NoticeKind.FEEDBACK_ASK: "When we ask how it was",
}
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
CONSENT_WORDING = 1
"""The version of PURPOSES and of the sentence above them; raise it when they change, so that a consent can be read."""


def zone_name(at: datetime, zone: str, locale: str) -> str:
    """``Central Standard Time``: as people call the zone at that moment."""
    return get_timezone_name(at.astimezone(ZoneInfo(zone)), width="long", locale=locale)


def length(starts: datetime, ends: datetime) -> str:
    """``1 hour 30 minutes``."""
    hours, minutes = divmod(int((ends - starts).total_seconds()) // 60, 60)
    parts = [f"{hours} hour{'s' if hours > 1 else ''}" if hours else "", f"{minutes} minutes" if minutes else ""]
    return " ".join(part for part in parts if part)
