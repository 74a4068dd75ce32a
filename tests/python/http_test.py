"""x402 over HTTP against the real daemon, as its OpenAPI document and docs/bindings/tab.md describe it.

Every answer is checked against the document that the daemon itself serves: the route and status must be in it, and the
body must fit its schema. Signatures are made by somebody else's code (eth-account).

    http_test.py TABD TABCTL
"""

import hashlib
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from eth_account import Account
from eth_utils import keccak
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

import tab

TABD, TABCTL = sys.argv.pop(1), sys.argv.pop(1)
NETWORK = "py:tab"
# The publicly known development accounts of the mnemonic "test test test test test test test test test test test junk".
Account.enable_unaudited_hdwallet_features()
OPERATOR, FRONT, PAYER, PAYEE, OTHER = [
    Account.from_mnemonic("test " * 11 + "junk", account_path=f"m/44'/60'/0'/0/{i}") for i in range(5)]
KEYS = {"server": "tabd_test_server", "other": "tabd_test_other", "payer": "tabd_test_payer",
        "payee": "tabd_test_payee", "small": "tabd_test_small"}
CONFIG = f"""
network = "{NETWORK}"
data_dir = "data"
operator_key_file = "operator.key"
[rpc]
unix_socket = "t.sock"
[http]
listen = ""
[x402]
listen = "127.0.0.1:0"
server_key_file = "x402.key"
body_max = "16KiB"
header_timeout = "1s"
[[asset]]
id = 1
text = "USD"
symbol = "USD"
scale = 6
rail_scale = 6
[[plan]]
label = "daily"
asset = "USD"
credit_limit = "1"
rails = ["sandbox"]
window = "day"
[rails.sandbox]
enabled = true
"""


def api_key(name: str, role: str, address: str, more: str = "") -> str:
    digest = hashlib.sha256(KEYS[name].encode()).hexdigest()
    return (f'[[x402.api_key]]\nname = "{name}"\nsha256 = "0x{digest}"\nrole = "{role}"\n'
            f'addresses = ["{address}"]\n{more}')


class Daemon:
    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="tabd-http-")
        keys = (api_key("server", "server", PAYEE.address) + api_key("other", "server", OTHER.address)
                + api_key("payer", "payer", PAYER.address) + api_key("payee", "payee", PAYEE.address)
                + api_key("small", "server", PAYEE.address, "requests_per_s = 1\nburst = 1\n"))
        made = json.loads(self.tabctl("apikey", "made", "--address", PAYEE.address, "--json"))
        KEYS["made"] = made["key"]
        self.write("tabd.toml", CONFIG + keys + made["toml"], 0o644)
        self.write("operator.key", OPERATOR.key.hex() + "\n", 0o400)
        self.write("x402.key", FRONT.key.hex() + "\n", 0o400)
        self.log = None
        self.start()
        self.tabctl("payee", "add", PAYEE.address, "--label", "shop", "--rail", "sandbox", "--account", "shop")
        self.tabctl("payer", "add", PAYER.address, "--label", "agent", "--plan", "daily")

    def start(self) -> None:
        if self.log:
            self.log.close()
        self.log = open(os.path.join(self.folder.name, "log"), "w+")
        self.process = subprocess.Popen([TABD, "--config", os.path.join(self.folder.name, "tabd.toml")],
                                        stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self.port = self.wait_for_port()

    def wait_for_port(self) -> int:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.process.poll() is None:
            with open(self.log.name) as log:
                found = re.search(r"listening.*x402.*address=\S*?127\.0\.0\.1:(\d+)", log.read())
            if found:
                return int(found.group(1))
            time.sleep(0.05)
        with open(self.log.name) as log:
            raise RuntimeError("tabd did not start:\n" + log.read())

    def write(self, name: str, text: str, mode: int) -> None:
        path = os.path.join(self.folder.name, name)
        with open(path, "w") as file:
            file.write(text)
        os.chmod(path, mode)

    def tabctl(self, *arguments: str) -> str:
        socket_path, key = os.path.join(self.folder.name, "t.sock"), os.path.join(self.folder.name, "operator.key")
        done = subprocess.run([TABCTL, "--socket", socket_path, "--key", key, *arguments], capture_output=True, text=True,
                              check=False, timeout=60)
        if done.returncode != 0:
            raise RuntimeError(f"tabctl {arguments}: {done.stdout}{done.stderr}")
        return done.stdout

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)
        self.log.close()
        self.folder.cleanup()


