"""Joining, the agreement, and the ledger of consents."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from services.registration.store.tables import consents, members
from shared.contracts.base import Channel
from shared.contracts.errors import Invalid
from shared.contracts.notifications import ContactSuppressed, ContactVerified
from shared.contracts.registration import (
    AcceptAgreement,
    AgreementAccepted,
    AgreementNeeded,
    ConsentChoice,
    ConsentDecided,
    CurrentAgreement,
    DecideConsents,
    Join,
    MemberJoined,
    MyMembership,
    NotAMember,
    Purpose,
    RoleInAttending,
)
from tests.component.registration.acts import join
from tests.support.world import VISITOR, World, member, ring

ANA = member("ana")
REMINDERS, CHANGES = Purpose.MEETING_REMINDERS, Purpose.MEETING_CHANGES
EMAIL, SMS = Channel.EMAIL, Channel.SMS


def choice(purpose: Purpose, channel: Channel, *, granted: bool = True) -> ConsentChoice:
    """A tick, or none."""
    return ConsentChoice(purpose=purpose, channel=channel, granted=granted)


def said(world: World) -> list[tuple[Purpose, Channel, bool, int]]:
    """The decisions that others heard of."""
    return [(e.purpose, e.channel, e.granted, e.decided) for e in world.published(ConsentDecided)]


def suppressed(reason: str, channel: Channel = EMAIL) -> ContactSuppressed:
    """Ana's contact point is written to no more."""
    return ContactSuppressed(member_id="ana", contact_point_id="contact-1", channel=channel, reason=reason)


def test_who_has_not_joined_is_told_so(world: World) -> None:
    """Also when a contact point of theirs is verified already."""
    world.deliver(ContactVerified(member_id="ana", contact_point_id="contact-1", channel=EMAIL), times=2)
    assert world.ask(MyMembership(), ANA).joined is False
    for command in (AcceptAgreement(version=1), DecideConsents(choices=())):
        with pytest.raises(NotAMember):
            world.send(command, ANA)


def test_a_member_is_an_alias_that_only_they_and_their_coordinator_read(world: World) -> None:
    """No event and no column holds it in the clear."""
    join(world, "ana", consents=(choice(REMINDERS, EMAIL),))
    view = world.ask(MyMembership(), ANA)
    assert (view.joined, view.alias, view.role_in_attending) == (True, "Ana", RoleInAttending.LIVED_EXPERIENCE)
    assert view.agreement_current
    assert view.consents == (choice(REMINDERS, EMAIL),)
    assert [event.agreement_version for event in world.published(MemberJoined)] == [1]
    with world.store.reading() as work:
        row = work.connection.execute(select(members)).one()
    assert b"Ana" not in row.alias
    assert b"lived" not in row.role


def test_joining_again_changes_nothing(world: World) -> None:
    """The first alias stands, and nothing is said twice."""
    join(world, "ana")
    again = Join(alias=world.seal("Other"), role_in_attending=RoleInAttending.FAMILY, agreement_version=1)
    world.send(again, ANA)
    assert world.ask(MyMembership(), ANA).alias == "Ana"
    assert len(world.said()) == 1


@pytest.mark.parametrize("typed", ["ana@example.org", "+44 20 7946 0958", "A"])
def test_an_alias_that_tells_too_much_is_refused_by_its_field(world: World, typed: str) -> None:
    """And nothing is kept of it."""
    command = Join(alias=world.seal(typed), role_in_attending=RoleInAttending.FAMILY, agreement_version=1)
    with pytest.raises(Invalid) as refusal:
        world.send(command, ANA)
    assert refusal.value.field == "alias"
    assert typed not in str(refusal.value)
    assert world.ask(MyMembership(), ANA).joined is False


def test_an_alias_sealed_to_someone_else_is_refused(world: World) -> None:
    """It cannot be read here, and the person is asked again."""
    sealed = ring("portal").seal_for("meetings", "Ana")
    with pytest.raises(Invalid) as refusal:
        world.send(Join(alias=sealed, role_in_attending=RoleInAttending.FAMILY, agreement_version=1), ANA)
    assert refusal.value.field == "alias"


