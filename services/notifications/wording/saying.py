"""What the templates may know of one notice, cut down to its discretion level and the reader's mode."""

from __future__ import annotations

from dataclasses import replace

from services.notifications.messages import Facts
from services.notifications.wording import dates
from services.notifications.wording.languages import Language
from shared.contracts.base import Mode
from shared.contracts.notifications import Discretion


def one_line(text: str | None) -> str | None:
    """Without line breaks and control characters: a name that was typed in cannot begin a header or a paragraph."""
    if text is None:
        return None
    return " ".join("".join(c if c.isprintable() else " " for c in text).split()) or None


def secret(facts: Facts) -> bool:
    """Whether they open a door or answer a question: what is worded of them is kept nowhere."""
    return any((facts.code, facts.link, facts.dial_in, facts.passcode))


def common(facts: Facts) -> tuple[Facts, str]:
    """What is one and the same for all who are told of it, and the clock that it is told by.

    Two facts that are equal may yet be worded otherwise: a moment is equal to itself in another zone, and to the hour
    after it on the night that has it twice.
    """
    clock = " ".join(f"{moment.isoformat()} {moment.tzinfo}" for moment in (facts.starts, facts.ends) if moment)
    return replace(facts, member_ref="", revision=0, unsubscribe_url=None), clock


def sayable(facts: Facts, level: Discretion, tongue: Language) -> dict[str, object]:
    """The facts by the names that templates use. ``group`` is None below "open", and nothing else names it."""
    open_ = level is Discretion.OPEN
    place, access, link, dial_in, passcode = (
        one_line(text) for text in (facts.place, facts.access, facts.link, facts.dial_in, facts.passcode)
    )
    if not open_:
        caution = tongue.caution.with_names(facts.group_name, facts.chapter_name)
        place = caution.unnamed(place)
        access, link, dial_in, passcode = map(caution.harmless, (access, link, dial_in, passcode))
    portal = facts.portal_url.rstrip("/")
    zone = facts.mode is not Mode.IN_PERSON
    return {
        "open": open_,
        "silent": level is Discretion.SILENT,
        "group": one_line(facts.group_name) if open_ else None,
        "when": dates.long(facts.starts, tongue, zone=zone) if facts.starts else "",
        "short": dates.short(facts.starts, tongue, zone=zone) if facts.starts else "",
        "ends": dates.hour(facts.ends, tongue) if facts.ends else None,
        "answer_by": dates.long(facts.answer_by, tongue, zone=zone) if facts.answer_by else None,
        "mode": facts.mode.value if facts.mode else None,
        "place": place if facts.mode is Mode.IN_PERSON else None,
        "access": access if facts.mode is Mode.IN_PERSON else None,
        "link": link if facts.mode is Mode.ONLINE else None,
        "dial_in": dial_in if facts.mode is Mode.PHONE else None,
        "passcode": passcode if facts.mode in (Mode.ONLINE, Mode.PHONE) else None,
        "later": facts.link_comes_later,
        "change": facts.change,
        "place_in_line": facts.place_in_line,
        "code": one_line(facts.code),
        "portal": portal,
        "my": f"{portal}/my/meetings/{facts.meeting_id}" if facts.meeting_id else f"{portal}/my",
        "form": f"{portal}/f",
        "unsubscribe_url": one_line(facts.unsubscribe_url),
    }
