"""Contact points: proved by a code, sealed, masked, one's own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from services.notifications.store.tables import contact_points, verifications
from shared.contracts.base import Actor, Channel, Role
from shared.contracts.errors import Forbidden, Invalid, NotFound, Refused, TooMany
from shared.contracts.notifications import (
    CodeExpired,
    ContactVerified,
    Discretion,
    ListMyContacts,
    Preferences,
    RemoveContact,
    SetPreferences,
    StartVerification,
    WrongCode,
)
from tests.component.notifications.fakes import Town, chapter, meeting, seat
from tests.support.world import VISITOR, coordinator, member


def test_a_code_proves_an_address_and_signs_its_owner_in_again(town: Town) -> None:
    """The first time it is the proposed member's; whoever is proposed later, it stays theirs."""
    first = town.verify("ana", "Ana@Example.org")
    again = town.verify("someone-else", "ana@example.ORG ")
    assert (first.member_id, first.known) == ("ana", False)
    assert (again.member_id, again.known) == ("ana", True)
    assert [event.member_id for event in town.published(ContactVerified)] == ["ana"]


def test_a_number_is_read_as_people_write_it(town: Town) -> None:
    """National forms are read by the country."""
    town.start("(312) 555-0199", Channel.SMS)
    town.send_all()
    assert town.sms.taken[0].to == "+13125550199"


@pytest.mark.parametrize(
    ("channel", "contact"),
    [(Channel.EMAIL, "nobody"), (Channel.EMAIL, "a@b"), (Channel.SMS, "12"), (Channel.SMS, "ana@example.org")],
)
def test_bad_input_is_named_and_not_repeated(town: Town, channel: Channel, contact: str) -> None:
    """The answer says which field and what would be right, and not what was typed."""
    with pytest.raises(Invalid) as refused:
        town.start(contact, channel)
    assert refused.value.field == "contact"
    assert contact not in refused.value.message


def test_what_was_not_sealed_to_us_is_named(town: Town) -> None:
    """A gateway with the wrong key gets a refusal, not a fault."""
    with pytest.raises(Invalid):
        town.send(StartVerification(channel=Channel.EMAIL, contact="bm9uc2Vuc2U="), VISITOR)  # type: ignore[arg-type]


def test_five_wrong_tries_use_up_a_code(town: Town) -> None:
    """Each failed try counts, though the command was refused; then even the right code is late."""
    verification_id = town.start("ana@example.org")
    town.send_all()
    right = town.code_to("ana@example.org")
    wrong = f"{(int(right) + 1) % 1_000_000:06d}"
    left = []
    for _ in range(5):
        with pytest.raises(WrongCode) as refused:
            town.confirm(verification_id, wrong, "ana")
        left.append(refused.value.facts["tries_left"])
    assert left == [4, 3, 2, 1, 0]
    with pytest.raises(CodeExpired):
        town.confirm(verification_id, right, "ana")


def test_a_code_is_good_once_and_for_ten_minutes_of_real_time(town: Town) -> None:
    """The domain clock may jump a day: codes live by the machine's."""
    verification_id = town.start("ana@example.org")
    town.clock.step(days=1)
    town.send_all()
    code = town.code_to("ana@example.org")
    town.confirm(verification_id, code, "ana")
    with pytest.raises(CodeExpired):
        town.confirm(verification_id, code, "ana")

    late = town.start("ben@example.org")
    town.send_all()
    with town.store.writing() as work:
        past = datetime.now(UTC) - timedelta(seconds=1)
        work.connection.execute(verifications.update().values(expires_at=past))
    with pytest.raises(CodeExpired):
        town.confirm(late, town.code_to("ben@example.org"), "ben")


def test_codes_are_limited_per_contact_and_per_client(town: Town) -> None:
    """Nobody's telephone is rung all night, and no network rings everyone's; the answer says when to come back."""
    for _ in range(5):
        town.start("ana@example.org")
    with pytest.raises(TooMany) as refused:
        town.start("ANA@example.org")
    assert 0 < int(refused.value.facts["retry_after"] or 0) <= 3600
    for n in range(30):
        town.start(f"n{n}@example.org", client="network")
    with pytest.raises(TooMany):
        town.start("another@example.org", client="network")
    town.start("another@example.org", client="elsewhere")


