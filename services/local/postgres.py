"""A PostgreSQL cluster of our own from the machine's binaries: loopback only, a free port, fsync on.

initdb refuses root, so as root another user of the machine runs it, and the folder is theirs.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import closing
from pathlib import Path

import psycopg2
from psycopg2 import sql

from services.local import packages
from services.local.ports import LOOPBACK, free_ports, is_free
from services.local.processes import Child, Leash

SUPERUSER = "chapterhouse"
READY_WITHIN = 60.0
"""Seconds. An idle machine takes less than one; recovery after a kill takes longer."""


class PostgresFailed(Exception):  # noqa: N818 - told to the operator as a sentence
    """The private cluster was not made, did not start, or died; the message says so."""


def find_binaries() -> Path | None:
    """The folder of the newest PostgreSQL's server programs, or None."""
    versions = sorted(
        (folder for folder in Path("/usr/lib/postgresql").glob("*/bin") if (folder / "initdb").is_file()),
        key=lambda folder: int(folder.parent.name) if folder.parent.name.isdigit() else 0,
    )
    if versions:
        return versions[-1]
    for program in ("initdb", "pg_ctl"):
        if found := shutil.which(program):
            return Path(found).resolve().parent
    return None


def require_binaries() -> Path:
    """The folder; the package is installed first where we may. Raises ProgramMissing."""
    packages.require(
        find_binaries(), ["postgresql"], "PostgreSQL", ", or name one of yours: CHAPTERHOUSE_TEST_POSTGRES"
    )
    found = find_binaries()
    if found is None:
        raise packages.ProgramMissing("postgresql was installed, but its programs are not where Debian puts them")
    return found


