"""Mail over a real SMTP conversation: aiosmtpd in a thread, and a few lines of socket for what it cannot do."""

from __future__ import annotations

import email
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email import policy
from email.message import EmailMessage

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from services.notifications.channels.mail import MailOptions, MailSender
from services.notifications.channels.mail_message import build
from services.notifications.messages import Accepted, Calendar, Message, Permanent, Transient, Unknown, Worded
from shared.contracts.base import Channel
from shared.runtime.clock import real_now


def a_mail(to: str = "reader@example.org", **changes: object) -> Message:
    fields: dict[str, object] = {
        "notice_id": "n1",
        "channel": Channel.EMAIL,
        "to": to,
        "words": Worded(text="A place is yours.\n.hidden dot\n", subject="A place", html="<p>A place is yours.</p>"),
        "unsubscribe_url": "https://portal.example.org/u/abc",
        "message_id": "n1@example.org",
    }
    return Message(**{**fields, **changes})  # type: ignore[arg-type]


class Sink:
    """Keeps what arrives; refuses by the local part: ``550-5.1.1@…``."""

    def __init__(self, *, pipelining: bool) -> None:
        self.pipelining = pipelining  # RFC 2920: whether it takes commands in groups
        self.mails: list[EmailMessage] = []
        self.sessions: set[int] = set()

    async def handle_EHLO(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [*responses[:-1], "250-PIPELINING", responses[-1]] if self.pipelining else responses

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        local = address.partition("@")[0]
        if local[:1].isdigit():
            code, _, status = local.partition("-")
            return f"{code} {status} no".replace("  ", " ")
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert envelope.content is not None
        content = envelope.content if isinstance(envelope.content, bytes) else envelope.content.encode()
        self.sessions.add(id(session))
        self.mails.append(email.message_from_bytes(content, policy=policy.default))  # type: ignore[arg-type]
        return "250 2.0.0 taken"


@pytest.fixture(params=[True, False], ids=["commands in groups", "one by one"])
def sink(request: pytest.FixtureRequest) -> Sink:
    return Sink(pipelining=request.param)


@pytest.fixture
def sender(sink: Sink) -> Iterator[MailSender]:
    with _server(sink) as port, _sender(port) as sender:
        yield sender


@contextmanager
def _server(sink: Sink) -> Iterator[int]:
    # Port 0 would be chosen by the system, but aiosmtpd's controller wants to know it in advance.
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    controller = Controller(sink, hostname="127.0.0.1", port=port, enable_SMTPUTF8=True)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


@contextmanager
def _sender(port: int, **options: object) -> Iterator[MailSender]:
    sender = MailSender(MailOptions(sender="hello@example.org", port=port, **{"timeout": 2.0, **options}))  # type: ignore[arg-type]
    try:
        yield sender
    finally:
        sender.close()


def test_a_mail_arrives_whole_and_says_who_we_are_in_neutral_words(sink: Sink, sender: MailSender) -> None:
    """Text and HTML, the given Message-ID, no trace of the software, and a dot at a line's start is kept."""
    assert sender.send(a_mail()) == Accepted("n1@example.org")
    [mail] = sink.mails
    assert mail["From"] == "Notifications <hello@example.org>"
    assert mail["To"] == "reader@example.org"
    assert mail["Message-ID"] == "<n1@example.org>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"].datetime.tzinfo is not None
    assert not {"x-mailer", "user-agent"} & {name.lower() for name in mail}
    assert mail.get_content_type() == "multipart/alternative"
    assert mail.get_body(("plain",)).get_content().splitlines()[:2] == ["A place is yours.", ".hidden dot"]  # type: ignore[union-attr]
    assert "<p>A place is yours.</p>" in mail.get_body(("html",)).get_content()  # type: ignore[union-attr]


