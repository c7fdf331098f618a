"""An evening that is over, and what those who were there answered about it."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import time, timedelta

from shared.contracts.base import Actor, ChapterId, MeetingId, Mode, Role, WindowId
from shared.contracts.feedback import ListWindows, WindowState
from shared.contracts.registration import CloseAttendance, ListMeetingSeats, MarkAttendance, Outcome
from shared.gateway.client import Client
from shared.runtime.ids import new_id
from tests.browser.people import Walker
from tests.browser.scene import OPERATOR, ZONE, Scene, address_of

CROWD = ("Kim", "Lou", "Max", "Ash", "Jo", "Kit", "Lee", "River", "Sam", "Wren", "Sky", "Toni")
QUESTIONS = ("safe", "heard", "useful", "agreement", "part")


def play(scene: Scene) -> WindowId:
    """A full meeting within a feedback window, attendance, the asking, the answers, and the window's end."""
    window = scene.open_window()
    meeting = scene.schedule(room=len(CROWD))
    scene.join(*CROWD)
    sit(scene, meeting)
    scene.advance_to(scene.starts_of(meeting) + timedelta(minutes=100))
    attend(scene, meeting, scene.north)
    scene.advance_to(time(10, 30))
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda each: answer(scene, each[1], each[0]), enumerate(CROWD)))
    ends = next(
        each for each in scene.talk(lambda c: c.ask(ListWindows(), OPERATOR)).windows if each.window_id == window
    )
    scene.advance_to((ends.last_slip_at + timedelta(minutes=5)).astimezone(ZONE))
    scene.wait(lambda: closed(scene, window))
    return window


def closed(scene: Scene, window: WindowId) -> bool:
    """Whether this window has closed."""
    windows = scene.talk(lambda client: client.ask(ListWindows(), OPERATOR)).windows
    return any(each.window_id == window and each.state is WindowState.CLOSED for each in windows)


def sit(scene: Scene, meeting: MeetingId, mode: str = "in_person") -> None:
    """The crowd take their seats."""
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda alias: scene.members[alias].take_seat(meeting, mode), CROWD))


def attend(scene: Scene, meeting: MeetingId, chapter: ChapterId) -> None:
    """Everyone who holds a seat was there, and the sheet is closed."""
    actor = Actor(role=Role.COORDINATOR, id="coordinator", chapters=(chapter,))

    async def mark(client: Client) -> None:
        for row in (await client.ask(ListMeetingSeats(meeting_id=meeting), actor)).seats:
            tap = MarkAttendance(meeting_id=meeting, seat_id=row.seat_id, outcome=Outcome.ATTENDED, mode=Mode.IN_PERSON)
            await client.send(tap, actor, request_id=new_id())
        await client.send(CloseAttendance(meeting_id=meeting), actor, request_id=new_id())

    scene.talk(mark, as_="admin")


def answer(scene: Scene, alias: str, number: int) -> None:
    """One person's slip, with the code that was sent to them."""
    text = scene.sink.wait_for(address_of(alias), r"Your code: \S+")
    code = re.findall(r"Your code: (\S+)", text)[-1]
    walker = Walker(scene.portal, scene.sink)
    walker.open("/f")
    walker.press(
        "/f", code=code, **{f"q-{name}": str(3 if (number + at) % 3 else 2) for at, name in enumerate(QUESTIONS)}
    )
    assert "Your answers are in" in walker.page.text


__all__ = ["CROWD", "attend", "play", "sit"]
