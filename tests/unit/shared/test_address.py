"""A broker's address is checked before it is used, and told in words; settings may lie in files."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from pydantic import ValidationError

from services.notifications.settings import NotificationsSettings
from shared.messaging.address import connection_to
from shared.messaging.nodes import in_turn
from shared.runtime.address import problem_of
from shared.runtime.settings import Settings


@pytest.fixture
def file(tmp_path: Path) -> str:
    (tmp_path / "some.pem").write_text("")
    return str(tmp_path / "some.pem")


@pytest.mark.parametrize(
    "url",
    [
        "amqp://guest:guest@127.0.0.1:5672//",
        "amqps://u:secret@broker/v",
        "amqps://u:secret@broker/v?cafile={file}",
        "amqps://u:secret@broker:5671/v?cafile={file}&certfile={file}&keyfile={file}",
    ],
)
def test_a_good_address_is_taken(url: str, file: str) -> None:
    """With TLS and without."""
    assert problem_of(url.format(file=file)) is None


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://u:secret@broker/v", "begins with amqp:// or amqps://"),
        ("amqps://u:secret@broker/v?cafile=/nowhere.pem", "no such file"),
        ("amqps://u:secret@broker/v?ca_file={file}", "ca_file is none of them"),
        ("amqps://u:secret@broker/v?no_verify_ssl=1", "no_verify_ssl is none of them"),
        ("amqp://u:secret@broker/v?cafile={file}", "nothing would be encrypted"),
        ("amqps://u:secret@broker/v?certfile={file}", "go together"),
        (" ; ", "no broker is named"),
        ("amqp://u:secret@one/v; amqps://u:secret@two/v?cafile=/nowhere.pem", "no such file"),
    ],
)
def test_a_wrong_one_is_refused_with_what_would_be_right(url: str, says: str, file: str) -> None:
    """Checking cannot be turned off, and a misspelt word is not passed over. The password is in no message."""
    with pytest.raises(ValidationError) as refused:
        Settings(broker_url=url.format(file=file))
    assert says in str(refused.value)
    assert "secret" not in str(refused.value)


def test_kombu_is_told_to_check_certificate_and_name() -> None:
    """py-amqp alone would take any name; kombu would ask localhost's certificate for a number."""
    tls = connection_to("amqps://u:p@localhost:5671/v?cafile=/ca.pem").ssl
    assert tls == {"ca_certs": "/ca.pem", "cert_reqs": ssl.CERT_REQUIRED, "server_hostname": "localhost"}


def test_a_setting_may_lie_in_a_file_and_a_variable_goes_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every process's, under the variable's name in small letters."""
    monkeypatch.setenv("CHAPTERHOUSE_SECRETS", str(tmp_path))
    monkeypatch.delenv("CHAPTERHOUSE_BROKER_URL", raising=False)
    (tmp_path / "chapterhouse_broker_url").write_text("amqp://from:file@broker/v\n")
    (tmp_path / "chapterhouse_notifications_sms_token").write_text("token")
    assert Settings().broker_url == "amqp://from:file@broker/v"
    assert NotificationsSettings().sms_secret() == "token"
    monkeypatch.setenv("CHAPTERHOUSE_BROKER_URL", "amqp://from:variable@broker/v")
    assert Settings().broker_url == "amqp://from:variable@broker/v"


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("amqp://a:b@host/v", None),
        ("amqp://a:b@host/v?heartbeat=5", None),
        ("amqps://a:b@host/v?heartbeat=5", None),
        ("amqp://a:b@host/v?heartbeat=soon", "heartbeat is a whole number of seconds, not soon"),
        ("amqps://a:b@host/v?timeout=5", "cafile, certfile, keyfile, heartbeat"),
        ("http://host", "begins with amqp:// or amqps://"),
    ],
)
def test_what_is_wrong_with_an_address_is_named(address: str, problem: str | None) -> None:
    """And a heart's beat may be told with TLS and without."""
    told = problem_of(address)
    assert told is None if problem is None else problem in (told or "")


@pytest.mark.parametrize("scheme", ["amqp", "amqps"])
def test_the_heartbeat_of_an_address_goes_before_ours(scheme: str) -> None:
    """So that an operator may have a lost node missed sooner."""
    assert int(connection_to(f"{scheme}://a:b@host/v?heartbeat=5", heartbeat=30).heartbeat) == 5


def test_every_node_of_a_setting_is_tried_once_in_an_order_of_chance() -> None:
    """So that processes spread over the nodes, and none stays with a node that lets it in and will not do."""
    orders = {tuple(in_turn("amqp://one/v; amqp://two/v;amqp://three/v;")) for _ in range(200)}
    assert {frozenset(order) for order in orders} == {frozenset({"amqp://one/v", "amqp://two/v", "amqp://three/v"})}
    assert len(orders) == 6
