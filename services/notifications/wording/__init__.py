"""What a notice says: at each discretion level, in each language, through each channel."""

from __future__ import annotations

from services.notifications.wording.answers import answer
from services.notifications.wording.previews import lock_screens
from services.notifications.wording.rendering import Wordings

__all__ = ["Wordings", "answer", "lock_screens"]