def test_one_click_unsubscribe_stands_in_both_headers(sink: Sink, sender: MailSender) -> None:
    """RFC 8058; a mail without a link, such as one with a code, has neither."""
    sender.send(a_mail())
    sender.send(a_mail(unsubscribe_url=None))
    with_link, without = sink.mails
    assert with_link["List-Unsubscribe"] == "<https://portal.example.org/u/abc>"
    assert with_link["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert without["List-Unsubscribe"] is None
    assert without["List-Unsubscribe-Post"] is None


def test_the_invitation_is_a_part_with_its_method_and_a_file(sink: Sink, sender: MailSender) -> None:
    """RFC 6047: the method of the part is the method of the object; the file's name says nothing."""
    body = "BEGIN:VCALENDAR\r\nMETHOD:CANCEL\r\nSUMMARY:Café\r\nEND:VCALENDAR\r\n"
    sender.send(a_mail(calendar=Calendar("CANCEL", body)))
    [mail] = sink.mails
    assert mail.get_content_type() == "multipart/mixed"
    alternative, attachment = mail.iter_parts()
    invitation = list(alternative.iter_parts())[-1]  # type: ignore[union-attr]
    assert invitation.get_content_type() == "text/calendar"
    assert invitation.get_param("method") == "CANCEL"
    assert invitation.get_payload(decode=True) == body.encode()
    assert attachment.get_filename() == "invite.ics"
    assert attachment.get_payload(decode=True) == body.encode()


def test_whatever_is_not_ascii_comes_through(sink: Sink, sender: MailSender) -> None:
    """In the subject (RFC 2047), in the text, and in lines too long for SMTP."""
    words = Worded(
        text="Überall é 日本 🙂 =\n" + "x" * 2000 + "\n", subject="Ein Platz für Zoë 🙂 " * 6, html="<p>é</p>"
    )
    assert isinstance(sender.send(a_mail(words=words)), Accepted)
    [mail] = sink.mails
    assert mail["Subject"] == words.subject
    assert mail.get_body(("plain",)).get_content().splitlines() == words.text.splitlines()  # type: ignore[union-attr]
    assert max(len(line) for line in mail.as_bytes().splitlines()) < 999


@pytest.mark.parametrize(
    "changes",
    [
        {"to": "a@example.org\r\nBcc: b@example.org"},
        {"to": "a@example.org, b@example.org"},
        {"to": "nobody"},
        {"words": Worded(text="x", subject="Hello\r\nBcc: b@example.org")},
        {"words": Worded(text="x", subject="Hello\u2028Bcc: b@example.org")},
        {"message_id": "a@b>\r\nX: y"},
        {"unsubscribe_url": "https://x.example/a>, <mailto:b@example.org"},
    ],
)
def test_nothing_typed_in_becomes_a_header(sink: Sink, sender: MailSender, changes: dict[str, object]) -> None:
    """A value that would begin another header, or another recipient, is refused for good and not sent."""
    assert sender.send(a_mail(**changes)) == Permanent("invalid")
    assert sink.mails == []


@pytest.mark.parametrize("text", ["ü" * 200, "ü\nü", "x" * 2000, "ü\r\n" + "ü" * 200, ""])
def test_every_line_that_leaves_ends_in_crlf(text: str) -> None:
    """Also in a text without a line end of its own: servers that guard against smuggling refuse a bare LF."""
    sent = build(a_mail(words=Worded(text=text, subject="Hello", html=text)), "hello@example.org", real_now()).body
    lines = sent.split(b"\r\n")
    assert not any(b"\n" in line or b"\r" in line for line in lines)
    assert max(map(len, lines)) <= 998


def test_a_domain_is_the_one_that_was_typed() -> None:
    """IDNA 2008: faß.example and fass.example may belong to two people."""
    sent = build(a_mail(to="a@faß.example"), "hello@example.org", real_now())
    assert (sent.recipient, sent.utf8) == ("a@xn--fa-hia.example", False)


def test_a_bare_line_break_in_a_body_smuggles_no_second_mail(sink: Sink, sender: MailSender) -> None:
    """Every line that leaves ends in CRLF, so no server reads an end of data that we did not mean."""
    text = "Hello\n.\nMAIL FROM:<x@example.org>\r.\r\n.\r\nEnd\n"
    assert isinstance(sender.send(a_mail(words=Worded(text=text, subject="Hello"))), Accepted)
    [mail] = sink.mails
    assert "End" in mail.get_content()


@pytest.mark.parametrize(
    ("reply", "result"),
    [
        ("550-5.1.1", Permanent("bounced", suppress=True)),
        ("550-5.1.10", Permanent("bounced", suppress=True)),
        ("550", Permanent("bounced")),
        ("552-5.2.2", Permanent("mailbox_full")),
        ("550-5.7.1", Permanent("blocked", alarm=True)),
        ("501-5.5.4", Permanent("smtp_501", alarm=True)),
        ("530-5.7.0", Transient("login_wanted", 300.0)),
        ("451-4.3.0", Transient("smtp_451")),
        ("450-4.2.1", Transient("smtp_450")),
    ],
)
def test_a_refused_recipient_is_read_by_its_codes(sink: Sink, sender: MailSender, reply: str, result: object) -> None:
    """And the connection is good for the next mail."""
    assert sender.send(a_mail(f"{reply}@example.org")) == result
    assert isinstance(sender.send(a_mail()), Accepted)
    assert len(sink.mails) == 1


def test_one_connection_carries_many_mails(sink: Sink, sender: MailSender) -> None:
    """A new one for each would triple the cost."""
    for _ in range(5):
        assert isinstance(sender.send(a_mail()), Accepted)
    assert len(sink.sessions) == 1


def test_a_restarted_server_costs_no_mail(sink: Sink) -> None:
    """The kept connection is dead; a fresh one is made at once and the mail goes out once."""
    scripts = [[b"354 go\r\n", b"250 taken\r\n", None], [b"354 go\r\n", b"250 taken\r\n"]]
    with _scripted(scripts) as (port, seen), _sender(port) as sender:
        assert isinstance(sender.send(a_mail()), Accepted)
        assert isinstance(sender.send(a_mail()), Accepted)
        assert len(seen) == 2


def test_no_server_is_a_reason_to_wait() -> None:
    """Nothing was taken."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with _sender(port) as sender:
        assert sender.send(a_mail()) == Transient("no_connection", 60.0)


def test_a_server_that_does_not_offer_what_was_asked_for_gets_nothing(sink: Sink) -> None:
    """Neither a mail nor a password goes out in the clear where STARTTLS was set."""
    with _server(sink) as port, _sender(port, security="starttls", user="u", password="p") as sender:
        assert sender.send(a_mail()) == Transient("security_not_offered", 300.0)
    assert sink.mails == []


def test_an_answer_lost_after_the_last_dot_is_unknown() -> None:
    """The server may have taken it; only then."""
    with _scripted([[b"354 go\r\n", None]]) as (port, _), _sender(port) as sender:
        assert sender.send(a_mail()) == Unknown("no_answer_after_data")
        assert sender.find(a_mail()) == Unknown("mail_cannot_tell")


def test_an_answer_that_never_comes_after_the_last_dot_is_unknown() -> None:
    """The time-out is not a refusal."""
    with _scripted([[b"354 go\r\n", b""]]) as (port, _), _sender(port, timeout=0.3) as sender:
        assert sender.send(a_mail()) == Unknown("no_answer_after_data")


def test_a_connection_lost_before_the_last_dot_is_transient() -> None:
    """The server cannot have taken what it has not been given."""
    with _scripted([[None]]) as (port, _), _sender(port) as sender:
        assert sender.send(a_mail()) == Transient("connection_lost")


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (b"451 4.3.0 later\r\n", Transient("smtp_451")),
        (b"421 4.3.2 closing\r\n", Transient("smtp_421")),
        (b"554 5.7.1 spam\r\n", Permanent("blocked", alarm=True)),
        (b"552 5.3.4 too big\r\n", Permanent("too_big")),
    ],
)
def test_a_refusal_after_the_last_dot_is_an_answer(answer: bytes, result: object) -> None:
    """Nothing was taken: it is not unknown."""
    with _scripted([[b"354 go\r\n", answer]]) as (port, _), _sender(port) as sender:
        assert sender.send(a_mail()) == result


GROUPED = b"250-hello\r\n250 PIPELINING\r\n"


@pytest.mark.parametrize(
    ("replies", "result", "resets"),
    [
        (b"250 ok\r\n550 5.1.1 nobody\r\n354 go on\r\n", Permanent("bounced", suppress=True), 0),
        (b"250 ok\r\n550 5.1.1 nobody\r\n421 closing\r\n", Permanent("bounced", suppress=True), 0),
        (b"250 ok\r\n451 4.3.0 later\r\n", Transient("smtp_451"), 0),
        (b"550 5.7.1 not you\r\n503 no\r\n503 no\r\n", Permanent("sender_refused", alarm=True), 1),
        (b"250 ok\r\nwhat?\r\n354 go on\r\n", Transient("smtp_unreadable"), 0),
    ],
)
def test_the_first_refusal_of_a_group_counts_and_nothing_follows(replies: bytes, result: object, resets: int) -> None:
    """Also where the server would take a mail for nobody, or hangs up in the middle of its answers: then the line ends."""
    heard: list[bytes] = []
    with _grouped(replies, heard) as port, _sender(port) as sender:
        assert sender.send(a_mail()) == result
    assert heard[0].count(b"\r\n") == 3  # all in one write
    assert b"Subject" not in b"".join(heard)
    assert b"".join(heard[1:]).lower().count(b"rset") == resets


@contextmanager
def _grouped(replies: bytes, heard: list[bytes]) -> Iterator[int]:
    """A server that takes commands in groups, says ``replies`` to the first group, and goes along with RSET and QUIT."""

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"220 hello\r\n")
            connection.recv(1000)
            connection.sendall(GROUPED)
            heard.append(connection.recv(1000))
            connection.sendall(replies)
            with suppress(OSError):  # reset: the other side hung up
                while replies.count(b"\n") == 3 and (said := connection.recv(1000)):
                    heard.append(said)
                    connection.sendall(b"250 ok\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)
        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(5)


@contextmanager
def _scripted(scripts: list[list[bytes | None]]) -> Iterator[tuple[int, list[int]]]:
    """A server that goes along until DATA; then, a connection each: the answer to DATA, to the dot, and so on.

    None hangs up; an empty answer keeps silent.
    """
    seen: list[int] = []
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(5)

    def serve() -> None:
        for number, script in enumerate(scripts):
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            seen.append(number)
            with connection, connection.makefile("rb") as lines:
                _talk(connection, lines, list(script))  # type: ignore[arg-type]

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1], seen
    finally:
        listener.close()
        thread.join(5)


def _talk(connection: socket.socket, lines: Iterator[bytes], script: list[bytes | None]) -> None:
    connection.sendall(b"220 hello\r\n")
    inside = False
    for line in lines:
        if inside and line != b".\r\n":
            continue
        if line.upper().startswith(b"QUIT"):
            return
        if inside or line.upper().startswith(b"DATA"):
            answer = script.pop(0)
            inside = not inside
            if answer is None:
                return
            connection.sendall(answer)
            if script == [None] and not inside:
                return
        else:
            connection.sendall(b"250 ok\r\n")
