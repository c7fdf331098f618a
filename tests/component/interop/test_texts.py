"""Texts, end to end: our own client and the genuine one against the sink; call-backs through the portal; words.

The sink was written from the provider's documents by someone else than our client and our reader of call-backs.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from starlette.testclient import TestClient
from twilio.rest import Client

from services.local.ports import answers, free_ports
from services.notifications.channels.sms import SmsOptions, SmsSender
from services.notifications.messages import Accepted, Message, Permanent, Result, Transient, Unknown, Worded
from services.notifications.store.tables import notices
from services.portal.settings import PortalSettings
from services.portal.store import metadata
from services.portal.web import make_portal
from shared.contracts import registration as r
from shared.contracts.base import Channel, Mode
from shared.storage.engine import make_engine
from tests.support.asking import LocalAsking
from tests.support.processes import eventually, process
from tests.support.region import Region
from tests.support.world import member, ring

ACCOUNT, TOKEN = "AC" + "2" * 32, "secret-token"
SENT = ("Content-Type", "X-Twilio-Signature")
OURS, ANA = "+15005550006", "+447400123456"


class Ear:
    """Where the provider posts to; what it posted is handed to the portal when the test says so."""

    def __init__(self) -> None:
        posted: Queue[tuple[str, bytes, dict[str, str]]] = Queue()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                posted.put((self.path, body, dict(self.headers.items())))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.posted = posted
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Sink:
    """A running sink."""

    def __init__(self, base: str, ear: Ear) -> None:
        self.base, self.ear = base, ear

    def faults(self, **switch: Any) -> None:
        httpx.put(f"{self.base}/api/faults", json=switch).raise_for_status()

    def texts(self, to: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = httpx.get(f"{self.base}/api/messages", params={"to": to}).json()["messages"]
        return found

    def inbound(self, body: str, sid: str | None = None) -> None:
        answer = httpx.post(f"{self.base}/api/inbound", json={"to": OURS, "sender": ANA, "body": body, "sid": sid})
        answer.raise_for_status()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sink]:
    folder: Path = tmp_path_factory.mktemp("sink")
    http, smtp = free_ports(2)
    ear = Ear()
    env = {
        "CHAPTERHOUSE_SINK_PORT": str(http),
        "CHAPTERHOUSE_SINK_SMTP_PORT": str(smtp),
        "CHAPTERHOUSE_SINK_LOG": str(folder / "arrived.jsonl"),
        "CHAPTERHOUSE_SINK_SMS_ACCOUNT": ACCOUNT,
        "CHAPTERHOUSE_SINK_SMS_TOKEN": TOKEN,
        "CHAPTERHOUSE_SINK_SENT_AFTER": "0.05",
        "CHAPTERHOUSE_SINK_INBOUND_URL": f"{ear.url}/hooks/sms/inbound",
    }
    with process("sink", "-m", "services.local.sink", log=folder / "sink.log", env=env):
        eventually(lambda: answers(http) and answers(smtp), what="the sink")
        yield Sink(f"http://127.0.0.1:{http}", ear)
    ear.server.shutdown()
    ear.server.server_close()


@pytest.fixture
def sink(running: Sink) -> Iterator[Sink]:
    while not running.ear.posted.empty():
        running.ear.posted.get()
    yield running
    httpx.delete(f"{running.base}/api/faults")


def sender(sink: Sink, **more: Any) -> SmsSender:
    options = {"sender": OURS, "base_url": sink.base, "timeout": 1.0, "settle_seconds": 0.2} | more
    return SmsSender(SmsOptions(ACCOUNT, TOKEN, **options))


def text(to: str, body: str = "Your meeting is online.") -> Message:
    return Message("n1", Channel.SMS, to, Worded(text=body), valid_seconds=600)


@pytest.mark.parametrize(
    ("fault", "meant"),
    [
        ({"mode": "refuse", "code": 21610}, Permanent("opted_out", suppress=True)),
        ({"mode": "refuse", "code": 21211}, Permanent("invalid", suppress=True)),
        ({"mode": "refuse", "code": 21614}, Permanent("landline", suppress=True)),
        ({"mode": "refuse", "code": 21408}, Permanent("region_not_allowed", alarm=True)),
        ({"mode": "refuse", "code": 20003, "status": 401}, Transient("login_refused", 300.0)),
        ({"mode": "refuse", "code": 20429}, Transient("too_many_requests", 10.0)),
        ({"mode": "refuse", "code": 20500}, Transient("http_500", 60.0, doubtful=True)),
        ({"mode": "refuse", "code": 99999, "text": "To +447400123456 is bad"}, Permanent("provider_99999", alarm=True)),
    ],
)
def test_our_client_reads_the_providers_refusals(sink: Sink, fault: dict[str, Any], meant: Result) -> None:
    """What is for good, what is for later and what is the operator's is told apart, and nothing was taken."""
    to = "+447400100001"
    sink.faults(sms=fault)
    assert sender(sink).send(text(to)) == meant
    assert sink.texts(to) == []


