"""Cookies and what is kept of a browser."""

from __future__ import annotations

import pytest
from fastapi import Response
from sqlalchemy import MetaData, select

from shared.gateway.database import Database
from shared.gateway.sessions import Cookie, Sessions, describe_client, session_table
from shared.storage.engine import make_engine


def test_over_https_a_cookie_is_bound_to_its_host() -> None:
    """``__Host-`` wants Secure, no domain and the whole path."""
    response = Response()
    Cookie("session-admin", secure=True).set(response, "token")
    header = response.headers["set-cookie"]
    assert header.startswith("__Host-session-admin=token;")
    for part in ("HttpOnly", "Secure", "SameSite=lax", "Path=/"):
        assert part in header
    assert "Domain" not in header
    plain = Response()
    Cookie("session-admin", secure=False).set(plain, "token")
    assert plain.headers["set-cookie"].startswith("session-admin=token;")
    assert "HttpOnly" in plain.headers["set-cookie"]


@pytest.mark.parametrize(
    ("agent", "said"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("", "A browser"),
    ],
)
def test_a_browser_is_kept_as_its_owner_would_say_it(agent: str, said: str) -> None:
    """Never the string itself, which tells machines apart."""
    assert describe_client(agent) == said


def test_only_the_hash_of_a_token_is_stored() -> None:
    """Whoever reads the database cannot sign in with what they read."""
    engine, metadata = make_engine("sqlite://"), MetaData()
    table = session_table(metadata)
    with engine.connect().execution_options(writing=True) as connection, connection.begin():
        metadata.create_all(connection)
    from datetime import timedelta  # noqa: PLC0415

    sessions = Sessions(Database(engine), table, idle=timedelta(minutes=30), absolute=timedelta(hours=8))
    token = sessions.begin("account-1")
    found = sessions.find(token)
    assert found is not None
    assert found.subject == "account-1"
    with engine.connect() as connection:
        assert token not in str(connection.execute(select(table)).all())
    assert not sessions.end_one("account-2", found.session_id)
    assert sessions.end_one("account-1", found.session_id)
    assert sessions.find(token) is None
    engine.dispose()
