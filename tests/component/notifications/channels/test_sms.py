"""Texts over real HTTP, to a few lines of server that answer as the test says."""

from __future__ import annotations

import base64
import json
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from services.notifications.channels.sms import SmsOptions, SmsSender
from services.notifications.messages import Accepted, Message, Permanent, Transient, Unknown, Worded
from shared.contracts.base import Channel

TAKEN = (201, {}, {"sid": "SM1", "status": "queued", "error_code": None})


class Provider:
    """Answers each request with the next of ``answers``: status, headers, JSON; None hangs up without a word."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict[str, str], object] | None] = []
        self.posts: list[dict[str, str]] = []
        self.asked: list[str] = []
        self.credentials: list[str] = []
        self.port = 0

    def handler(provider) -> type[BaseHTTPRequestHandler]:  # noqa: N805
        """The handler class that http.server wants."""

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                provider.posts.append({name: values[0] for name, values in parse_qs(body).items()})
                self._answer()

            def do_GET(self) -> None:
                self._answer()

            def _answer(self) -> None:
                provider.asked.append(self.path)
                provider.credentials.append(self.headers["Authorization"])
                answer = provider.answers.pop(0)
                if answer is None:
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                status, headers, content = answer
                body = json.dumps(content).encode()
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments: object) -> None:
                pass

        return Handler


@pytest.fixture
def provider() -> Iterator[Provider]:
    provider = Provider()
    server = ThreadingHTTPServer(("127.0.0.1", 0), provider.handler())
    server.daemon_threads = True
    provider.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


@pytest.fixture
def sender(provider: Provider) -> Iterator[SmsSender]:
    sender = SmsSender(_options(provider.port))
    yield sender
    sender.close()


def _options(port: int, **changes: object) -> SmsOptions:
    fields: dict[str, object] = {
        "account_sid": "AC1",
        "auth_token": "secret",
        "sender": "+15550001111",
        "base_url": f"http://127.0.0.1:{port}",
        "timeout": 2.0,
        "settle_seconds": 0.0,
    }
    return SmsOptions(**{**fields, **changes})  # type: ignore[arg-type]


def a_text(**changes: object) -> Message:
    fields: dict[str, object] = {
        "notice_id": "n1",
        "channel": Channel.SMS,
        "to": "+15551230001",
        "words": Worded(text="You have a message: https://portal.example.org"),
        "valid_seconds": 3600,
        "first_tried": datetime.now(UTC),
    }
    return Message(**{**fields, **changes})  # type: ignore[arg-type]


def listed(created: datetime, sid: str = "SM1", body: str | None = None, **more: object) -> dict[str, object]:
    return {
        "sid": sid,
        "body": a_text().words.text if body is None else body,
        "date_created": format_datetime(created),
        "direction": "outbound-api",
        **more,
    }


def test_a_text_is_posted_as_the_provider_asks(provider: Provider, sender: SmsSender) -> None:
    """With how long it is of use, and the account's credentials in the header alone."""
    provider.answers = [TAKEN]
    assert sender.send(a_text()) == Accepted("SM1")
    assert provider.asked == ["/2010-04-01/Accounts/AC1/Messages.json"]
    assert provider.credentials == ["Basic " + base64.b64encode(b"AC1:secret").decode()]
    assert provider.posts == [
        {
            "To": "+15551230001",
            "From": "+15550001111",
            "Body": "You have a message: https://portal.example.org",
            "ValidityPeriod": "3600",
        }
    ]