@pytest.mark.parametrize("mode", ["die_after", "late"])
def test_a_text_whose_answer_is_lost_is_found_and_not_sent_again(sink: Sink, mode: str) -> None:
    """The provider took it and could not say so: asked afterwards, it has it, under the id that it was given."""
    to = f"+4474001000{10 + len(mode)}"
    ours = sender(sink)
    sink.faults(sms={"mode": mode, "seconds": 3, "times": 1})
    assert isinstance(ours.send(text(to)), Unknown)
    found = ours.find(text(to))
    (taken,) = sink.texts(to)
    assert found == Accepted(taken["sid"])


@pytest.mark.parametrize("mode", ["die", "stall"])
def test_a_text_that_was_never_taken_is_not_found(sink: Sink, mode: str) -> None:
    """The connection broke before: asked afterwards, the provider has nothing, so it may be sent again."""
    to = f"+4474001000{20 + len(mode)}"
    ours = sender(sink)
    sink.faults(sms={"mode": mode, "seconds": 3, "times": 1})
    assert isinstance(ours.send(text(to)), Unknown)
    if mode == "die":
        assert isinstance(ours.find(text(to)), Transient)
        assert isinstance(ours.send(text(to)), Accepted)
        assert len(sink.texts(to)) == 1


def test_the_genuine_client_sees_what_ours_sent(sink: Sink) -> None:
    """Both speak of the same message: body, numbers, parts and status."""
    to = "+447400100099"
    body = "Grüße, 19:00 {online} €"
    accepted = sender(sink, status_callback=f"{sink.ear.url}/hooks/sms/status").send(text(to, body))
    assert isinstance(accepted, Accepted)
    client = Client(ACCOUNT, TOKEN)
    client.api.base_url = sink.base
    shown = client.messages(accepted.provider_id).fetch()
    assert (shown.to, shown.from_, shown.body, shown.num_segments) == (to, OURS, body, "1")
    assert accepted.provider_id in [each.sid for each in client.messages.list(to=to)]


# -- through the portal, to the state of a notice ---------------------------------------------


class Line:
    """A network whose texts go to the sink, and a portal in front of it."""

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        url = sink.ear.url
        self.network = Region(
            real=(Channel.SMS,),
            portal_url=url,
            sms_base_url=sink.base,
            sms_account=ACCOUNT,
            sms_token=TOKEN,
            status_callback_url=f"{url}/hooks/sms/status",
        )
        self.engine = make_engine("sqlite://")
        metadata.create_all(self.engine)
        asking = LocalAsking("portal", *self.network.worlds.values())
        app = make_portal(
            PortalSettings(portal_url=url),
            keys=ring("portal"),
            engine=self.engine,
            clock=self.network.clock,
            open_asking=asking.opened,
        )
        self.client = TestClient(app, base_url=url)
        self.client.__enter__()
        self.place = self.network.found()
        (self.meeting,) = self.place.schedule(date(2026, 11, 5))

    def close(self) -> None:
        self.client.__exit__(None, None, None)
        self.engine.dispose()
        self.network.close()

    def join_ana(self) -> None:
        """Ana joins with a number that she proves by the code which the sink shows."""
        from shared.contracts import notifications as n  # noqa: PLC0415

        self.network.join("ana")
        self.network.settle()
        world, ana = self.network.notifications, member("ana")
        started = world.send(n.StartVerification(channel=Channel.SMS, contact=world.seal(ANA)), ana)
        self.network.post()
        newest = self.sink.texts(ANA)[0]["body"]
        code = next(word for word in newest.replace(".", " ").split() if word.isdigit() and len(word) == 6)
        world.send(n.ConfirmCode(verification_id=started.verification_id, code=world.seal(code), member_id="ana"), ana)
        self.network.settle()
        self.hear_out()

    def hear_out(self) -> None:
        """Hand on what is posted until nothing comes: the code's own reports, and what a test before has left."""
        with suppress(Empty):
            while True:
                path, body, headers = self.sink.ear.posted.get(timeout=1)
                self.client.post(path, content=body, headers={name: headers[name] for name in SENT})

    def pump(self, wanted: int) -> list[httpx.Response]:
        """Hand on what the provider posted: exactly so many posts."""
        found = []
        for _ in range(wanted):
            path, body, headers = self.sink.ear.posted.get(timeout=10)
            found.append(self.client.post(path, content=body, headers={name: headers[name] for name in SENT}))
        with suppress(Empty):
            pytest.fail(f"one more was posted: {self.sink.ear.posted.get(timeout=0.15)}")
        return found

    def seat_texts(self) -> list[tuple[str, str]]:
        """(state, reason) of Ana's texts about her seat."""
        with self.network.notifications.store.reading() as work:
            rows = work.connection.execute(
                select(notices.c.state, notices.c.reason).where(
                    notices.c.channel == "sms", notices.c.kind == "seat_confirmed"
                )
            )
            return [(row.state, row.reason) for row in rows]

    def take_seat(self) -> None:
        self.network.registration.send(r.TakeSeat(meeting_id=self.meeting, mode=Mode.ONLINE), member("ana"))
        self.network.settle()

    def granted(self) -> set[tuple[str, str]]:
        view = self.network.registration.ask(r.MyMembership(), member("ana"))
        return {(each.purpose.value, each.channel.value) for each in view.consents if each.granted}


