"""``python -m tests.support.rabbitmq4 FOLDER``: RabbitMQ 4 from Debian 13, unpacked in a folder beside this machine's own.

By package name, through an apt of its own that takes its mirror from the machine's; nothing of the system's packages
is touched. Debian 13's programs need Debian 13's libraries: the programs in ``FOLDER/sbin`` run, each in a mount
namespace of its own, with the folder's ``usr`` over the machine's.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SUITE = "trixie"
PACKAGES = ("rabbitmq-server", "dash", "coreutils", "sed", "grep", "mawk")
"""The server with its Erlang, and what its scripts call that Debian takes for granted (Essential: yes)."""
PROGRAMS = ("rabbitmq-server", "rabbitmqctl", "rabbitmq-queues")
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


class Refused(Exception):  # noqa: N818 - told as a sentence
    """It cannot be fetched or run here; the message says why."""


def mirror() -> str:
    """Where this machine gets Debian's packages. Raises Refused where it is no Debian."""
    asked = ["apt-get", "indextargets", "--format", "$(SITE) $(COMPONENT) $(RELEASE)", "Created-By: Packages"]
    try:
        told = subprocess.run([*asked, "Origin: Debian"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise Refused("RabbitMQ 4 comes from Debian 13's packages, and there is no apt-get here") from error
    for line in told.splitlines():
        site, component, release = line.split()
        if component == "main" and "security" not in release:
            return site
    raise Refused("RabbitMQ 4 comes from Debian 13's packages, and apt knows no mirror of Debian: run apt-get update")


def fetch(folder: Path) -> None:
    """Download and unpack, unless that was done. Raises Refused."""
    done = folder / "unpacked"
    if done.exists():
        return
    options = _own_apt(folder / "apt")
    _run(["apt-get", *options, "-q", "update"])
    _run(["apt-get", *options, "-q", "-y", "--no-install-recommends", "--download-only", "install", *PACKAGES])
    for package in sorted((folder / "apt" / "archives").glob("*.deb")):
        _run(["dpkg-deb", "--extract", str(package), str(folder / "tree")])
        package.unlink()
    done.touch()


def _own_apt(folder: Path) -> list[str]:
    """An apt that knows one source and thinks that nothing is installed."""
    for name in ("lists/partial", "archives/partial", "preferences.d", "sources.list.d"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "status").touch()
    signed = f" [signed-by={KEYRING}]" if Path(KEYRING).exists() else ""
    (folder / "sources.list").write_text(f"deb{signed} {mirror()} {SUITE} main\n")
    own = {
        "Dir::State::status": "status",
        "Dir::State::lists": "lists",
        "Dir::Cache": ".",
        "Dir::Cache::archives": "archives",
        "Dir::Etc::sourcelist": "sources.list",
        "Dir::Etc::sourceparts": "sources.list.d",
        "Dir::Etc::preferencesparts": "preferences.d",
    }
    return [part for name, value in own.items() for part in ("-o", f"{name}={folder / value}")] + [
        "-o",
        "APT::Sandbox::User=root",  # else a user of apt's own downloads, who may not write here
        "-o",
        "APT::Install-Recommends=false",
    ]


def furnish(folder: Path) -> Path:
    """Write the programs; the folder that they are in."""
    tree = folder / "tree" / "usr"
    server = next((tree / "lib" / "rabbitmq" / "lib").glob("rabbitmq_server-*"))
    (folder / "plugins").unlink(missing_ok=True)
    (folder / "plugins").symlink_to(server / "plugins")  # services.local.erlang looks for them beside the programs
    programs = folder / "sbin"
    programs.mkdir(exist_ok=True)
    alone = "unshare --mount" if os.geteuid() == 0 else "unshare --user --map-current-user --keep-caps --mount"
    for name in PROGRAMS:
        own = tree / "lib" / "rabbitmq" / "bin" / name
        file = programs / name
        file.write_text(
            "#!/bin/sh\n"
            f'exec {alone} /bin/sh -c \'mount --bind "$0" /usr && exec "$@"\' '
            f"'{tree}' '/usr/{own.relative_to(tree)}' \"$@\"\n"
        )
        file.chmod(0o755)
    return programs


def _run(command: list[str]) -> None:
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Refused(f"{' '.join(command[:1] + command[-1:])}: {(done.stderr or done.stdout).strip()}")


def main() -> int:
    """Fetch, furnish, and see that it runs."""
    folder = Path(sys.argv[1]).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        fetch(folder)
        programs = furnish(folder)
        _run([str(programs / "rabbitmqctl"), "help"])
    except Refused as refused:
        print(refused, file=sys.stderr)
        return 1
    print(programs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
