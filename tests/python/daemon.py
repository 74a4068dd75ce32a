"""What the tests over Cap'n Proto share: the schema, publicly known keys, the real daemon, and logins."""

import os
import subprocess
import tempfile
import time

import capnp
from eth_account import Account

import tab

capnp.remove_import_hook()

# The publicly known development accounts of the mnemonic "test test test test test test test test test test test junk".
Account.enable_unaudited_hdwallet_features()
ACCOUNTS = [Account.from_mnemonic("test " * 11 + "junk", account_path=f"m/44'/60'/0'/0/{i}") for i in range(8)]


def load(folder: str, name: str):
    """A file of rpc/schema. "/capnp/c++.capnp" comes with pycapnp."""
    return capnp.load(os.path.join(folder, name), imports=[os.path.dirname(os.path.dirname(capnp.__file__))])


class Daemon:
    """tabd with a configuration of its own; stopped at the end. Its operator's key is ACCOUNTS[0]. `secrets`: further files
    that it reads."""

    def __init__(self, tabd: str, config: str, secrets: dict | None = None):
        self.tabd, self.config, self.secrets = tabd, config, secrets or {}

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="tabd-py-")
        self.socket = self.path("t.sock")
        self.write("tabd.toml", self.config, 0o644)
        self.write("operator.key", ACCOUNTS[0].key.to_0x_hex() + "\n", 0o400)
        for name, secret in self.secrets.items():
            self.write(name, secret + "\n", 0o400)
        self.log = open(self.path("log"), "w+")
        self.start()
        return self

    def start(self) -> None:
        self.process = subprocess.Popen([self.tabd, "--config", self.path("tabd.toml")], stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=self.log)
        deadline = time.monotonic() + 60
        while not os.path.exists(self.socket):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("tabd did not start:\n" + self.said())
            time.sleep(0.05)

    def kill(self) -> None:
        """kill -9: nothing is flushed and nobody is told. The socket's file stays behind."""
        self.process.kill()
        self.process.wait()
        os.unlink(self.socket)

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def said(self) -> str:
        with open(self.path("log"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def path(self, name: str) -> str:
        return os.path.join(self.folder.name, name)

    def write(self, name: str, text: str, mode: int) -> None:
        with open(os.open(self.path(name), os.O_WRONLY | os.O_CREAT, mode), "w") as file:
            file.write(text)

    def __exit__(self, *_):
        self.stop()
        self.log.close()
        self.folder.cleanup()


class Connection:
    def __init__(self, schema, status, network: str):
        self.schema, self.status, self.network = schema, status, network

    async def open(self, socket: str):
        self.stream = await capnp.AsyncIoStream.create_unix_connection(path=socket)
        self.client = capnp.TwoPartyClient(self.stream)
        self.tabd = self.client.bootstrap().cast_as(self.schema.Tabd)
        return self

    async def login(self, role: str, key, signed_role=None):
        asked = await self.tabd.authenticate(role=role, key=tab.address(key.address))
        signature = tab.sign(key, self.network, "Login", {
            "role": signed_role or role, "key": key.address, "challenge": bytes(asked.challenge)})
        answer = await asked.login.login(signature=signature)
        if answer.status != self.status.statusOk:
            return answer.status, None
        return answer.status, getattr(answer.session, role)
