"""What a RabbitMQ node of ours is told: its name, its files, its environment; and the register of such nodes (epmd)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from services.local.ports import LOOPBACK
from services.local.processes import Child, Leash

VHOST = "chapterhouse"
_LOOPBACK_ONLY = "-kernel inet_dist_use_interface {127,0,0,1}"


class Epmd:
    """Erlang's register of nodes, ours alone. A node finds another by asking here for its port."""

    def __init__(self, port: int, folder: Path, leash: Leash) -> None:
        self.port = port
        self._child = Child(
            "epmd",
            ["epmd", "-port", str(port), "-address", LOOPBACK],
            log=folder / "log" / "epmd.log",
            leash=leash,
            env={**_kept(), "HOME": str(folder)},
        )

    @property
    def pid(self) -> int | None:
        """Its process, also of one that has ended."""
        return self._child.pid

    def start(self) -> None:
        """Nothing, if it runs."""
        self._child.start()

    def stop(self) -> None:
        """It keeps nothing that would be lost."""
        self._child.stop(patience=2.0)

    def kill(self) -> None:
        """SIGKILL."""
        self._child.kill()


@dataclass(frozen=True)
class Node:
    """One node's place: its folder, its ports, and the home that it shares with the nodes of its cluster.

    ``home`` holds the cookie by which nodes, and ``rabbitmqctl``, know each other. ``joins`` names the nodes of
    which an empty node becomes a part.
    """

    name: str
    folder: Path
    home: Path
    port: int
    distribution: int
    epmd: int
    password: str
    joins: Sequence[str] = ()

    def furnish(self, server: Path) -> None:
        """Make the folders, and write what the node reads when it starts."""
        for name in ("mnesia", "log", "plugins", "config", "conf.d"):
            (self.folder / name).mkdir(parents=True, exist_ok=True, mode=0o700)
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        (self.folder / "enabled_plugins").write_text("[].\n")
        _link_needed(server, self.folder / "plugins")
        file = self.folder / "config" / "advanced.config"
        file.touch(mode=0o600)
        file.write_text(self._settings())

    def _settings(self) -> str:
        """A minority pauses: a node that is cut off takes nothing that the others would not know of."""
        others = ", ".join(f"'{name}'" for name in self.joins)
        cluster = f"{{cluster_nodes, {{[{others}], disc}}}}," if others else ""
        return f"""[
 {{rabbit, [
   {cluster}
   {{cluster_partition_handling, pause_minority}},
   {{default_user, <<"chapterhouse">>}},
   {{default_pass, <<"{self.password}">>}},
   {{default_vhost, <<"{VHOST}">>}},
   {{default_permissions, [<<".*">>, <<".*">>, <<".*">>]}},
   {{loopback_users, [<<"guest">>, <<"chapterhouse">>]}},
   {{tcp_listeners, [{{"{LOOPBACK}", {self.port}}}]}},
   {{collect_statistics, none}},
   {{disk_free_limit, 104857600}}
 ]}},
 {{ra, [{{wal_max_size_bytes, 67108864}}]}}
].
"""

    def environment(self) -> dict[str, str]:
        """For the node, and for ``rabbitmqctl`` that speaks to it."""
        here = self.folder
        return {
            **_kept(),
            "HOME": str(self.home),
            "RABBITMQ_NODENAME": self.name,
            "RABBITMQ_NODE_IP_ADDRESS": LOOPBACK,
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self.distribution),
            "RABBITMQ_MNESIA_BASE": str(here / "mnesia"),
            "RABBITMQ_LOG_BASE": str(here / "log"),
            "RABBITMQ_PID_FILE": str(here / "node.pid"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_CONFIG_FILE": str(here / "config" / "none"),
            "RABBITMQ_CONFIG_FILES": str(here / "conf.d"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(here / "config" / "advanced.config"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(here / "config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(here / "enabled_plugins"),
            "RABBITMQ_PLUGINS_DIR": str(here / "plugins"),
            "RABBITMQ_FEATURE_FLAGS_FILE": str(here / "feature_flags"),
            "ERL_EPMD_PORT": str(self.epmd),
            "ERL_EPMD_ADDRESS": LOOPBACK,
            "ERL_CRASH_DUMP_SECONDS": "0",
            # With "allow input" the script becomes the node, instead of watching it from a shell that a SIGKILL would orphan.
            "RABBITMQ_ALLOW_INPUT": "1",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": f"-noinput -start_epmd false {_LOOPBACK_ONLY}",
            # A rabbitmqctl that comes after the node's epmd has ended would leave one behind.
            "RABBITMQ_CTL_ERL_ARGS": f"-start_epmd false {_LOOPBACK_ONLY}",
        }


def _kept() -> dict[str, str]:
    """What a program of Erlang's needs of our own environment.

    The locale is always the same: by it Erlang writes a path that is not ASCII, and under another it does not find
    again what it has kept of its queues.
    """
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "TMPDIR", "TZ"}}
    return {"PATH": "/usr/local/bin:/usr/bin:/bin", **kept, "LC_ALL": "C.UTF-8"}


def _link_needed(server: Path, into: Path) -> None:
    """Only what the node itself is made of: it looks into every plugin it sees, which costs seconds."""
    for old in into.iterdir():
        old.unlink()
    for plugin in (server.resolve().parent.parent / "plugins").iterdir():
        if plugin.name.startswith(("rabbit-", "rabbit_common-", "rabbitmq_prelaunch-")):
            (into / plugin.name).symlink_to(plugin)