def _unprivileged() -> str | None:
    """Who runs the cluster: ourselves (None), or, if we are root, a user who is not."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise PostgresFailed("PostgreSQL does not run as root, and this machine has neither a user postgres nor nobody")


class PrivatePostgres:
    """One cluster in a folder of its own (a scratch folder unless one is named).

    ``durable`` False leaves out the syncs to disk, for tests: what was committed survives a killed server, not a
    power cut.
    """

    def __init__(
        self, leash: Leash, *, folder: Path | None = None, binaries: Path | None = None, durable: bool = True
    ) -> None:
        self._leash = leash
        self._durable = durable
        self._scratch = folder is None
        self._folder = (folder or Path(tempfile.mkdtemp(prefix="chapterhouse-postgres-"))).absolute()
        self._binaries = binaries
        self._user = _unprivileged()
        self._port: int | None = None
        self._server: Child | None = None
        self._stopped = False

    @property
    def port(self) -> int:
        """The same for this object's life."""
        if self._port is None:
            self._port = free_ports(1)[0]
        return self._port

    @property
    def url(self) -> str:
        """The superuser's URL of the maintenance database, for SQLAlchemy with psycopg2."""
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        """The URL of another database; ``{service}`` in the name stays for Settings to fill in."""
        return f"postgresql+psycopg2://{SUPERUSER}:{self._password()}@{LOOPBACK}:{self.port}/{database}"

    def start(self) -> None:
        """Make the cluster if the folder has none, start it and wait. Raises ProgramMissing, PostgresFailed."""
        binaries = self._binaries = self._binaries or require_binaries()
        if not (self._folder / "data" / "PG_VERSION").exists():
            self._make(binaries)
        if self._server is None:
            if not is_free(self.port):
                self._port = free_ports(1)[0]
            self._server = Child(
                "postgres",
                [binaries / "postgres", "-D", self._folder / "data", *self._options()],
                log=self._folder / "postgres.log",
                leash=self._leash,
                env={**os.environ, "LC_ALL": "C.UTF-8"},
                cwd=self._folder,
                user=self._user,
            )
        self.launch()
        try:
            self._wait_ready()
        except PostgresFailed as error:
            if "shared memory" not in str(error):
                raise
            time.sleep(2.0)  # after a SIGKILL the sessions notice a moment later, and hold the memory till then
            self.launch()
            self._wait_ready()

    def launch(self) -> None:
        """Start one that was started before, without waiting."""
        self._stopped = False
        if self._server:
            self._server.start()

    def problem(self) -> str | None:
        """A sentence if it has died, else None: one that was stopped has not."""
        if self._server is None or self._stopped or self._server.alive():
            return None
        return f"PostgreSQL, our private cluster, ended (code {self._server.code}). Its log: {self._server.log}"

    def stop(self) -> None:
        """A fast shutdown: sessions are ended, everything is written. A scratch folder is removed."""
        self._stopped = True
        if self._server:
            self._server.stop(sign=signal.SIGINT, patience=20.0)
        if self._scratch:
            shutil.rmtree(self._folder, ignore_errors=True)

    def kill(self) -> None:
        """SIGKILL, as a power cut would; ``start`` recovers on the same port."""
        if self._server:
            self._server.kill()

    def restart(self) -> None:
        """A fast shutdown and a start: every session is ended."""
        self._stopped = True
        if self._server:
            self._server.stop(sign=signal.SIGINT, patience=20.0)
        self.start()

    def create_database(self, name: str, *, template: str = "template1") -> str:
        """Create an empty database, or a copy of another that nobody uses; its URL."""
        self._execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))
        return self.url_of(name)

    def ensure_database(self, name: str) -> None:
        """Create an empty database, unless it is there."""
        with closing(self._connect()) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
            if cursor.fetchone() is None:
                self.create_database(name)

    def drop_database(self, name: str) -> None:
        """Drop it, ending the sessions that use it."""
        self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _execute(self, statement: sql.Composed) -> None:
        with closing(self._connect()) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)

    def _connect(self) -> psycopg2.extensions.connection:
        return psycopg2.connect(
            host=LOOPBACK,
            port=self.port,
            user=SUPERUSER,
            password=self._password(),
            dbname="postgres",
            connect_timeout=5,
        )

    def _options(self) -> list[str]:
        settings = {
            "listen_addresses": LOOPBACK,
            "port": str(self.port),
            "unix_socket_directories": "",
            "fsync": "on" if self._durable else "off",
            "full_page_writes": "on" if self._durable else "off",
            "synchronous_commit": "on",
            "shared_buffers": "64MB",
            "max_connections": "200",
            "timezone": "UTC",
        }
        return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]

    def _password(self) -> str:
        return (self._folder / "password").read_text().strip()

    def _make(self, binaries: Path) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (self._folder / "password").write_text(secrets.token_urlsafe(18) + "\n")
        (self._folder / "password").chmod(0o600)
        if self._user is not None:
            shutil.chown(self._folder, self._user)
            shutil.chown(self._folder / "password", self._user)
        done = subprocess.run(
            [
                str(binaries / "initdb"),
                f"--pgdata={self._folder / 'data'}",
                f"--username={SUPERUSER}",
                f"--pwfile={self._folder / 'password'}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--no-locale",
                "--no-sync",
            ],
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
            user=self._user,
            extra_groups=None if self._user is None else [],
        )
        if done.returncode != 0:
            who = f" as user {self._user}, who must be able to reach the folder" if self._user else ""
            raise PostgresFailed(f"initdb failed in {self._folder}{who}: {done.stderr.strip()}")

    def _wait_ready(self) -> None:
        until = time.monotonic() + READY_WITHIN
        while True:
            try:
                self._connect().close()
            except psycopg2.OperationalError as error:
                said = str(error).strip()
            else:
                return
            if self._server is None or not self._server.alive():
                raise PostgresFailed(
                    f"PostgreSQL, our private cluster, ended.\n{self._server.tail() if self._server else ''}"
                )
            if time.monotonic() > until:
                raise PostgresFailed(f"PostgreSQL was not ready after {READY_WITHIN:.0f} s: {said}")
            time.sleep(0.1)
