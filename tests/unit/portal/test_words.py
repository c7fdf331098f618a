from datetime import UTC, date, datetime, timedelta

import pytest

from services.portal import words
from services.portal.finder import Filters, read_filters
from services.portal.help_lines import help_lines, to_check
from services.portal.joining import check_alias, clean_code, clean_contact, read_ticks
from services.portal.settings import PortalSettings
from shared.contracts.base import Channel, Mode
from shared.contracts.meetings import Format, Kind, MembershipPolicy
from shared.contracts.notifications import Discretion, NoticeKind
from shared.contracts.registration import Purpose, RoleInAttending

TODAY = date(2026, 11, 23)


def test_there_are_words_for_everything_that_can_be_shown() -> None:
    """A new kind, channel or purpose needs its words before it can be published."""
    for names, kind in (
        (words.MODES, Mode),
        (words.KINDS, Kind),
        (words.FORMATS, Format),
        (words.POLICIES, MembershipPolicy),
        (words.ROLES, RoleInAttending),
        (words.CHANNELS, Channel),
        (words.PURPOSES, Purpose),
        (words.LEVELS, Discretion),
        (words.NOTICES, NoticeKind),
    ):
        assert set(names) == set(kind)


def test_the_country_of_the_network_stands_first_among_the_help_lines() -> None:
    """Every country has an emergency number, every line a source and a day."""
    for country in ("US", "CA", "NZ"):
        found = help_lines(country, TODAY)
        assert found[0].country == country
        assert all(each.emergency for each in found)
    assert help_lines("US", TODAY)[0].lines[0].voice == "988"
    assert all(line.source_url.startswith("https://") for each in help_lines("US", TODAY) for line in each.lines)


def test_a_number_that_nobody_checked_for_90_days_is_not_shown() -> None:
    """Numbers rot; one that a law gives to this purpose does not, and the emergency number stays."""
    later = TODAY + timedelta(days=91)
    shown = {each.country: each for each in help_lines("US", later)}
    assert shown["US"].lines
    assert shown["GB"].lines == ()
    assert shown["GB"].emergency == "999"
    assert to_check(TODAY) == ()
    assert "United Kingdom: Samaritans" in to_check(later)


@pytest.mark.parametrize("code", ["123456", " 123 456 ", "123-456"])
def test_a_code_may_be_typed_as_people_type_it(code: str) -> None:
    """Spaces and dashes do not matter."""
    assert clean_code(code) == "123456"


@pytest.mark.parametrize("code", ["12345", "1234567", "abcdef", "\uff11\uff12\uff13\uff14\uff15\uff16"])
def test_what_is_no_code_is_said_before_a_try_is_counted(code: str) -> None:
    """Six digits."""
    with pytest.raises(ValueError, match="6 digits"):
        clean_code(code)


@pytest.mark.parametrize(
    ("contact", "channel"),
    [
        ("ana@example.org", Channel.EMAIL),
        ("a.b+c@sub.example.co.uk", Channel.EMAIL),
        ("312 555 0199", Channel.SMS),
        ("+49 (30) 5550-199", Channel.SMS),
    ],
)
def test_a_contact_passes_as_typed(contact: str, channel: Channel) -> None:
    """The service that sends decides what it is."""
    assert clean_contact(f" {contact} ", channel) == contact


@pytest.mark.parametrize(
    ("contact", "channel"),
    [("ana", Channel.EMAIL), ("@x.org", Channel.EMAIL), ("a b@x.org", Channel.EMAIL), ("call me", Channel.SMS)],
)
def test_what_cannot_be_a_contact_is_named(contact: str, channel: Channel) -> None:
    """With an example of what would be right."""
    with pytest.raises(ValueError, match="like"):
        clean_contact(contact, channel)


@pytest.mark.parametrize("alias", ["A", "x" * 41, "ana@example.org", "3125550199", "call 555 0199"])
def test_an_alias_is_neither_an_address_nor_a_number(alias: str) -> None:
    """People mistake the field."""
    with pytest.raises(ValueError, match="Choose a name"):
        check_alias(alias)


def test_ticks_that_are_none_of_ours_are_left_out() -> None:
    """A form can be bent; a consent cannot."""
    assert read_ticks(["feedback_ask.email", "feedback_ask.pigeon", "x"]) == {(Purpose.FEEDBACK_ASK, Channel.EMAIL)}


def test_filters_survive_the_address_that_they_make() -> None:
    """A search can be kept as a bookmark."""
    filters = Filters(day=1, mode=Mode.ONLINE, chapter="lakeside", text="a & b")
    assert read_filters(filters.address().items()) == filters
    after = datetime(2026, 11, 5, 1, 0, tzinfo=UTC)
    assert read_filters(filters.address(after=after).items()).after == after


def test_the_public_address_is_kept_bare_and_the_way_out_is_a_web_page() -> None:
    """Providers sign the address; a slash too many would break every signature."""
    assert PortalSettings(portal_url="https://x.org/").portal_url == "https://x.org"
    with pytest.raises(ValueError, match="begins with https"):
        PortalSettings(exit_url="javascript:alert(1)")
