"""PostgreSQL as deploy/ furnishes it: secrets made by make-secrets, roles by roles.sql, TLS that is checked."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg2
import pytest
from click.testing import CliRunner, Result
from sqlalchemy.engine import make_url

from services.cli import main
from services.local.postgres import PrivatePostgres
from services.local.processes import Leash
from services.operator.copying import ALL
from tests.component.deploy.certificates import Authority
from tests.support.processes import ROOT

DEPLOY = ROOT / "deploy"


@dataclass
class Secured:
    """The server, and the folder of secrets with the paths that a container would have put right."""

    port: int
    secrets: Path

    def url(self, name: str, **instead: str) -> str:
        """The address that make-secrets wrote for a process, with this machine's paths and port in it."""
        told = (self.secrets / "settings" / name / "chapterhouse_database_url").read_text()
        told = told.replace("/run/secrets/tls", str(self.secrets / "tls")).replace(":5432", f":{self.port}")
        told = told.replace("/tmp/pgpass", str(self.secrets / "pgpass"))
        for one, other in instead.items():
            assert one in told
            told = told.replace(one, other)
        return told


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    folder = tmp_path_factory.mktemp("databases")
    secrets = folder / "secrets"
    env = {**os.environ, "POSTGRES_HOST": "localhost", "PATH": f"{ROOT / '.venv/bin'}:{os.environ['PATH']}"}
    subprocess.run([DEPLOY / "make-secrets", secrets], env=env, check=True, capture_output=True)
    shutil.copy(secrets / "settings/operator/pgpass", secrets / "pgpass")
    (secrets / "pgpass").chmod(0o600)
    leash = Leash()
    server = PrivatePostgres(leash)
    server.start()
    _furnish(server, secrets)
    yield Secured(make_url(server.url).port or 0, secrets)
    server.stop()
    leash.close()


def _furnish(server: PrivatePostgres, secrets: Path) -> None:
    """As compose.yaml does; the superuser keeps a way in over loopback, since the private server has no socket."""
    url = make_url(server.url)
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg2.connect(address) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW data_directory")
        data = Path(cursor.fetchall()[0][0])
    owner = data.stat()
    for name in ("postgres.crt", "postgres.key"):
        shutil.copy(secrets / "tls" / name, data / name)
        os.chown(data / name, owner.st_uid, owner.st_gid)
        (data / name).chmod(0o600)
    superuser = f"host all {url.username} 127.0.0.1/32 scram-sha-256\n"
    rules = (DEPLOY / "postgres/pg_hba.conf").read_text()
    (data / "pg_hba.conf").write_text(superuser + rules)
    with (data / "postgresql.conf").open("a") as file:
        file.write("ssl = on\nssl_cert_file = 'postgres.crt'\nssl_key_file = 'postgres.key'\n")
    server.restart()
    env = {**os.environ, "PGPASSWORD": str(url.password), "PASSWORDS": str(secrets / "database-passwords")}
    where = ["--host", "127.0.0.1", "--port", str(url.port), "--username", str(url.username), "--dbname", "postgres"]
    for _ in range(2):  # once more changes nothing
        done = subprocess.run(
            ["psql", "--no-psqlrc", *where, "--file", DEPLOY / "postgres/roles.sql"],
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr


def run(monkeypatch: pytest.MonkeyPatch, url: str, *command: str) -> Result:
    monkeypatch.setenv("CHAPTERHOUSE_DATABASE_URL", url)
    monkeypatch.setenv("CHAPTERHOUSE_BROKER_URL", "amqp://nobody@127.0.0.1:1/none")
    return CliRunner().invoke(main, list(command))


def test_each_process_brings_its_own_database_up_and_the_operator_looks_into_all(
    secured: Secured, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the addresses and passwords that make-secrets wrote, over TLS."""
    for name in ALL:
        done = run(monkeypatch, secured.url(name), "migrate", name)
        assert done.output == f"{name}: up to date\n"
    assert "Nothing is parked" in run(monkeypatch, secured.url("operator"), "parked", "list").output


@pytest.mark.parametrize("name", ALL)
def test_a_role_has_its_own_database_and_no_other(secured: Secured, name: str) -> None:
    """Not even to look whether it is there."""
    url = make_url(secured.url(name)).set(drivername="postgresql")
    for other in (*(f"chapterhouse_{each}" for each in ALL), "postgres"):
        address = url.set(username=f"chapterhouse_{name}", database=other).render_as_string(hide_password=False)
        if other == f"chapterhouse_{name}":
            psycopg2.connect(address).close()
            continue
        with pytest.raises(psycopg2.OperationalError, match=r"no pg_hba\.conf entry"):
            psycopg2.connect(address)


def test_a_server_that_another_authority_signed_is_refused_in_a_sentence(
    secured: Secured, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """And nothing is sent to it; nor to one whose certificate bears another name."""
    stranger = str(Authority(tmp_path / "stranger").ca)
    url = secured.url("portal", **{str(secured.secrets / "tls/ca.crt"): stranger})
    said = run(monkeypatch, url, "migrate", "portal").output
    assert said.startswith("Error: portal: its database cannot be used.")
    assert "certificate verify failed" in said
    elsewhere = secured.url("portal", localhost="127.0.0.1")
    assert 'does not match host name "127.0.0.1"' in run(monkeypatch, elsewhere, "migrate", "portal").output


def test_nobody_speaks_to_it_in_the_clear(secured: Secured, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even one who would like to."""
    said = run(monkeypatch, secured.url("portal", **{"verify-full": "disable"}), "migrate", "portal").output
    assert "no encryption" in said