@pytest.fixture
def line(sink: Sink) -> Iterator[Line]:
    made = Line(sink)
    yield made
    httpx.post(f"{sink.base}/api/inbound", json={"to": OURS, "sender": ANA, "body": "START"})  # for the next test
    made.close()


def test_a_delivery_report_settles_the_notice(line: Line) -> None:
    """Sent, then reported as not delivered by a signed call-back through the portal: she was not reached after all."""
    line.join_ana()
    line.sink.faults(sms={"mode": "undelivered", "code": 30006, "to": ANA})
    line.take_seat()
    assert line.seat_texts() == [("sent", "")]
    answers_ = line.pump(2)
    assert [each.status_code for each in answers_] == [204, 204]
    assert line.seat_texts() == [("refused", "landline")]


def test_a_forged_report_moves_nothing(line: Line) -> None:
    """The same form with another signature, another address, or one field more: refused, and nothing changed."""
    line.join_ana()
    line.take_seat()
    (path, body, headers), _ = (line.sink.ear.posted.get(timeout=10) for _ in range(2))
    body = body.replace(b"MessageStatus=sent", b"MessageStatus=failed")
    sent = {name: headers[name] for name in ("Content-Type", "X-Twilio-Signature")}
    for wrong in (
        line.client.post(path, content=body, headers=sent),
        line.client.post(path, content=body, headers=sent | {"X-Twilio-Signature": ""}),
        line.client.post(path, content=body, headers={"Content-Type": sent["Content-Type"]}),
        line.client.post(f"{path}?x=1", content=body, headers=sent),
    ):
        assert wrong.status_code == 403
        assert ANA not in wrong.text
    assert line.seat_texts() == [("sent", "")]


@pytest.mark.parametrize("word", ["STOP", " stop. ", "Stop please", "ARRÊT", "UNSUBSCRIBE", "opt-out"])
def test_stop_in_any_form_ends_all_texts(line: Line, word: str) -> None:
    """One confirmation, every consent to texts withdrawn, mail untouched; later news goes by mail alone."""
    line.join_ana()
    line.sink.inbound(word)
    (answer,) = line.pump(1)
    assert answer.status_code == 200
    assert "no more texts" in answer.text
    line.network.settle()
    assert {channel for _, channel in line.granted()} == {"email"}
    before = len(line.sink.texts(ANA))
    line.take_seat()
    assert len(line.sink.texts(ANA)) == before
    assert line.seat_texts() in ([], [("refused", "no_consent")], [("refused", "suppressed")])
    line.sink.inbound(word)
    (again,) = line.pump(1)
    assert "<Message>" not in again.text, "exactly one confirmation"


def test_what_start_promises_is_so(line: Line) -> None:
    """After STOP and START the text tells what is true: which texts come is hers to choose, and until then none do."""
    line.join_ana()
    for word in ("STOP", "START"):
        line.sink.inbound(word)
        (answer,) = line.pump(1)
        line.network.settle()
    assert not {channel for _, channel in line.granted()} - {"email"}
    assert "are on again" not in answer.text
    assert line.sink.ear.url in answer.text, "where she chooses"
    choice = r.ConsentChoice(purpose=r.Purpose.MEETING_CHANGES, channel=Channel.SMS, granted=True)
    line.network.registration.send(r.DecideConsents(choices=(choice,)), member("ana"))
    line.network.settle()
    line.take_seat()
    assert line.seat_texts() == [("sent", "")]


def test_help_and_wrong_and_anything_else(line: Line) -> None:
    """HELP names the way to help; WRONG forgets the number; whatever else is answered as HELP, and read by nobody."""
    line.join_ana()
    for word in ("HELP", "thank you!", "☺"):
        line.sink.inbound(word)
        (answer,) = line.pump(1)
        assert "Reply STOP" in answer.text
    line.sink.inbound("WRONG")
    (answer,) = line.pump(1)
    assert "no more texts" in answer.text
    line.network.settle()
    line.take_seat()
    assert line.seat_texts() == []