def test_nobody_learns_from_the_answers_whether_an_address_is_known(town: Town) -> None:
    """For a stranger a known address and a new one answer alike; for a member another's looks like an old code."""
    town.join("ana")
    known = town.send(StartVerification(channel=Channel.EMAIL, contact=town.seal("ana@example.org")), VISITOR)
    new = town.send(StartVerification(channel=Channel.EMAIL, contact=town.seal("new@example.org")), VISITOR)
    assert set(known.model_dump()) == set(new.model_dump())

    town.join("ben")
    ben = member("ben")
    mine = town.start("ana@example.org", actor=ben)
    town.send_all()
    with pytest.raises(Refused) as others:
        town.confirm(mine, town.code_to("ana@example.org"), "ben", ben)
    with pytest.raises(Refused) as old:
        town.confirm("no-such-verification", "123456", "ben", ben)
    assert (others.value.code, others.value.message) == (old.value.code, old.value.message)
    assert [view.masked for view in town.ask(ListMyContacts(), ben).contacts] == ["b…@e….org"]


def test_a_visitor_cannot_add_their_address_to_somebody_else(town: Town) -> None:
    """Else a forged member id would open that member's page to them."""
    town.join("ana", email=False)
    with pytest.raises(Forbidden):
        town.verify("ana", "eve@example.org")
    town.verify("ben", "ben@example.org")
    with pytest.raises(Forbidden):
        town.verify("ben", "eve@example.org")


def test_only_the_person_themselves_verifies(town: Town) -> None:
    """Not a coordinator, and not one member for another."""
    with pytest.raises(Forbidden):
        town.start("ana@example.org", actor=coordinator("chapter-1"))
    verification_id = town.start("ana@example.org")
    town.send_all()
    with pytest.raises(Forbidden):
        town.confirm(verification_id, town.code_to("ana@example.org"), "ana", member("ben"))


def test_addresses_and_codes_are_sealed_at_rest_and_erased(town: Town) -> None:
    """Not a byte of the database holds them; once used, not even their sealed form stays."""
    verification_id = town.start("hidden.canary@example.org")
    town.send_all()
    code = town.code_to("hidden.canary@example.org")
    with town.store.reading() as work:
        row = work.connection.execute(verifications.select()).one()
        assert row.code is None, "the code left: its hash is enough"
    town.confirm(verification_id, code, "ana")
    with town.store.reading() as work:
        assert work.connection.execute(verifications.select()).one().address is None
        for table in town.service.metadata.sorted_tables:
            for found in work.connection.execute(table.select()):
                assert b"canary" not in repr(found).encode()
        keys = work.connection.scalar(text("SELECT count(*) FROM member_keys"))
    assert keys == 1, "the member's own; that of the verification is gone"


def test_codes_that_were_never_used_are_erased_by_timer(town: Town) -> None:
    """An abandoned form leaves nothing behind."""
    town.start("ana@example.org")
    with town.store.writing() as work:
        past = datetime.now(UTC) - timedelta(days=2)
        work.connection.execute(verifications.update().values(expires_at=past, started_at=past))
    town.tick()
    with town.store.reading() as work:
        assert work.connection.execute(verifications.select()).all() == []
        assert work.connection.scalar(text("SELECT count(*) FROM member_keys")) == 0


def test_preferences_are_kept_and_a_bad_zone_is_named(town: Town) -> None:
    """The default is discreet, in the zone of one's chapter."""
    town.join("ana")
    town.deliver(chapter(), meeting(), seat("ana"))
    seen = town.ask(ListMyContacts(), member("ana"))
    assert (seen.preferences.discretion, seen.preferences.time_zone) == (Discretion.DISCREET, "America/Chicago")
    chosen = Preferences(discretion=Discretion.SILENT, time_zone="Europe/London")
    town.send(SetPreferences(preferences=chosen), member("ana"))
    assert town.ask(ListMyContacts(), member("ana")).preferences == chosen
    with pytest.raises(Invalid) as refused:
        town.send(SetPreferences(preferences=Preferences(time_zone="Mars/Base")), member("ana"))
    assert refused.value.field == "preferences.time_zone"


def test_a_contact_point_is_removed_by_its_owner_alone(town: Town) -> None:
    """Another's cannot be removed, nor found out about."""
    town.join("ana")
    town.join("ben")
    contact = town.ask(ListMyContacts(), member("ana")).contacts[0].contact_point_id
    with pytest.raises(NotFound):
        town.send(RemoveContact(contact_point_id=contact), member("ben"))
    town.send(RemoveContact(contact_point_id=contact), member("ana"))
    assert town.ask(ListMyContacts(), member("ana")).contacts == ()
    with town.store.reading() as work:
        assert len(work.connection.execute(contact_points.select()).all()) == 1


def test_only_members_have_contacts_and_preferences(town: Town) -> None:
    """A visitor signs in first."""
    for actor in (VISITOR, coordinator("chapter-1"), Actor(role=Role.MEMBER)):
        with pytest.raises(Forbidden):
            town.ask(ListMyContacts(), actor)
