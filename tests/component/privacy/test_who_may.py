"""Who may ask what: one row for every command and query; a request without a row fails the test."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from shared.contracts.base import REQUESTS, Actor, Role, View
from shared.contracts.errors import Forbidden, NotFound, Refused
from shared.messaging.answering import RequestDelivery
from shared.messaging.requests import SIGNERS, ask_bytes, read_reply
from shared.runtime.clock import real_now
from shared.runtime.ids import new_id, new_traceparent
from tests.component.privacy.scene import DryStore, Scene, product_requests
from tests.support.region import Region
from tests.support.world import SIGNER, ring

PEOPLE = {"ana", "ben"}
RUNS = {"own coordinator", "operator"}
HOST = {"own coordinator"}
COORDINATORS = {"own coordinator", "other coordinator", "coordinator of nothing"}
SERVICES = {"notifications", "registration"}
ANYONE = PEOPLE | COORDINATORS | SERVICES | {"visitor", "nobody", "regional", "operator", "provider"}

POLICY: dict[str, set[str]] = {
    "meetings.found_region.v1": {"operator"},
    "meetings.open_chapter.v1": {"operator", "regional"},
    "meetings.found_group.v1": RUNS,
    "meetings.add_venue.v1": RUNS,
    "meetings.add_room.v1": RUNS,
    "meetings.schedule_series.v1": RUNS,
    "meetings.change_series.v1": RUNS,
    "meetings.stop_series.v1": RUNS,
    "meetings.move_meeting.v1": RUNS,
    "meetings.move_online.v1": RUNS,
    "meetings.move_back.v1": RUNS,
    "meetings.cancel_meeting.v1": RUNS,
    "meetings.import_meetings.v1": RUNS,
    "meetings.list_chapters.v1": ANYONE,
    "meetings.chapter_page.v1": RUNS,
    "meetings.meeting_page.v1": ANYONE,
    "meetings.find_meetings.v1": ANYONE,
    "meetings.preview_series.v1": RUNS,
    "meetings.series_page.v1": RUNS,
    "meetings.preview_series_change.v1": RUNS,
    "meetings.ask_join_link.v1": SERVICES,
    "meetings.meeting_guide_feed.v1": ANYONE,
    "meetings.calendar_feed.v1": ANYONE,
    "registration.join.v1": PEOPLE,
    "registration.accept_agreement.v1": PEOPLE,
    "registration.decide_consents.v1": PEOPLE,
    "registration.leave.v1": PEOPLE,
    "registration.take_seat.v1": PEOPLE,
    "registration.switch_mode.v1": {"ana"},
    "registration.give_up_seat.v1": {"ana"},
    "registration.mark_attendance.v1": HOST,
    "registration.add_walk_in.v1": HOST,
    "registration.close_attendance.v1": HOST,
    "registration.current_agreement.v1": ANYONE,
    "registration.my_membership.v1": PEOPLE,
    "registration.list_my_seats.v1": PEOPLE,
    "registration.openings.v1": ANYONE,
    "registration.list_meeting_seats.v1": HOST,
    "registration.count_seats.v1": COORDINATORS,  # those of other chapters are left out: see below
    "notifications.start_verification.v1": PEOPLE | {"visitor", "nobody"},  # an empty name has no more rights
    "notifications.confirm_code.v1": {"ana", "visitor"},
    "notifications.set_preferences.v1": PEOPLE,
    "notifications.remove_contact.v1": {"ana"},
    "notifications.unsubscribe.v1": ANYONE,
    "notifications.receive_callback.v1": {"provider"},
    "notifications.settle_held.v1": RUNS,
    "notifications.list_my_contacts.v1": PEOPLE,
    "notifications.preview_lock_screen.v1": ANYONE,
    "notifications.preview_change.v1": HOST,
    "notifications.notice_progress.v1": HOST,
    "notifications.ask_join_details.v1": {"ana"},
    "notifications.ask_calendar_file.v1": {"ana"},
    "feedback.open_window.v1": {"regional", "operator"},
    "feedback.draw_code.v1": {"notifications"},
    "feedback.submit_slip.v1": ANYONE,
    "feedback.current_form.v1": ANYONE,
    "feedback.list_windows.v1": COORDINATORS | SERVICES | {"regional", "operator"},
    "feedback.read_report.v1": COORDINATORS | {"regional", "operator"},
}
NAMES_NOBODY = {"notifications.unsubscribe.v1", "feedback.submit_slip.v1"}
"""Whoever holds the token or code may; the good payload here holds none, so NotFound is the answer to all."""


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    """One scene; no try changes it."""
    network = Region(store=DryStore)
    made = Scene(network)
    for world in network.worlds.values():
        world.store.dry = True  # type: ignore[attr-defined]
    yield made
    network.close()


def answer_to(scene: Scene, kind: str, actor: Actor) -> View | Exception:
    """What the owning service answers, as the signature of the right gateway has it."""
    model = REQUESTS[kind]
    signer = ring(actor.id) if actor.role is Role.SERVICE else ring(SIGNER[actor.role])  # type: ignore[arg-type]
    body, signature = ask_bytes(
        model.model_validate(scene.payloads()[kind]),
        actor=actor,
        keys=signer,
        request_id=new_id(),
        correlation_id=new_id(),
        traceparent=new_traceparent(),
        deadline=real_now() + timedelta(seconds=30),
    )
    world = scene.network.worlds[model.receiver()]
    try:
        return read_reply(world.dispatcher.requests([RequestDelivery(body, signature)])[0], model.answer_type())
    except Exception as error:  # noqa: BLE001 - it is what the test looks at
        return error


def test_every_request_has_a_row_and_nothing_else_has() -> None:
    """A command or query that nobody thought about is answered to nobody."""
    assert set(POLICY) == set(product_requests())


@pytest.mark.parametrize("kind", product_requests())
def test_only_who_may_is_answered(scene: Scene, kind: str) -> None:
    """Who may not is refused as Forbidden or NotFound; who may is not refused for who they are."""
    for who, actor in scene.actors().items():
        answer = answer_to(scene, kind, actor)
        if who not in POLICY[kind]:
            assert isinstance(answer, Forbidden | NotFound), f"{who} was answered {kind}: {answer!r}"
        elif kind not in NAMES_NOBODY:
            assert isinstance(answer, View) or (isinstance(answer, Refused) and not isinstance(answer, Forbidden)), (
                f"{who} may {kind}, but: {answer!r}"
            )
            assert not isinstance(answer, NotFound), f"{who} may {kind}, but: {answer!r}"


def test_figures_of_other_chapters_are_left_out(scene: Scene) -> None:
    """A coordinator who asks for counts of another chapter's meeting learns not even that there is one."""
    for who in ("other coordinator", "coordinator of nothing"):
        answer = answer_to(scene, "registration.count_seats.v1", scene.actors()[who])
        assert answer.meetings == ()  # type: ignore[union-attr]


@pytest.mark.parametrize("signer", [*SIGNERS, "nobody"])
def test_no_gateway_speaks_for_those_it_does_not_sign_in(scene: Scene, signer: str) -> None:
    """A request signed by the wrong principal, or by none, is refused by every service, whatever it asks."""
    keys = ring(signer if signer != "nobody" else "portal")
    for who, actor in scene.actors().items():
        if (
            signer != "nobody"
            and actor.role in SIGNERS[signer]
            and (actor.role is not Role.SERVICE or actor.id == signer)
        ):
            continue
        for kind in ("meetings.list_chapters.v1", "registration.current_agreement.v1", "feedback.list_windows.v1"):
            model = REQUESTS[kind]
            body, signature = ask_bytes(
                model(),
                actor=actor,
                keys=keys,
                request_id=new_id(),
                correlation_id=new_id(),
                traceparent=new_traceparent(),
                deadline=real_now() + timedelta(seconds=30),
            )
            signature = signature if signer != "nobody" else bytes(64)
            reply = scene.network.worlds[model.receiver()].dispatcher.requests([RequestDelivery(body, signature)])[0]
            with pytest.raises(Forbidden):
                read_reply(reply, model.answer_type())
            assert who
