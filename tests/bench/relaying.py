"""A process that says and hears nothing of its own: what is in its outbox leaves."""

import eventlet

eventlet.monkey_patch()

from typing import ClassVar  # noqa: E402

from shared.messaging.hosting import serve  # noqa: E402
from shared.runtime.parts import Parts  # noqa: E402
from shared.storage.work import Work  # noqa: E402
from tests.support.probe.service import metadata  # noqa: E402


class Speaker:
    """Stands in for meetings, which hears nothing."""

    name: ClassVar[str] = "meetings"
    work = Work
    metadata = metadata

    def __init__(self, parts: Parts[Work]) -> None:
        """It keeps nothing."""


if __name__ == "__main__":
    serve(Speaker)