def send(port, method, path, body=None, key=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Authorization": f"Bearer {KEYS.get(key, key)}"} if key else {}
    try:
        connection.request(method, path, body=body, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, json.loads(answer.read())
    finally:
        connection.close()


class Messages:
    """What a client and a resource server send."""

    nonce = 0

    def requirements(self, amount):
        return {"scheme": "batch-settlement", "network": NETWORK, "amount": str(amount), "asset": "USD",
                "payTo": PAYEE.address, "maxTimeoutSeconds": 300, "extra": {"binding": "tab", "version": "1"}}

    def request(self, payload, amount, extensions=None):
        inner = {"x402Version": 2, "resource": {"url": "https://shop.example/a"}, "accepted": self.requirements(1000),
                 "payload": payload}
        if extensions:
            inner["extensions"] = extensions
        return {"x402Version": 2, "paymentPayload": inner, "paymentRequirements": self.requirements(amount)}

    def commitment(self, amount, maximum=1000, signer=PAYER, extensions=None):
        Messages.nonce += 1
        message = {"payer": PAYER.address, "payee": PAYEE.address, "asset": "USD", "maximum": maximum,
                   "resource": keccak(text="https://shop.example/a"), "nonce": 2 ** 90 + self.nonce, "validAfter": 0,
                   "validBefore": int(time.time()) + 300}
        signature = tab.sign(signer, NETWORK, "Commitment", message)
        written = {name: value if isinstance(value, str) else "0x" + value.hex() if isinstance(value, bytes) else str(value)
                   for name, value in message.items()}
        return self.request({"type": "commitment", "commitment": written, "signature": "0x" + signature.hex()}, amount,
                            extensions)

    def voucher(self, amount, index, maximum):
        message = {"payer": PAYER.address, "payee": PAYEE.address, "asset": "USD", "salt": bytes(31) + b"\1",
                   "maximum": maximum, "validBefore": 0}
        signature = tab.sign(PAYER, NETWORK, "Voucher", message)
        written = {**message, "salt": "0x" + message["salt"].hex(), "maximum": str(maximum), "validBefore": "0"}
        return self.request({"type": "voucher", "voucher": written, "index": str(index),
                             "signature": "0x" + signature.hex()}, amount)


class CrashTest(Messages, unittest.TestCase):
    def test_what_was_acknowledged_is_there_after_a_crash(self):
        daemon = Daemon()
        self.addCleanup(daemon.stop)
        requests = [json.dumps(self.commitment(10, maximum=10)) for _ in range(400)]
        acknowledged = {}

        def settle_until_it_dies():
            for request in requests:
                try:
                    status, _, answer = send(daemon.port, "POST", "/settle", request, "server")
                except (OSError, http.client.HTTPException):
                    return
                if status == 200:
                    acknowledged[request] = answer

        worker = threading.Thread(target=settle_until_it_dies)
        worker.start()
        deadline = time.monotonic() + 60
        while len(acknowledged) < 50 and time.monotonic() < deadline:
            time.sleep(0.001)
        daemon.process.kill()
        daemon.process.wait(30)
        worker.join(60)
        self.assertGreaterEqual(len(acknowledged), 50)
        daemon.start()
        for request, answer in acknowledged.items():
            self.assertTrue(answer["success"], answer)
            self.assertEqual(send(daemon.port, "POST", "/settle", request, "server")[2], answer)
        for request in requests:  # the rest, whatever became of it
            self.assertTrue(send(daemon.port, "POST", "/settle", request, "server")[2]["success"])
        exposure = send(daemon.port, "GET", "/v1/exposure", key="payer")[2]["items"][0]
        self.assertEqual((exposure["unbilled"], exposure["held"]), (str(10 * len(requests)), "0"))


class HttpTest(Messages, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon()
        cls.addClassCleanup(cls.daemon.stop)
        cls.document = send(cls.daemon.port, "GET", "/openapi.json")[2]
        cls.met = set()

    def fits(self, value, schema, where):
        whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", "components": self.document["components"],
                 **schema}
        errors = [f"{where}: {error.json_path}: {error.message}" for error in Draft202012Validator(whole).iter_errors(value)]
        self.assertEqual(errors, [], json.dumps(value))

    def described(self, method, path, status, body):
        """The document's words about this answer."""
        plain = path.split("?")[0]
        template = next((known for known in self.document["paths"]
                         if re.fullmatch(re.sub(r"\{[^}]*\}", "[^/]+", re.escape(known).replace(r"\{", "{").replace(
                             r"\}", "}")), plain)), None)
        if template is None:
            self.assertEqual(status, 404)
            return self.fits(body, {"$ref": "#/components/schemas/Error"}, plain)
        operations = self.document["paths"][template]
        operation = operations.get(method.lower()) or next(iter(operations.values()))
        self.assertIn(str(status), operation["responses"], f"{method} {template}")
        response = operation["responses"][str(status)]
        if "$ref" in response:
            response = self.document["components"]["responses"][response["$ref"].rsplit("/", 1)[1]]
        self.fits(body, response["content"]["application/json"]["schema"], f"{method} {template} {status}")
        self.met.add((template, status))
        return operation

    def call(self, method, path, body=None, key=None, status=200):
        text = json.dumps(body) if isinstance(body, (dict, list)) else body
        got, headers, answer = send(self.daemon.port, method, path, text, key)
        self.assertEqual(got, status, answer)
        operation = self.described(method, path, got, answer)
        if operation and isinstance(body, dict) and got == 200 and "requestBody" in operation:
            self.fits(body, operation["requestBody"]["content"]["application/json"]["schema"], "request")
        if got in (429, 503):
            self.assertGreaterEqual(int(headers["Retry-After"]), 1)
        return answer

    def test_1_the_document_is_openapi(self):
        OpenAPIV31SpecValidator(self.document).validate()
        self.call("GET", "/openapi.json")

    def test_2_what_anybody_may_ask(self):
        supported = self.call("GET", "/supported")
        self.assertEqual([(kind["scheme"], kind["network"]) for kind in supported["kinds"]],
                         [("batch-settlement", NETWORK)])
        known = self.call("GET", "/.well-known/x402-tab")
        self.assertEqual(known["domain"]["salt"], "0x" + keccak(text=NETWORK).hex().removeprefix("0x"))
        self.assertEqual(known["server"], FRONT.address.lower())
        self.call("GET", "/healthz")

    def test_3_commitments(self):
        request = self.commitment(1000)
        verified = self.call("POST", "/verify", request, "server")
        self.assertEqual((verified["isValid"], verified["payer"]), (True, PAYER.address.lower()), verified)
        self.assertTrue(self.call("POST", "/verify", request, "server")["extra"]["repeated"])
        request["paymentRequirements"]["amount"] = "400"
        settled = self.call("POST", "/settle", request, "server")
        self.assertEqual((settled["success"], settled["amount"], settled["transaction"]), (True, "400", ""), settled)
        self.assertEqual(self.call("POST", "/settle", request, "server"), settled)
        self.assertFalse(self.call("POST", "/verify", request, "server")["isValid"])
        # Without a hold it is charged at once.
        self.assertTrue(self.call("POST", "/settle", self.commitment(10), "server")["success"])

    def test_4_vouchers(self):
        first = self.voucher(100, 0, 1000)
        self.assertTrue(self.call("POST", "/verify", first, "server")["isValid"])
        settled = self.call("POST", "/settle", first, "server")
        state = settled["extra"]["tabState"]
        self.assertEqual((state["charged"], state["charges"], state["maximum"]), ("100", "1", "1000"))
        stale = self.call("POST", "/verify", first, "server")
        self.assertEqual((stale["isValid"], stale["extra"]["statusName"]), (False, "tab_conflict"))
        self.assertEqual(stale["extra"]["tabState"], state)
        low = self.call("POST", "/settle", self.voucher(950, 1, 1000), "server")
        self.assertEqual((low["success"], low["extra"]["statusName"]), (False, "voucher_below_charged"))

    def test_5_batches(self):
        items = [{"op": "verify", **self.commitment(10)}, {"op": "settle", **self.commitment(20)},
                 {"op": "settle", **self.commitment(30, signer=OTHER)}]
        results = self.call("POST", "/v1/batch", {"items": items}, "server")["results"]
        self.assertEqual([results[0]["isValid"], results[1]["success"], results[2]["success"]], [True, True, False])
        self.assertEqual(results[2]["errorReason"], "invalid_signature")
        bad = self.commitment(1)
        bad["paymentRequirements"]["scheme"] = "exact"
        result = self.call("POST", "/v1/batch", {"items": [{"op": "verify", **bad}]}, "server")["results"][0]
        self.assertEqual(result["error"]["code"], "unsupported_scheme")
        self.call("POST", "/v1/batch", {"items": []}, "server", 400)

    def test_6_rejections(self):
        poor = self.call("POST", "/verify", self.commitment(1, maximum=2_000_000), "server")
        self.assertEqual((poor["isValid"], poor["invalidReason"]), (False, "insufficient_funds"))
        odd = self.commitment(1)
        odd["paymentPayload"]["payload"]["commitment"]["maximum"] = 1000
        malformed = self.call("POST", "/verify", odd, "server")
        self.assertEqual(malformed["invalidReason"], "invalid_payload")
        self.assertIn("paymentPayload.payload.commitment.maximum", malformed["invalidMessage"])
        other = self.commitment(1)
        other["paymentPayload"]["resource"]["url"] = "https://shop.example/b"
        self.assertEqual(self.call("POST", "/verify", other, "server")["invalidReason"],
                         "invalid_batch_settlement_tab_resource_mismatch")

    def test_6_what_payers_sign_for_agents(self):
        agent = OTHER  # any key
        mandate = {"payer": PAYER.address, "agent": agent.address, "asset": "USD", "cap": 1000, "period": 2, "payees": [],
                   "validAfter": 0, "validBefore": 0, "nonce": 1}
        written = {**mandate, "period": "day", **{name: str(mandate[name]) for name in
                                                  ("cap", "validAfter", "validBefore", "nonce")}}
        body = {"network": NETWORK, "mandate": written,
                "signature": "0x" + tab.sign(PAYER, NETWORK, "Mandate", mandate).hex()}
        recorded = self.call("POST", "/v1/mandates", body, "payee")
        self.assertEqual(recorded, {"payer": PAYER.address.lower(), "agent": agent.address.lower(), "nonce": "1"})
        self.assertEqual(self.call("POST", "/v1/mandates", body, "server"), recorded)
        paid = self.commitment(10, signer=agent)
        paid["paymentPayload"]["payload"]["signer"] = agent.address
        paid["paymentRequirements"]["extra"]["usage"] = {"quantity": "7", "unit": "pages"}
        self.assertTrue(self.call("POST", "/settle", paid, "server")["success"])
        end = {"payer": PAYER.address, "agent": agent.address, "asset": "USD", "nonce": 2}
        signature = "0x" + tab.sign(PAYER, NETWORK, "MandateRevocation", end).hex()
        body["signature"] = signature
        self.assertEqual(self.call("POST", "/v1/mandates", body, "server", 400)["error"]["code"], "signature_wrong")
        self.call("POST", "/v1/revocations", {"network": NETWORK, "revocation": {**end, "nonce": "2"},
                                              "signature": signature}, "server")
        body["signature"] = "0x" + tab.sign(PAYER, NETWORK, "Mandate", mandate).hex()
        self.assertEqual(self.call("POST", "/v1/mandates", body, "server", 409)["error"]["code"], "mandate_nonce_old")
        later = self.commitment(10, signer=agent)
        later["paymentPayload"]["payload"]["signer"] = agent.address
        self.assertEqual(self.call("POST", "/verify", later, "server")["extra"]["statusName"], "mandate_revoked")

    def test_7_errors(self):
        good = self.commitment(1)
        self.assertIn("paymentPayload", self.call("POST", "/verify", {}, "server", 400)["error"]["message"])
        self.call("POST", "/verify", "{\"a\":1,\"a\":1}", "server", 400)
        self.call("POST", "/verify", "not JSON", "server", 400)
        for field, value, code in [("scheme", "exact", "unsupported_scheme"), ("network", "eip155:1", "invalid_network")]:
            wrong = self.commitment(1)
            wrong["paymentRequirements"][field] = value
            error = self.call("POST", "/verify", wrong, "server", 400)["error"]
            self.assertEqual(error["code"], code)
            self.assertIn(NETWORK, error["hint"])
        self.assertTrue(self.call("POST", "/verify", good, "made")["isValid"])  # the key that tabctl made
        self.call("POST", "/verify", good, None, 401)
        self.call("POST", "/verify", good, "wrong", 401)
        self.call("POST", "/verify", good, "other", 403)
        self.call("POST", "/settle", good, "payer", 403)
        self.call("GET", "/nothing", status=404)
        self.call("GET", "/v1/statements/999", key="payer", status=404)
        self.call("GET", "/v1/charges?limit=x", key="payer", status=400)
        self.call("DELETE", "/supported", status=405)
        self.call("GET", "/settle", status=405)
        self.call("POST", "/settle", " " * 20_000, "server", 413)
        named = {"payment-identifier": {"info": {"required": True, "id": "pay_0123456789abcdef"}}}
        self.assertTrue(self.call("POST", "/settle", self.commitment(1, extensions=named), "server")["success"])
        self.call("POST", "/settle", self.commitment(1, extensions=named), "server", 409)
        statuses = []
        while 429 not in statuses and len(statuses) < 50:  # one a second
            status, headers, answer = send(self.daemon.port, "POST", "/verify", "{}", "small")
            self.described("POST", "/verify", status, answer)
            statuses.append(status)
        self.assertEqual((statuses[0], statuses[-1], headers["Retry-After"]), (400, 429, "1"))

    def test_8_raw_requests(self):
        for path, text, status in [
                ("/healthz", "GET /healthz HTTP/1.1\r\nHost: t\r\nX: " + "a" * 9_000 + "\r\n\r\n", 431),
                ("/healthz", "GET /healthz HTTP/1.1\r\nHost: t\r\n", 408),
                ("/verify", f"POST /verify HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {KEYS['server']}\r\n"
                            "Expect: 200-ok\r\nContent-Length: 2\r\n\r\n", 417),
                ("/verify", f"POST /verify HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {KEYS['server']}\r\n"
                            "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}", 415)]:
            with socket.create_connection(("127.0.0.1", self.daemon.port), timeout=30) as stream:
                stream.sendall(text.encode())
                answer = http.client.HTTPResponse(stream)
                answer.begin()
                self.assertEqual(answer.status, status)
                self.described(text.split(" ")[0], path, status, json.loads(answer.read()))

    def test_9_books(self):
        self.daemon.tabctl("close", PAYER.address)
        deadline = time.monotonic() + 30  # the history index follows the journal
        while len(self.call("GET", "/v1/charges", key="payer")["items"]) < 5 and time.monotonic() < deadline:
            time.sleep(0.05)
        items, after = [], "0"
        while after is not None:
            page = self.call("GET", f"/v1/charges?limit=2&after={after}", key="payer")
            items += page["items"]
            after = page["next"]
        self.assertEqual(len({item["commitmentId"] for item in items}), len(items))
        self.assertLessEqual({"held", "captured", "charged", "voucher"}, {item["kind"] for item in items})
        statements = self.call("GET", "/v1/statements", key="payer")["items"]
        self.assertEqual(len(statements), 1)
        whole = self.call("GET", f"/v1/statements/{statements[0]['id']}", key="payer")
        self.assertEqual(sum(int(line["amount"]) for line in whole["lines"]), int(whole["total"]))
        self.assertEqual((whole["invoice"], whole["net"], whole["tax"]), ("INV-000001", whole["billed"], "0"))
        settlements = self.call("GET", "/v1/settlements", key="payer")["items"]
        self.assertEqual([(one["kind"], one["statement"], one["amount"]) for one in settlements],
                         [("collection", whole["id"], whole["billed"])])
        self.assertEqual({one["kind"] for one in self.call("GET", "/v1/settlements", key="payee")["items"]} - {"payout"},
                         set())
        self.assertTrue(self.call("GET", "/v1/statements", key="payee")["items"])
        self.assertTrue(self.call("GET", "/v1/charges", key="payee")["items"])
        self.assertEqual(self.call("GET", "/v1/charges", key="other")["items"], [])
        self.assertEqual(self.call("GET", "/v1/exposure", key="payer")["items"][0]["limit"], "1000000")
        self.call("GET", "/v1/exposure", key="payee")
        self.assertEqual(self.call("GET", "/v1/channels", key="payee"), {"items": [], "next": None})
        self.call("GET", "/v1/channels/0x" + 64 * "1", key="payee", status=404)

    def test_zz_every_operation_was_met(self):
        # There is no chain here, so no channel; what is said of one: tests/x402/channels.test.mjs. Nor a card rail, without
        # which there is no webhook: tests/card/tabd.test.mjs.
        met = {path for path, status in self.met if status == 200 or (path, status) == ("/v1/channels/{id}", 404)}
        self.assertEqual(met, set(self.document["paths"]) - {"/webhooks/card"})


if __name__ == "__main__":
    unittest.main(verbosity=2)
