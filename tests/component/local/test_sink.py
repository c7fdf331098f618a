"""The development sink, tried with the genuine clients: smtplib and twilio."""

from __future__ import annotations

import json
import smtplib
import threading
from collections.abc import Iterator
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import httpx
import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from services.local.ports import answers, free_ports
from services.local.processes import Child
from services.local.sink.hooks import sign
from services.local.sink.numbers import segments
from tests.support.processes import eventually, process

ACCOUNT, TOKEN = "AC" + "1" * 32, "secret-token"
OURS, ANA = "+15005550006", "+14155550123"


class Sink:
    """A running sink, and the program that it posts to."""

    def __init__(self, http: int, smtp: int, log: Path, hook: Hook, child: Child) -> None:
        self.base, self.smtp_port, self.log, self.hook, self.child = f"http://127.0.0.1:{http}", smtp, log, hook, child
        self.client = Client(ACCOUNT, TOKEN)
        self.client.api.base_url = self.base

    def lines(self, kind: str) -> list[dict[str, object]]:
        records = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [record for record in records if record["kind"] == kind]

    def smtp(self) -> smtplib.SMTP:
        return smtplib.SMTP("127.0.0.1", self.smtp_port, timeout=5)

    def faults(self, **switch: object) -> None:
        httpx.put(f"{self.base}/api/faults", json=switch).raise_for_status()


class Hook:
    """Hears what the provider posts."""

    def __init__(self) -> None:
        heard: list[tuple[str, dict[str, str], str]] = []

        class Ear(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                form = {name: values[0] for name, values in parse_qs(body, keep_blank_values=True).items()}
                heard.append((self.path, form, self.headers["X-Twilio-Signature"]))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.heard = heard
        self.server = HTTPServer(("127.0.0.1", 0), Ear)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def statuses(self) -> list[str]:
        return [form["MessageStatus"] for path, form, _ in self.heard if path == "/status"]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sink]:
    folder = tmp_path_factory.mktemp("sink")
    http, smtp = free_ports(2)
    hook = Hook()
    env = {
        "CHAPTERHOUSE_SINK_PORT": str(http),
        "CHAPTERHOUSE_SINK_SMTP_PORT": str(smtp),
        "CHAPTERHOUSE_SINK_LOG": str(folder / "arrived.jsonl"),
        "CHAPTERHOUSE_SINK_SMS_ACCOUNT": ACCOUNT,
        "CHAPTERHOUSE_SINK_SMS_TOKEN": TOKEN,
        "CHAPTERHOUSE_SINK_SENT_AFTER": "0.05",
        "CHAPTERHOUSE_SINK_INBOUND_URL": f"{hook.url}/inbound",
    }
    with process("sink", "-m", "services.local.sink", log=folder / "sink.log", env=env) as child:
        eventually(lambda: answers(http) and answers(smtp), what="the sink")
        yield Sink(http, smtp, folder / "arrived.jsonl", hook, child)
    hook.close()


@pytest.fixture
def sink(running: Sink) -> Iterator[Sink]:
    running.hook.heard.clear()
    yield running
    httpx.delete(f"{running.base}/api/faults")


def mail(to: str = "ana@example.org", subject: str = "A note") -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Notes <notes@example.org>"
    message["To"] = to
    message["Subject"] = subject
    message["Message-ID"] = f"<{subject.replace(' ', '-')}@example.org>"
    message.set_content("Grüße, this is the text.\n")
    message.add_alternative("<p>this is the <b>HTML</b></p>", subtype="html")
    invitation = b"BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n"
    message.add_attachment(invitation, maintype="text", subtype="calendar", params={"method": "REQUEST"})
    return message


