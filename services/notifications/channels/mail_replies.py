"""What a mail server's refusal means for the notice (RFC 5321 reply codes, RFC 3463 enhanced status codes)."""

from __future__ import annotations

import re
from typing import Literal

from services.notifications.messages import Permanent, Result, Transient

Stage = Literal["sender", "recipient", "data", "end"]

_ENHANCED = re.compile(rb"\s*[245]\.(\d{1,3}\.\d{1,3})\b")

_BY_STATUS: dict[str, Permanent] = {
    # bad mailbox, bad domain, bad syntax, moved away, a domain that takes no mail, a disabled mailbox
    **dict.fromkeys(("1.1", "1.2", "1.3", "1.6", "1.10", "2.1"), Permanent("bounced", suppress=True)),
    "2.2": Permanent("mailbox_full"),
    **dict.fromkeys(("2.3", "3.4"), Permanent("too_big")),
}
_COME_SAFELY = 530
"""RFC 3207 and 4954: first STARTTLS, or a login. The settings are wrong, not the mail; it waits until they are mended."""
_NO_BOX_CODES = frozenset({550, 551, 553})


def meaning(code: int, text: bytes, stage: Stage) -> Result:
    """Transient or Permanent. An address is suppressed only where the server says that it does not exist.

    Policy refusals (5.7.x), a refused sender and protocol errors are the operator's to mend, not this person's.
    """
    if not 500 <= code <= 599:
        return Transient(f"smtp_{code}" if code > 0 else "smtp_unreadable")
    if code == _COME_SAFELY:
        return Transient("login_wanted", 300.0)
    if stage == "sender":
        return Permanent("sender_refused", alarm=True)
    found = _ENHANCED.match(text)
    status = found.group(1).decode() if found else ""
    return _BY_STATUS.get(status) or _by_code(code, status, stage)


def _by_code(code: int, status: str, stage: Stage) -> Permanent:
    if status.startswith("7."):
        return Permanent("blocked", alarm=True)
    if not status and stage == "recipient" and code in _NO_BOX_CODES:
        return Permanent("bounced")  # "no such user" or "not from you": too little to close the address for good
    return Permanent(f"smtp_{code}", alarm=True)
