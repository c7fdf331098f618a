"""A private broker as production has it: deploy's own configuration, TLS both ways, users with deploy's rights."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from urllib.parse import urlencode

from services.local.broker import VHOST, PrivateBroker
from services.local.ports import LOOPBACK, free_ports
from services.local.processes import Leash
from shared.runtime.keys import PRINCIPALS
from shared.runtime.settings import Settings
from tests.component.deploy.certificates import Authority
from tests.support.broker import chosen_server
from tests.support.processes import ROOT
from tests.support.shipped import shipped_definitions

OWNER = "chapterhouse"
"""The private node's own user: with definitions to load, a node makes no default user."""


class Secured:
    """The node, who signed its certificate, and everyone's address of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = Authority(folder / "authority")
        self.port = free_ports(1)[0]
        self.passwords = {name: secrets.token_urlsafe(18) for name in (*PRINCIPALS, OWNER)}
        self._leash = Leash()
        self.node = PrivateBroker(folder / "node", self._leash, server=chosen_server())
        self._furnish(folder / "node")
        self.node.start()

    def stop(self) -> None:
        """End it."""
        self.node.stop()
        self._leash.close()

    def url(self, user: str, **instead: str) -> str:
        """This user's address: TLS, with a certificate of the authority that the broker trusts."""
        certificate, key = self.authority.folder / f"{user}.crt", self.authority.folder / f"{user}.key"
        if not certificate.exists():
            self.authority.sign(user)
        files = {"cafile": self.authority.ca, "certfile": certificate, "keyfile": key} | instead
        host = f"{files.pop('host', 'localhost')}:{self.port}"
        named = urlencode({name: value for name, value in files.items() if value})
        return f"amqps://{user}:{self.passwords[user]}@{host}/{VHOST}?{named}"

    def _furnish(self, folder: Path) -> None:
        certificate, key = self.authority.sign("broker", hosts=("localhost",))
        (folder / "conf.d").mkdir(parents=True)
        (folder / "password").write_text(self.passwords[OWNER])
        told = (ROOT / "deploy" / "rabbitmq" / "rabbitmq.conf").read_text()
        for there, here in {
            "/etc/rabbitmq/tls/ca.crt": self.authority.ca,
            "/etc/rabbitmq/tls/tls.crt": certificate,
            "/etc/rabbitmq/tls/tls.key": key,
            "/etc/rabbitmq/definitions/definitions.json": folder / "definitions.json",
            "= 5671": f"= {LOOPBACK}:{self.port}",
            "= 2GB": "= 100MB",
        }.items():
            assert there in told
            told = told.replace(there, str(here))
        (folder / "conf.d" / "10-chapterhouse.conf").write_text(told)
        made = shipped_definitions(Settings().ladder, vhost=VHOST, passwords=self.passwords)
        owner = shipped_definitions((), passwords={"operator": self.passwords[OWNER]})["users"][-1]
        made["users"].append(owner | {"name": OWNER})
        everything = {"configure": ".*", "write": ".*", "read": ".*"}
        made["permissions"].append({"user": OWNER, "vhost": VHOST, **everything})
        (folder / "definitions.json").write_text(json.dumps(made))