def test_a_messaging_service_stands_for_the_sender(provider: Provider) -> None:
    """And reports are asked for where there is somewhere to send them; validity keeps to the provider's bounds."""
    provider.answers = [TAKEN]
    options = _options(provider.port, messaging_service_sid="MG1", status_callback="https://p.example/sms/status")
    sender = SmsSender(options)
    sender.send(a_text(valid_seconds=99999))
    sender.close()
    [post] = provider.posts
    assert post["MessagingServiceSid"] == "MG1"
    assert "From" not in post
    assert post["StatusCallback"] == "https://p.example/sms/status"
    assert post["ValidityPeriod"] == "36000"


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        ((400, {}, {"code": 21211, "status": 400}), Permanent("invalid", suppress=True)),
        ((400, {}, {"code": 21610, "status": 400}), Permanent("opted_out", suppress=True)),
        ((400, {}, {"code": 21614, "status": 400}), Permanent("landline", suppress=True)),
        ((400, {}, {"code": 21408, "status": 400}), Permanent("region_not_allowed", alarm=True)),
        ((400, {}, {"code": 30034, "status": 400}), Permanent("sender_not_registered", alarm=True)),
        ((400, {}, {"code": 21611, "status": 400}), Transient("queue_full", 60.0)),
        ((401, {}, {"code": 20003, "status": 401}), Transient("login_refused", 300.0)),
        ((403, {}, "no"), Transient("login_refused", 300.0)),
        ((302, {"Location": "/elsewhere"}, {}), Permanent("http_302", alarm=True)),
        ((429, {"Retry-After": "7"}, {"code": 20429}), Transient("too_many_requests", 7.0)),
        ((429, {}, {}), Transient("too_many_requests", 10.0)),
        ((503, {"Retry-After": "nonsense"}, {}), Transient("http_503", 60.0, doubtful=True)),
        ((500, {}, "x"), Transient("http_500", 60.0, doubtful=True)),
        ((504, {}, {}), Unknown("http_504")),
        ((201, {}, {}), Unknown("unreadable_answer")),
        (None, Unknown("no_answer")),
    ],
)
def test_each_answer_has_one_meaning(
    provider: Provider, sender: SmsSender, answer: tuple[int, dict[str, str], object] | None, result: object
) -> None:
    """Suppressed is only a number that can never get texts; what the operator must mend raises an alarm."""
    provider.answers = [answer]
    assert sender.send(a_text()) == result


def test_silence_after_the_request_went_out_is_unknown() -> None:
    """The provider may have it."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        sender = SmsSender(_options(silent.getsockname()[1], timeout=0.2))
        assert sender.send(a_text()) == Unknown("no_answer")
        assert sender.find(a_text()) == Unknown("provider_does_not_answer")
        sender.close()


def test_no_connection_means_that_nothing_was_taken() -> None:
    """So it may be tried again."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    assert SmsSender(_options(port)).send(a_text()) == Transient("no_connection")


def test_the_provider_is_asked_for_a_text_that_it_may_have(provider: Provider, sender: SmsSender) -> None:
    """By recipient; the same words since the first try, and one that came in from outside does not count."""
    now = datetime.now(UTC)
    others = [listed(now, "SM2", "Other words"), listed(now, "SM3", direction="inbound")]
    provider.answers = [(200, {}, {"messages": [*others, listed(now)]})]
    assert sender.find(a_text()) == Accepted("SM1")
    assert parse_qs(urlsplit(provider.asked[0]).query)["To"] == ["+15551230001"]


def test_an_older_text_with_the_same_words_is_another_one(provider: Provider, sender: SmsSender) -> None:
    """Texts at the level "silent" are all alike."""
    provider.answers = [(200, {}, {"messages": [listed(datetime.now(UTC) - timedelta(minutes=5))]})]
    assert sender.find(a_text()) == Transient("not_found", 0.0)


def test_a_lost_answer_is_remembered_with_its_time(provider: Provider, sender: SmsSender) -> None:
    """So that an older text of the same words is not taken for this one, even where nobody says when it was tried."""
    older = listed(datetime.now(UTC) - timedelta(minutes=5))
    provider.answers = [None, (200, {}, {"messages": [older]})]
    message = a_text(first_tried=None)
    assert sender.send(message) == Unknown("no_answer")
    assert sender.find(message) == Transient("not_found", 0.0)


def test_the_list_is_read_to_where_it_can_end(provider: Provider, sender: SmsSender) -> None:
    """Page by page, until the first try; and never at an address of someone else's."""
    now = datetime.now(UTC)
    other = listed(now, "SM2", "Other words")
    following = "/2010-04-01/Accounts/AC1/Messages.json?Page=1"
    provider.answers = [
        (200, {}, {"messages": [other], "next_page_uri": following}),
        (200, {}, {"messages": [listed(now)]}),
    ]
    assert sender.find(a_text()) == Accepted("SM1")
    provider.answers = [(200, {}, {"messages": [other], "next_page_uri": "http://elsewhere.example/"})]
    assert sender.find(a_text()) == Transient("not_found", 0.0)


def test_the_list_may_lag_behind(provider: Provider) -> None:
    """Only after a while does "not there" mean "not taken"."""
    now = datetime.now(UTC)
    provider.answers = [(200, {}, {"messages": []}), (200, {}, {"messages": [listed(now)]})]
    sender = SmsSender(_options(provider.port, settle_seconds=0.5))
    assert sender.find(a_text(first_tried=now)) == Accepted("SM1")
    sender.close()