def test_the_agreement_that_is_accepted_is_the_one_in_force(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another version is not; when it changes it is accepted anew, once."""
    wrong = Join(alias=world.seal("Ana"), role_in_attending=RoleInAttending.FAMILY, agreement_version=2)
    with pytest.raises(AgreementNeeded) as refusal:
        world.send(wrong, ANA)
    assert refusal.value.facts == {"version": 1}
    join(world, "ana")
    monkeypatch.setattr(world.store.work.agreements, "current", 2)
    assert not world.ask(MyMembership(), ANA).agreement_current
    with pytest.raises(AgreementNeeded):
        world.send(AcceptAgreement(version=1), ANA)
    world.send(AcceptAgreement(version=2), ANA)
    world.send(AcceptAgreement(version=2), ANA)
    assert world.ask(MyMembership(), ANA).agreement_current
    assert [event.version for event in world.published(AgreementAccepted)] == [2]


@pytest.mark.parametrize("locale", ["en", "en-GB", "de", "x"])
def test_anyone_may_read_the_agreement_and_its_limits(world: World, locale: str) -> None:
    """It says what it cannot promise, that it replaces no care, and that nobody watches."""
    view = world.ask(CurrentAgreement(locale=locale), VISITOR)
    text = " ".join(view.paragraphs)
    assert view.version == 1
    for promise in ("limits", "never replaces", "not an emergency service", "recordings", "immediate danger"):
        assert promise in text


def test_a_decision_is_a_line_in_a_ledger_that_only_grows(world: World) -> None:
    """The newest stands; saying the same again adds nothing."""
    join(world, "ana", consents=(choice(REMINDERS, EMAIL), choice(CHANGES, EMAIL, granted=False)))
    world.send(DecideConsents(choices=(choice(REMINDERS, EMAIL), choice(CHANGES, EMAIL))), ANA)
    world.send(DecideConsents(choices=(choice(REMINDERS, EMAIL, granted=False),)), ANA)
    assert said(world) == [
        (REMINDERS, EMAIL, True, 1),
        (CHANGES, EMAIL, False, 1),
        (CHANGES, EMAIL, True, 2),
        (REMINDERS, EMAIL, False, 2),
    ]
    with world.store.reading() as work:
        assert len(work.connection.execute(select(consents)).all()) == 4
    view = world.ask(MyMembership(), ANA)
    assert set(view.consents) == {choice(REMINDERS, EMAIL, granted=False), choice(CHANGES, EMAIL)}


def test_consent_under_newer_words_is_kept_as_its_own_proof(world: World) -> None:
    """The ledger shows which words were agreed to."""
    join(world, "ana", consents=(choice(REMINDERS, EMAIL),))
    world.send(DecideConsents(choices=(choice(REMINDERS, EMAIL),), wording=2, locale="en-GB"), ANA)
    with world.store.reading() as work:
        rows = work.connection.execute(select(consents).order_by(consents.c.decided)).all()
    assert [(row.wording, row.locale, row.how) for row in rows] == [(1, "en", "joined"), (2, "en-GB", "changed")]


@pytest.mark.parametrize("reason", ["stop", "unsubscribed"])
def test_stop_withdraws_every_purpose_of_its_channel(world: World, reason: str) -> None:
    """Once, however often the news comes; the other channel stays as it was."""
    given = (choice(REMINDERS, EMAIL), choice(CHANGES, EMAIL), choice(REMINDERS, SMS))
    join(world, "ana", consents=given)
    world.deliver(suppressed(reason), times=2)
    world.deliver(suppressed(reason))
    assert sorted(said(world)[3:]) == [(CHANGES, EMAIL, False, 2), (REMINDERS, EMAIL, False, 2)]
    world.deliver(ContactVerified(member_id="ana", contact_point_id="contact-1", channel=EMAIL))
    assert choice(REMINDERS, EMAIL, granted=False) in world.ask(MyMembership(), ANA).consents


def test_who_unsubscribes_from_one_thing_keeps_the_others(world: World) -> None:
    """One click in a reminder does not silence "the venue is shut"."""
    join(world, "ana", consents=(choice(REMINDERS, EMAIL), choice(CHANGES, EMAIL)))
    world.deliver(suppressed("unsubscribed").model_copy(update={"purpose": REMINDERS}))
    assert said(world)[2:] == [(REMINDERS, EMAIL, False, 2)]
    assert choice(CHANGES, EMAIL) in world.ask(MyMembership(), ANA).consents


@pytest.mark.parametrize("reason", ["hard_bounce", "wrong_person"])
def test_a_bounce_is_nobody_s_decision(world: World, reason: str) -> None:
    """Consent stands until the person takes it back."""
    join(world, "ana", consents=(choice(REMINDERS, EMAIL),))
    world.deliver(suppressed(reason))
    assert len(said(world)) == 1


def test_stop_from_someone_unknown_here_is_no_fault(world: World) -> None:
    """The event is handled, and nothing is said."""
    world.deliver(suppressed("stop"))
    assert said(world) == []