def test_a_mail_is_on_disk_before_its_sender_hears_so(sink: Sink) -> None:
    """With its Message-ID, subject, text, and invitation."""
    with sink.smtp() as connection:
        assert connection.ehlo()[1].decode().lower().count("smtputf8") == 1
        assert connection.has_extn("8bitmime")
        connection.send_message(mail(subject="On disk"))
    found = [line for line in sink.lines("mail") if line["subject"] == "On disk"]
    assert [line["message_id"] for line in found] == ["<On-disk@example.org>"]
    assert found[0]["to"] == "ana@example.org"
    assert "Grüße" in str(found[0]["text"])
    assert "<b>HTML</b>" in str(found[0]["html"])
    assert str(found[0]["ics"]).startswith("BEGIN:VCALENDAR")
    assert found[0]["ics_method"] == "REQUEST"


def test_an_address_in_any_script_is_taken(sink: Sink) -> None:
    """SMTPUTF8 (RFC 6531)."""
    with sink.smtp() as connection:
        connection.ehlo()
        connection.send_message(mail(to="zoë@bücher.example"), mail_options=["SMTPUTF8", "BODY=8BITMIME"])
    assert "zoë@bücher.example" in [line["to"] for line in sink.lines("mail")]


@pytest.mark.parametrize("at", ["mail", "rcpt", "data"])
def test_a_refusal_to_order_accepts_nothing(sink: Sink, at: str) -> None:
    """With the code that was ordered, at the step that was ordered, as often as was ordered."""
    sink.faults(mail={"mode": "refuse", "at": at, "code": 550, "text": "5.1.1 unknown", "times": 1})
    before = len(sink.lines("mail"))
    with sink.smtp() as connection:
        with pytest.raises((smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused)) as refused:
            connection.send_message(mail())
        assert "550" in str(refused.value)
        assert len(sink.lines("mail")) == before
        connection.send_message(mail())
    assert len(sink.lines("mail")) == before + 1


@pytest.mark.parametrize(("mode", "kept"), [("die_in_data", 0), ("die", 0), ("die_after", 1)])
def test_a_cut_leaves_the_sender_not_knowing(sink: Sink, mode: str, kept: int) -> None:
    """The cases that a sender cannot tell apart."""
    sink.faults(mail={"mode": mode, "to": "ana@example.org"})
    before = len(sink.lines("mail"))
    with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)), sink.smtp() as connection:
        connection.send_message(mail())
    assert len(sink.lines("mail")) == before + kept


def test_a_late_answer_comes_after_the_mail_was_kept(sink: Sink) -> None:
    """What a sender with a time-out meets."""
    sink.faults(mail={"mode": "late", "seconds": 3})
    before = len(sink.lines("mail"))
    connection = smtplib.SMTP("127.0.0.1", sink.smtp_port, timeout=1)
    with pytest.raises((TimeoutError, smtplib.SMTPServerDisconnected)):
        connection.send_message(mail())
    connection.close()
    assert len(sink.lines("mail")) == before + 1


def test_the_genuine_client_sends_fetches_and_lists(sink: Sink) -> None:
    """As it does with the provider itself."""
    sent = sink.client.messages.create(
        to=ANA, from_=OURS, body="See you at seven", status_callback=f"{sink.hook.url}/status", validity_period=600
    )
    assert sent.sid is not None
    assert sent.sid.startswith("SM")
    assert (sent.status, sent.num_segments, sent.direction) == ("queued", "1", "outbound-api")
    eventually(lambda: sink.hook.statuses() == ["sent", "delivered"])
    fetched = sink.client.messages(sent.sid).fetch()
    assert (fetched.status, fetched.body, fetched.to, fetched.from_) == ("delivered", "See you at seven", ANA, OURS)
    assert fetched.date_sent is not None
    today = fetched.date_sent
    assert sent.sid in [each.sid for each in sink.client.messages.list(to=ANA, from_=OURS, date_sent=today)]
    assert sent.sid in [each.sid for each in sink.client.messages.list(to=ANA, date_sent_after=today)]
    assert sink.client.messages.list(to="+14155550199") == []
    assert [line["sid"] for line in sink.lines("text")].count(sent.sid) == 1


