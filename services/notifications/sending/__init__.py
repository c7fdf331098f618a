"""The sending loop: claim, gate, ask, word, mark, send, record. Only it talks to the outside."""

from services.notifications.sending.postbox import Postbox

__all__ = ["Postbox"]
