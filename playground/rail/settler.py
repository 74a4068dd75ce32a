"""A rail for tabd in Python: connects, logs in, registers, and moves money in a book of its own (book.py).

    settler.py --socket tabd.sock --schema ../../rpc/schema --key rail.key --book book.sqlite

docs/rails/external.md goes through it step by step; what a settler promises is in rpc/schema/settler.capnp.
"""

import argparse
import asyncio
import hashlib
import json
import os
import sys

import capnp
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_utils import keccak

from book import Book

capnp.remove_import_hook()

RETRY_S = 0.2  # between attempts to reach the daemon


def load(folder: str, name: str):
    """A file of rpc/schema. "/capnp/c++.capnp" comes with pycapnp."""
    return capnp.load(os.path.join(folder, name), imports=[os.path.dirname(os.path.dirname(capnp.__file__))])


def sign_login(key, network: str, challenge: bytes) -> bytes:
    """EIP-712 Login(string role,address key,bytes32 challenge) in the operator's domain."""
    fields = {
        "EIP712Domain": [("name", "string"), ("version", "string"), ("salt", "bytes32")],
        "Login": [("role", "string"), ("key", "address"), ("challenge", "bytes32")]}
    message = {
        "types": {kind: [{"name": name, "type": of} for name, of in of_kind] for kind, of_kind in fields.items()},
        "primaryType": "Login",
        "domain": {"name": "tabd", "version": "1", "salt": keccak(text=network)},
        "message": {"role": "rail", "key": key.address, "challenge": challenge}}
    return bytes(key.sign_message(encode_typed_data(full_message=message)).signature)


def wide(number) -> int:
    return number.high << 64 | number.low


def make_settler(schema, book: Book):
    """The class that answers the daemon. Methods that end with _context are pycapnp's way to name results by hand."""

    class Settler(schema.Settler.Server):
        def __init__(self):
            self.network = ""
            self.sending = False

        async def capabilities_context(self, context):
            can = context.results.capabilities
            can.pull = can.push = can.refunds = can.canProbe = can.deduplicates = True
            can.inFlightMax = 1000

        async def start_context(self, context):
            opening = context.params.opening
            self.network = str(opening.network)
            self.sending = opening.sending

        async def adopt_context(self, context):
            pass  # the book knows every key already

        async def setSending_context(self, context):
            self.sending = context.params.allowed

        async def stop_context(self, context):
            pass

        async def prepare_context(self, context):
            instruction, prepared = context.params.instruction, context.results.prepared
            settlement = instruction.settlement
            of_payer = settlement.kind in ("collection", "refund")
            account = bytes(instruction.mandate).decode("utf-8", "replace") if of_payer else str(
                instruction.payeeAccount)
            if not account:
                prepared.failure = "noMandate"
                prepared.code = "no_account"
                prepared.detail = "the payer has given no account for this rail"
                return
            # The same for every prepare() of this attempt, and of no other.
            name = f"{self.network}|{settlement.id}|{settlement.attempt}|{settlement.technicalRetries}"
            prepared.idempotencyKey = hashlib.sha256(name.encode()).digest()
            prepared.request = json.dumps({
                "settlement": settlement.id, "attempt": settlement.attempt, "kind": str(settlement.kind),
                "asset": str(instruction.asset.symbol), "amount": str(wide(settlement.amount)),
                "account": account}).encode()
            prepared.detail = f"would move {wide(settlement.amount)} of {instruction.asset.symbol} for {account}"

        async def abandon_context(self, context):
            pass  # prepare() reserves nothing

        async def send_context(self, context):
            settlement, outcome = context.params.instruction.settlement, context.results.outcome
            if not self.sending:
                raise RuntimeError("sending is switched off")
            key = bytes(settlement.idempotencyKey)
            if book.move(key, json.loads(bytes(settlement.request))):
                outcome.state = "accepted"
                outcome.reference = "py-" + key.hex()[:16]
                outcome.nextProbeMs = 100
            else:
                outcome.state, outcome.failure = "failed", "technical"
                outcome.detail = "this key was given up before the request came"

        async def probe_context(self, context):
            settlement, outcome = context.params.instruction.settlement, context.results.outcome
            key = bytes(settlement.idempotencyKey)
            if book.has_moved(key):
                outcome.state = "final"
                outcome.reference = "py-" + key.hex()[:16]
            elif settlement.state in ("accepted", "confirmed", "settled"):
                outcome.state = "unknown"  # the book has lost what it said: a person must look
                outcome.railFault = True
            else:
                outcome.state, outcome.failure = "failed", "technical"
                outcome.detail = "no movement has this key, and none will"

        async def report_context(self, context):
            count, total = book.totals()
            context.results.description = f"{count} payments in the book"
            gauges = context.results.init("gauges", 1)
            gauges[0].name, gauges[0].value = "movements_total", count

    return Settler


async def serve_once(socket: str, key, schema, make) -> None:
    """One connection, from login to its end."""
    stream = await capnp.AsyncIoStream.create_unix_connection(path=socket)
    client = capnp.TwoPartyClient(stream)
    tabd = client.bootstrap().cast_as(schema["tabd"].Tabd)
    network = str((await tabd.info()).info.network)
    asked = await tabd.authenticate(role="rail", key=bytes.fromhex(key.address[2:]))
    answer = await asked.login.login(signature=sign_login(key, network, bytes(asked.challenge)))
    if answer.status != schema["status"].statusOk:
        raise SystemExit(f"the daemon refuses this key as a rail's: status {answer.status}")
    registered = await answer.session.rail.registerSettler(settler=make())
    if registered.status == schema["status"].statusNotPermitted:
        raise SystemExit(f"not registered: {registered.detail}")  # trying again would not help
    if registered.status != schema["status"].statusOk:
        print(f"not registered yet: {registered.detail}", file=sys.stderr, flush=True)
        return
    print("registered", flush=True)
    registration = registered.registration  # held: dropping it ends the registration
    await client.on_disconnect()
    del registration


async def serve(options, make_book=Book) -> None:
    schema = {name: load(options.schema, name + ".capnp") for name in ("tabd", "settler", "status")}
    with open(options.key, encoding="ascii") as file:
        key = Account.from_key(file.read().strip())
    make = make_settler(schema["settler"], make_book(options.book))
    while True:
        try:
            await serve_once(options.socket, key, schema, make)
        except (OSError, capnp.KjException) as error:
            print(f"the daemon is away: {str(error).splitlines()[0]}", file=sys.stderr, flush=True)
        await asyncio.sleep(RETRY_S)


def arguments(args=None):
    parser = argparse.ArgumentParser(description="A rail for tabd that moves money in a book of its own.")
    parser.add_argument("--socket", required=True, help="the daemon's unix socket (rpc.unix_socket)")
    parser.add_argument("--schema", required=True, help="the folder rpc/schema")
    parser.add_argument("--key", required=True, help="file with the rail's key, 0x and 64 digits (tabctl keygen)")
    parser.add_argument("--book", required=True, help="the book, an SQLite file; made if there is none")
    return parser.parse_args(args)


if __name__ == "__main__":
    asyncio.run(capnp.run(serve(arguments())))
