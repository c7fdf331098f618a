"""What the feedback tests say: chapters, attendance, codes, slips."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from shared.contracts.base import Actor, ChapterId, GroupId, MeetingId, RegionId, WindowId
from shared.contracts.feedback import Answers, DrawCode, DrawnCode, OpenWindow, ReadReport, Report, SubmitSlip
from shared.contracts.meetings import ChapterOpened
from shared.contracts.registration import AttendanceCounted
from tests.support.world import REGIONAL, SERVICE, START, VISITOR, World, ring

REGION = RegionId("region-1")
GLAD = {"safe": 3, "heard": 2, "useful": 3, "agreement": 3, "part": 2}
SAD = {"safe": 1, "heard": 0, "useful": 1, "agreement": 1, "part": 0}


def chapter_opened(chapter: str) -> ChapterOpened:
    return ChapterOpened(
        chapter_id=ChapterId(chapter),
        region_id=REGION,
        name=chapter.title(),
        slug=chapter,
        time_zone="Europe/Berlin",
        languages=("en",),
    )


def attendance(chapter: str, members: int, *, meeting: str = "", change: int = 1, days: int = 1) -> AttendanceCounted:
    day = (START + timedelta(days=days)).replace(hour=0, minute=0)
    return AttendanceCounted(
        meeting_id=MeetingId(meeting or f"meeting-{chapter}"),
        chapter_id=ChapterId(chapter),
        group_id=GroupId(f"group-{chapter}"),
        meeting_day=day,
        members=members,
        guests=0,
        in_person=members,
        online=0,
        phone=0,
        change=change,
    )


@dataclass
class Feedback:
    """The service, and the few things that people do with it."""

    world: World

    def open(
        self, *, days: float = 28, after: float = 0, name: str = "November 2026", region: str = REGION
    ) -> WindowId:
        """Open a window that begins ``after`` days from now and lasts so many days."""
        opens = self.world.clock.now() + timedelta(days=after)
        command = OpenWindow(
            region_id=RegionId(region), name=name, opens_at=opens, closes_at=opens + timedelta(days=days)
        )
        return self.world.send(command, REGIONAL).window_id

    def draw_sealed(self, window: WindowId, chapter: str, actor: Actor = SERVICE) -> DrawnCode:
        """Draw a code, as notifications gets it."""
        return self.world.send(DrawCode(window_id=window, chapter_id=ChapterId(chapter)), actor)

    def draw(self, window: WindowId, chapter: str) -> str:
        """Draw a code, as its reader gets it."""
        return ring("notifications").unseal(self.draw_sealed(window, chapter).code)

    def slip(self, code: str, answers: Mapping[str, int] = GLAD) -> SubmitSlip:
        """The command that hands in these answers."""
        seal = self.world.seal
        return SubmitSlip(code=seal(code), answers=seal(Answers(values=dict(answers)).model_dump_json()))

    def hand_in(self, code: str, answers: Mapping[str, int] = GLAD, *, request_id: str | None = None) -> None:
        """Hand in a slip."""
        self.world.send(self.slip(code, answers), VISITOR, request_id=request_id)

    def answered(self, window: WindowId, chapter: str, glad: int, sad: int = 0, *, present: int = 0) -> list[str]:
        """So many people attended and were asked; so many of them answered. The codes that were drawn."""
        self.world.deliver(chapter_opened(chapter), attendance(chapter, max(present, glad + sad)))
        codes = [self.draw(window, chapter) for _ in range(max(present, glad + sad))]
        for number, code in enumerate(codes[: glad + sad]):
            self.hand_in(code, GLAD if number < glad else SAD)
        return codes

    def close(self) -> None:
        """Let time pass until every window of the test is closed."""
        self.world.tick(days=32)

    def report(self, window: WindowId, actor: Actor = REGIONAL) -> Report:
        """The report, as this actor sees it."""
        return self.world.ask(ReadReport(window_id=window), actor)