def test_the_genuine_client_turns_the_pages(sink: Sink) -> None:
    """Each text once, newest first."""
    sids = [sink.client.messages.create(to="+14155550177", from_=OURS, body=f"{n}").sid for n in range(5)]
    listed = [each.sid for each in sink.client.messages.list(to="+14155550177", page_size=2)]
    assert listed == sids[::-1]


def test_a_report_is_signed_as_the_genuine_validator_expects(sink: Sink) -> None:
    """The signature covers the URL, query and all, and every field."""
    url = f"{sink.hook.url}/status?notice=1&x=2"
    sink.client.messages.create(to=ANA, from_=OURS, body="x", status_callback=url)
    eventually(lambda: len(sink.hook.heard) == 2)
    _, form, signature = sink.hook.heard[0]
    validator = RequestValidator(TOKEN)
    assert validator.validate(url, form, signature)
    assert not validator.validate(url, {**form, "MessageStatus": "failed"}, signature)


def test_the_signature_is_that_of_the_documents() -> None:
    """Twilio docs, "Validating Signatures from Twilio"."""
    form = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+12349013030",
        "Digits": "1234",
        "From": "+12349013030",
        "To": "+18005551212",
    }
    assert sign("12345", "https://mycompany.com/myapp.php?foo=1&bar=2", form) == "0/KCTR6DLpKmkAf8muzZqo1nDgQ="


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"to": "+15005550001"}, 21211),
        ({"to": "not a number"}, 21211),
        ({"to": "+15005550002"}, 21612),
        ({"to": "+15005550003"}, 21408),
        ({"to": "+15005550004"}, 21610),
        ({"to": "+15005550009"}, 21614),
        ({"from_": "+15005550001"}, 21212),
        ({"from_": "+15005550007"}, 21606),
        ({"from_": "+15005550008"}, 21611),
        ({"body": ""}, 21602),
        ({"body": "x" * 1601}, 21617),
        ({"status_callback": "ftp://x"}, 21609),
    ],
)
def test_a_refusal_has_the_provider_s_code(sink: Sink, fields: dict[str, str], code: int) -> None:
    """The genuine client raises it as TwilioRestException, with a page to read."""
    with pytest.raises(TwilioRestException) as refused:
        sink.client.messages.create(**{"to": ANA, "from_": OURS, "body": "x", **fields})
    assert (refused.value.code, refused.value.status) == (code, 400)


def test_a_wrong_token_and_an_unknown_sid_are_refused(sink: Sink) -> None:
    """401 with 20003; 404 with 20404."""
    stranger = Client(ACCOUNT, "wrong")
    stranger.api.base_url = sink.base
    with pytest.raises(TwilioRestException) as refused:
        stranger.messages.create(to=ANA, from_=OURS, body="x")
    assert (refused.value.code, refused.value.status) == (20003, 401)
    with pytest.raises(TwilioRestException) as missing:
        sink.client.messages("SM" + "0" * 32).fetch()
    assert (missing.value.code, missing.value.status) == (20404, 404)


def test_after_stop_nothing_more_is_sent_until_start(sink: Sink) -> None:
    """The provider obeys by itself, and tells us; the number is known by the phone's own text."""
    phone = "+14155550142"

    def says(body: str) -> None:
        text = {"to": OURS, "sender": phone, "body": body}
        assert httpx.post(f"{sink.base}/api/inbound", json=text).json()["answered"] == 204

    says(" stop ")
    with pytest.raises(TwilioRestException) as refused:
        sink.client.messages.create(to=phone, from_=OURS, body="x")
    assert refused.value.code == 21610
    says("START")
    sink.client.messages.create(to=phone, from_=OURS, body="x")
    heard = [(form["Body"], form["From"], form["To"]) for path, form, _ in sink.hook.heard if path == "/inbound"]
    assert heard == [(" stop ", phone, OURS), ("START", phone, OURS)]
    _, form, signature = sink.hook.heard[0]
    assert RequestValidator(TOKEN).validate(f"{sink.hook.url}/inbound", form, signature)


