"""The frame that both gateways share."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest
from fastapi import APIRouter, Request, Response
from fastapi.testclient import TestClient
from pydantic import Field

from shared.contracts.base import Actor, Done, Role
from shared.contracts.errors import Fault, Forbidden, Invalid, NotFound, Stale, Unanswered, Unreachable
from shared.contracts.notifications import Unsubscribe
from shared.gateway.forgery import from_elsewhere
from shared.gateway.forms import Fields, blank, read_form
from shared.gateway.pages import pages_of
from shared.gateway.web import Site, asking_of, make_app
from tests.support.asking import LocalAsking
from tests.support.world import ring

TEMPLATE = """{% extends "gateway/base.html" %}{% import "gateway/forms.html" as f with context %}
{% block title %}A form{% endblock %}{% block main %}{{ f.summary(form) }}
<form method="post">{{ f.secrets(form) }}{{ f.field(form, "name", "Name", hint="As others call you") }}
{{ f.checkboxes(form, "days", "Days", [("1", "Monday"), ("2", "Tuesday")]) }}{{ f.button("Send") }}</form>{% endblock %}"""

router = APIRouter()


class Greeting(Fields):
    """One field that must be filled."""

    missing: ClassVar[dict[str, str]] = {"name": "Enter a name"}
    name: str = Field(max_length=10)
    days: tuple[int, ...] = ()


@router.get("/form")
async def form(request: Request) -> Response:
    return pages_of(request).render(request, "form.html", form=blank())


@router.post("/form")
async def post(request: Request) -> Response:
    sent = await read_form(request, Greeting)
    if not sent.ok:
        return pages_of(request).render(request, "form.html", form=sent, status=sent.status)
    if sent.given.name == "taken":
        sent.refuse(Invalid("That name is taken", field="name"))
        return pages_of(request).render(request, "form.html", form=sent, status=sent.status)
    return Response(f"{sent.given.name} {sent.request_id} {sent.given.days}")


@router.post("/hook")
@from_elsewhere
async def hook() -> Response:
    return Response("heard")


@router.post("/two-steps")
@from_elsewhere
async def two_steps(request: Request) -> Response:
    for _ in range(2):
        await asking_of(request).send(Unsubscribe(token="t"), Actor(role=Role.VISITOR), request_id="r")
    return Response("done")


ERRORS = {
    "away": Unreachable(),
    "unanswered": Unanswered(),
    "late": Stale("it was changed"),
    "forbidden": Forbidden("no"),
    "fault": Fault("0199-ref"),
    "nobody": NotFound("no such seat. If it was taken a moment ago, try again in a minute"),
    "odd": RuntimeError("ana@example.org"),
}


@router.get("/raise/{what}")
@router.post("/raise/{what}")
@from_elsewhere
async def fails(what: str) -> Response:
    raise ERRORS[what]


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    (tmp_path / "form.html").write_text(TEMPLATE)
    asking = LocalAsking("admin")
    site = Site(name="admin", title="Chapterhouse", keys=ring("admin"), open_asking=asking.opened, templates=tmp_path)
    app = make_app(site, [router])
    app.state.test_asking = asking
    with TestClient(app) as opened:
        yield opened


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]+)"', page)
    assert found
    return found[1]


def test_head_is_answered_as_get_is(client: TestClient) -> None:
    """Link checkers ask so, and calendar clients."""
    answer = client.head("/form")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == client.get("/form").headers["content-type"]


def test_a_method_that_an_address_does_not_take_is_answered_with_those_that_it_takes(client: TestClient) -> None:
    """RFC 9110, 15.5.6: all of them, though each has a route of its own."""
    assert client.put("/form").headers["allow"] == "GET, HEAD, POST"
    assert client.get("/hook").headers["allow"] == "POST"


def test_words_that_are_no_methods_are_counted_as_one(client: TestClient) -> None:
    """A server takes any word; each would be a figure that is kept for ever."""
    for number in range(50):
        assert client.request(f"BREW{number}", "/form").status_code == 405
    client.get("/form")
    counted = client.app.state.figures.registry.collect()  # type: ignore[attr-defined]
    methods = {sample.labels["method"] for family in counted for sample in family.samples if "method" in sample.labels}
    assert methods == {"GET", "other"}


def test_a_body_of_unknown_length_and_one_too_long_are_refused_with_what_would_be_right(client: TestClient) -> None:
    """Before a byte of it is read."""
    told = client.post("/hook", content=iter([b"a=1"]))
    assert (told.status_code, "Content-Length" in told.text) == (411, True)
    both = client.post("/hook", content=b"x", headers={"Content-Length": "1", "Transfer-Encoding": "chunked"})
    assert both.status_code == 411
    told = client.post("/hook", content=b"x", headers={"Content-Length": "3000001"})
    assert (told.status_code, "3,000 kB" in told.text) == (413, True)


def test_every_page_carries_the_strict_headers(client: TestClient) -> None:
    """Also error pages: nothing is fetched from elsewhere, framed, cached, indexed or told to another site."""
    for path in ("/form", "/nowhere", "/raise/odd"):
        headers = client.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        assert headers["x-robots-tag"] == "noindex, nofollow"
        assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("what", "status", "says"),
    [
        ("away", 503, "Nothing was done"),
        ("fault", 500, "0199-ref"),
        ("nobody", 404, "No such seat. If it was taken a moment ago, try again in a minute."),
        ("odd", 500, "quote this reference"),
    ],
)
def test_an_error_has_a_page_that_helps_and_tells_nobody_elses_words(
    client: TestClient, what: str, status: int, says: str
) -> None:
    """Each kind of failure has its status and its sentence; a refusal's words are shown, another exception's never."""
    answer = client.get(f"/raise/{what}")
    assert answer.status_code == status
    assert says in answer.text
    assert "ana" not in answer.text.lower()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("PUT", "/form", 405),
        ("POST", "/form", 403),
        ("GET", "/nowhere", 404),
        ("GET", "/raise/away", 503),
        ("GET", "/raise/fault", 500),
        ("GET", "/raise/late", 409),
        ("GET", "/raise/forbidden", 403),
    ],
)
def test_every_error_says_what_to_do_next(client: TestClient, method: str, path: str, status: int) -> None:
    """Go back, try again, check it, or whom to ask: nobody is left at a dead end."""
    answer = client.request(method, path)
    assert answer.status_code == status
    main = answer.text.split("<h1>")[1]
    assert re.search(r"Go back|go back|try again|check it|Look again|ask who", main), main


def test_what_left_and_was_not_answered_is_not_said_to_be_undone(client: TestClient) -> None:
    """Only a page that was looked at, and a form that never left, have surely changed nothing."""
    told = client.post("/raise/unanswered")
    assert (told.status_code, told.headers["retry-after"]) == (503, "30")
    assert "We do not know whether it was done. Please send it again" in told.text
    assert "Nothing was done" not in told.text
    for sure in (client.get("/raise/unanswered"), client.post("/raise/away")):
        assert "Nothing was done" in sure.text


def test_a_step_that_is_refused_after_one_that_was_done_is_not_said_to_have_done_nothing(client: TestClient) -> None:
    """The first step stays; only where none was done before, nothing was."""
    asking = client.app.state.test_asking  # type: ignore[attr-defined]
    asking.answer(Unsubscribe, Done(), Stale("it was changed"))
    told = client.post("/two-steps")
    assert (told.status_code, "Look again" in told.text, "Nothing was done" in told.text) == (409, True, False)
    assert "Nothing was done. Look again" in client.post("/two-steps").text


def test_what_is_too_much_says_so_and_what_to_do(client: TestClient) -> None:
    """Before it is read."""
    answer = client.post("/form", content=b"x", headers={"Content-Length": "99999999"})
    assert answer.status_code == 413
    assert "send less" in answer.text


def test_a_form_works_only_with_the_token_of_its_own_browser(client: TestClient) -> None:
    """No token, another browser's token, or another site: refused, and nothing done."""
    page = client.get("/form").text
    good = {"csrf": hidden(page, "csrf"), "request_id": hidden(page, "request_id"), "name": "Ana"}
    assert client.post("/form", data=good).status_code == 200
    assert client.post("/form", data={**good, "csrf": ""}).status_code == 403
    assert client.post("/form", data=good, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert client.post("/form", data=good, headers={"Origin": "https://evil.example"}).status_code == 403
    client.cookies.clear()
    assert client.post("/form", data=good).status_code == 403


def test_a_call_back_from_elsewhere_needs_no_token(client: TestClient) -> None:
    """It is marked so where it stands, and checks its caller by other means."""
    assert client.post("/hook", headers={"Sec-Fetch-Site": "cross-site"}).text == "heard"


def test_errors_stand_beside_their_field_and_in_a_summary(client: TestClient) -> None:
    """A blank field counts as not given; what was typed is kept; the request id comes back only where all is well."""
    page = client.get("/form").text
    sent = {"csrf": hidden(page, "csrf"), "request_id": hidden(page, "request_id"), "name": "  ", "days": ["2"]}
    wrong = client.post("/form", data=sent)
    assert wrong.status_code == 422
    assert '<a href="#name">Enter a name</a>' in wrong.text
    assert 'aria-describedby="name-hint name-error" aria-invalid="true"' in wrong.text
    assert 'value="2" checked' in wrong.text
    taken = client.post("/form", data={**sent, "name": "taken"})
    assert "That name is taken" in taken.text
    assert hidden(taken.text, "request_id") != sent["request_id"]
    right = client.post("/form", data={**sent, "name": " Ana "})
    assert right.text == f"Ana {sent['request_id']} (2,)"


def test_static_files_are_kept_for_a_year_under_their_hash(client: TestClient) -> None:
    """And asked for again, with an ETag, without it."""
    url = re.search(r'href="(/static/gateway/chapterhouse.css\?v=\w+)"', client.get("/form").text)
    assert url
    lasting = client.get(url[1])
    assert "immutable" in lasting.headers["cache-control"]
    again = client.get("/static/gateway/chapterhouse.css", headers={"If-None-Match": lasting.headers["etag"]})
    assert again.status_code == 304
    assert client.get("/static/gateway/../web.py").status_code == 404


def test_a_process_says_whether_it_lives_and_whether_it_can_ask(client: TestClient) -> None:
    """Alive without a broker, ready only with one; figures are for this machine alone."""
    assert client.get("/livez").status_code == 200
    assert client.get("/readyz").status_code == 200
    client.app.state.test_asking.is_connected = False  # type: ignore[attr-defined]
    assert client.get("/readyz").status_code == 503
    assert client.get("/metrics").status_code == 404
