"""The tab binding, written from docs/bindings/tab.md, with eth-account for the typed data and nothing of tabd's code."""

import hashlib
from dataclasses import dataclass

from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_utils import keccak

TYPES = {
    "Commitment": [
        ("payer", "address"), ("payee", "address"), ("asset", "string"), ("maximum", "uint128"),
        ("resource", "bytes32"), ("nonce", "uint128"), ("validAfter", "uint64"), ("validBefore", "uint64")],
    "Voucher": [
        ("payer", "address"), ("payee", "address"), ("asset", "string"), ("salt", "bytes32"), ("maximum", "uint128"),
        ("validBefore", "uint64")],
    "Mandate": [
        ("payer", "address"), ("agent", "address"), ("asset", "string"), ("cap", "uint128"), ("period", "uint8"),
        ("payees", "address[]"), ("validAfter", "uint64"), ("validBefore", "uint64"), ("nonce", "uint64")],
    "MandateRevocation": [("payer", "address"), ("agent", "address"), ("asset", "string"), ("nonce", "uint64")],
    "Batch": [("server", "address"), ("number", "uint64"), ("count", "uint32"), ("root", "bytes32")],
    "Segment": [("number", "uint64"), ("hash", "bytes32")],
    "Login": [("role", "string"), ("key", "address"), ("challenge", "bytes32")],
}


def typed_data(network: str, name: str, message: dict):
    """What is signed: EIP-712 in the operator's domain."""
    types = {kind: [{"name": field, "type": of} for field, of in TYPES[kind]] for kind in [name]}
    types["EIP712Domain"] = [
        {"name": "name", "type": "string"}, {"name": "version", "type": "string"}, {"name": "salt", "type": "bytes32"}]
    domain = {"name": "tabd", "version": "1", "salt": keccak(text=network)}
    return encode_typed_data(
        full_message={"types": types, "primaryType": name, "domain": domain, "message": message})


def sign(key, network: str, name: str, message: dict) -> bytes:
    return bytes(key.sign_message(typed_data(network, name, message)).signature)


def digest(network: str, name: str, message: dict) -> bytes:
    signable = typed_data(network, name, message)
    return keccak(b"\x19" + signable.version + signable.header + signable.body)


def signer_of(network: str, name: str, message: dict, signature: bytes) -> str:
    return Account.recover_message(typed_data(network, name, message), signature=signature)


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def merkle_root(leaves: list) -> bytes:
    """RFC 6962, section 2.1, over leaf hashes."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return sha256(b"\x01" + merkle_root(leaves[:split]) + merkle_root(leaves[split:]))


@dataclass
class Usage:
    amount: int
    quantity: int = 1
    unit: str = "request"
    resource: bytes = bytes(32)

    def encode(self) -> bytes:
        return (self.amount.to_bytes(16, "little") + self.quantity.to_bytes(8, "little")
                + self.unit.encode().ljust(8, b"\0") + self.resource)


@dataclass
class Charge:
    """A single-use commitment, signed by its payer or an agent, and what the server charges for it."""
    payer: str
    payee: str
    asset: int
    asset_text: str
    maximum: int
    nonce: int
    valid_before: int
    usage: Usage
    signature: bytes = b""
    signer: bytes = b""

    def message(self) -> dict:
        return {"payer": self.payer, "payee": self.payee, "asset": self.asset_text, "maximum": self.maximum,
                "resource": bytes(32), "nonce": self.nonce, "validAfter": 0, "validBefore": self.valid_before}

    def sign(self, key, network: str):
        self.signature = sign(key, network, "Commitment", self.message())
        if key.address != self.payer:
            self.signer = address(key.address)
        return self

    def leaf(self, network: str) -> bytes:
        body = (digest(network, "Commitment", self.message()) + bytes([1]) + (0).to_bytes(8, "little")
                + (1).to_bytes(4, "little") + self.usage.encode())
        return sha256(b"\x00" + body)

    def fill(self, item) -> None:
        """Writes it into a capnp Item."""
        item.signature = self.signature
        item.signer = self.signer
        charge = item.init("charge")
        commitment = charge.commitment
        commitment.payer = address(self.payer)
        commitment.payee = address(self.payee)
        wide(commitment.maximum, self.maximum)
        wide(commitment.nonce, self.nonce)
        commitment.validBefore = self.valid_before
        commitment.asset = self.asset
        wide(charge.usage.amount, self.usage.amount)
        charge.usage.quantity = self.usage.quantity
        charge.usage.unit = self.usage.unit


def address(text: str) -> bytes:
    return bytes.fromhex(text[2:])


def wide(field, number: int) -> None:
    """Fills a UInt128."""
    field.low = number & (2 ** 64 - 1)
    field.high = number >> 64


def number(field) -> int:
    return field.high << 64 | field.low


def fill_batch(batch, server_key, network: str, batch_number: int, charges: list) -> None:
    """Fills and signs a capnp Batch."""
    root = merkle_root([charge.leaf(network) for charge in charges])
    batch.number = batch_number
    batch.root = root
    batch.network = network
    batch.signature = sign(server_key, network, "Batch", {
        "server": server_key.address, "number": batch_number, "count": len(charges), "root": root})
    items = batch.init("items", len(charges))
    for item, charge in zip(items, charges):
        charge.fill(item)