def test_texts_meet_faults_to_order(sink: Sink) -> None:
    """A refusal, texts that were kept though the sender heard nothing or an error, and one that does not arrive."""
    sink.faults(sms={"mode": "refuse", "code": 20429})
    with pytest.raises(TwilioRestException) as refused:
        sink.client.messages.create(to=ANA, from_=OURS, body="x")
    assert refused.value.status == 429
    for mode, kept in (("die", 0), ("die_after", 1)):
        sink.faults(sms={"mode": mode})
        before = len(sink.lines("text"))
        url = f"{sink.base}/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
        with pytest.raises(httpx.TransportError):
            httpx.post(url, auth=(ACCOUNT, TOKEN), data={"To": ANA, "From": OURS, "Body": mode})
        assert len(sink.lines("text")) == before + kept
    sink.faults(sms={"mode": "refuse_after", "code": 20500})
    before = len(sink.lines("text"))
    with pytest.raises(TwilioRestException) as failed:
        sink.client.messages.create(to=ANA, from_=OURS, body="x")
    assert (failed.value.status, len(sink.lines("text"))) == (500, before + 1)
    sink.faults(sms={"mode": "undelivered", "code": 30005})
    sid = sink.client.messages.create(to=ANA, from_=OURS, body="x", status_callback=f"{sink.hook.url}/status").sid
    assert sid is not None
    eventually(lambda: sink.hook.statuses() == ["sent", "undelivered"])
    assert sink.client.messages(sid).fetch().error_code == 30005


def test_a_text_still_in_the_queue_can_be_canceled(sink: Sink) -> None:
    """Afterwards it cannot."""
    sid = sink.client.messages.create(to=ANA, from_=OURS, body="x").sid
    assert sid is not None
    eventually(lambda: sink.client.messages(sid).fetch().status == "delivered")
    with pytest.raises(TwilioRestException) as refused:
        sink.client.messages(sid).update(status="canceled")
    assert refused.value.code == 30409


def test_the_page_shows_what_a_lock_screen_would(sink: Sink) -> None:
    """Newest first, by recipient, and without a request to anyone else."""
    with sink.smtp() as connection:
        connection.send_message(mail(to="page@example.org", subject="Shown <first>"))
    page = httpx.get(sink.base, params={"to": "page@example.org"}).text
    assert "Shown &lt;first&gt;" in page
    assert "Grüße, this is the text." in page
    assert "ben@example.org" not in page.split("<main>")[1]
    assert "http://" not in page
    assert "https://" not in page
    listed = httpx.get(f"{sink.base}/api/messages", params={"to": "page@example.org"}).json()["messages"]
    assert [each["subject"] for each in listed] == ["Shown <first>"]
    one = httpx.get(f"{sink.base}/messages/{listed[0]['id']}")
    assert "BEGIN:VCALENDAR" in one.text
    assert (
        httpx.get(f"{sink.base}/messages/{listed[0]['id']}/html")
        .headers["Content-Security-Policy"]
        .startswith("sandbox")
    )
    assert httpx.get(sink.base, headers={"Host": "evil.example"}).status_code == 400


def test_what_arrived_outlives_a_kill(sink: Sink) -> None:
    """Also a line that the kill tore: nobody was told that it was accepted."""
    sid = sink.client.messages.create(to=ANA, from_=OURS, body="before the kill").sid
    assert sid is not None
    sink.child.kill()
    with sink.log.open("ab") as log:
        log.write(b'{"kind": "mail", "to": "torn')
    sink.child.start()
    eventually(lambda: answers(sink.smtp_port), what="the sink")
    assert sink.client.messages(sid).fetch().body == "before the kill"
    assert sink.lines("mail")[-1]["to"] != "torn"


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("ç" * 70, 1),
        ("ç" * 71, 2),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
    ],
)
def test_a_text_is_counted_in_the_parts_that_it_costs(body: str, parts: int) -> None:
    """160 or 153 septets; 70 or 67 UTF-16 units."""
    assert segments(body) == parts
