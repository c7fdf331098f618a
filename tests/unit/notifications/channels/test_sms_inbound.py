"""What the provider calls us back with."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from services.notifications.channels.sms_inbound import Unreadable, read, signature, signed, twiml
from services.notifications.messages import Accepted, Inbound, Permanent, Receipt, Transient

URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
FORM = [
    ("CallSid", "CA1234567890ABCDE"),
    ("Caller", "+12349013030"),
    ("Digits", "1234"),
    ("From", "+12349013030"),
    ("To", "+18005551212"),
]
SIGNATURE = "0/KCTR6DLpKmkAf8muzZqo1nDgQ="


def test_the_providers_own_example_is_signed_as_it_says() -> None:
    """The test vector of the provider's client."""
    assert signature("12345", URL, FORM) == SIGNATURE
    assert signed("12345", URL, FORM, SIGNATURE)


@pytest.mark.parametrize(
    ("token", "url", "form", "claimed"),
    [
        ("54321", URL, FORM, SIGNATURE),
        ("12345", URL + "&x=1", FORM, SIGNATURE),
        ("12345", "http" + URL[5:], FORM, SIGNATURE),
        ("12345", URL, [*FORM, ("Body", "STOP")], SIGNATURE),
        ("12345", URL, FORM[1:], SIGNATURE),
        ("12345", URL, FORM, ""),
        ("12345", URL, FORM, "é"),
        ("", URL, FORM, signature("", URL, FORM)),
        ("12345", "https://mycompany.com:port/", FORM, SIGNATURE),
    ],
)
def test_whatever_else_is_not_believed(token: str, url: str, form: list[tuple[str, str]], claimed: str) -> None:
    """Another token, URL or form; nor anything at all where no token is set."""
    assert not signed(token, url, form, claimed)


@pytest.mark.parametrize("ours", ["https://a.example/s?x=1", "https://a.example:443/s?x=1", "http://127.0.0.1:8080/s"])
@pytest.mark.parametrize("theirs", [False, True])
def test_the_port_may_be_there_or_not(ours: str, theirs: bool) -> None:  # noqa: FBT001
    """The provider signs now with it, now without."""
    scheme, rest = ours.split("://")
    host, path = rest.split("/", 1)
    name, _, port = host.partition(":")
    port = port or ("443" if scheme == "https" else "80")
    signed_url = f"{scheme}://{name}:{port}/{path}" if theirs else f"{scheme}://{name}/{path}"
    assert signed("t", ours, FORM, signature("t", signed_url, FORM))


class Repeated(dict[str, list[str]]):
    """What the genuine client reads names with several values from."""

    def getall(self, name: str) -> list[str]:
        """All values of a name."""
        return self[name]


@given(st.lists(st.tuples(st.sampled_from(["To", "From", "Body", "MediaUrl"]), st.text(st.characters(codec="utf-8")))))
def test_the_genuine_client_computes_the_same(form: list[tuple[str, str]]) -> None:
    """Also for a name that comes several times: each of its values once, sorted."""
    repeated = Repeated()
    for name, value in form:
        repeated.setdefault(name, []).append(value)
    assert signature("t", URL, form) == RequestValidator("t").compute_signature(URL, repeated)
    assert RequestValidator("t").validate(URL, repeated, signature("t", URL, form))


def test_an_inbound_text_is_read_whole() -> None:
    """With what the provider itself understood, where it says so; an empty text is a text."""
    form = [
        ("MessageSid", "SM1"),
        ("SmsStatus", "received"),
        ("From", "+15551230001"),
        ("To", "+1555"),
        ("Body", "Stop "),
    ]
    assert read(form) == Inbound("+15551230001", "Stop ", "SM1", None)
    assert read([*form, ("OptOutType", "STOP")]) == Inbound("+15551230001", "Stop ", "SM1", "STOP")
    assert read([("MessageSid", "SM1"), ("From", "+1555"), ("Body", "")]) == Inbound("+1555", "", "SM1")


def test_receipts_rank_by_how_far_the_text_has_come() -> None:
    """They come twice and out of order; a status of tomorrow's moves nothing."""
    ranks = [_receipt(status).rank for status in ("what?", "queued", "sending", "sent", "undelivered", "delivered")]
    assert ranks == sorted(set(ranks))
    assert ranks[0] == 0


@pytest.mark.parametrize(
    ("status", "code", "result"),
    [
        ("sent", "", None),
        ("delivered", "", Accepted("SM1")),
        ("undelivered", "30005", Permanent("invalid", suppress=True)),
        ("undelivered", "30006", Permanent("landline", suppress=True)),
        ("failed", "21610", Permanent("opted_out", suppress=True)),
        ("undelivered", "30007", Permanent("filtered", alarm=True)),
        ("undelivered", "30003", Transient("unreachable", 300.0)),
        ("failed", "99999", Permanent("provider_99999", alarm=True)),
        ("failed", "", Permanent("failed")),
    ],
)
def test_a_receipt_says_what_became_of_the_text(status: str, code: str, result: object) -> None:
    """Only a number that cannot ever get texts, or whose owner said STOP, is suppressed."""
    assert _receipt(status, code).result == result


@pytest.mark.parametrize("form", [[], [("MessageSid", "SM1")], [("MessageSid", "SM1"), ("Body", "x")], [("Body", "x")]])
def test_a_form_that_lacks_the_essential_is_named(form: list[tuple[str, str]]) -> None:
    """Without its values."""
    with pytest.raises(Unreadable, match=r"has no|neither"):
        read(form)


@given(st.text())
def test_an_answer_is_always_well_formed(text: str) -> None:
    """Whatever is said."""
    root = ET.fromstring(twiml(text).encode("utf-8", "replace"))  # noqa: S314 - our own
    assert root.tag == "Response"


def test_no_answer_is_an_empty_response() -> None:
    """The provider then sends nothing."""
    assert twiml(None) == '<?xml version="1.0" encoding="UTF-8"?><Response></Response>'
    assert twiml("a < b & c").endswith("<Response><Message>a &lt; b &amp; c</Message></Response>")


def _receipt(status: str, code: str = "") -> Receipt:
    found = read([("MessageSid", "SM1"), ("MessageStatus", status), ("To", "+1555"), ("ErrorCode", code)])
    assert isinstance(found, Receipt)
    return found
