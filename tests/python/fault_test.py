"""The rows of docs/rails/faults.md that are about the whole daemon: webhooks that are forged, stale, repeated, reordered or
never end, and money that comes back after its payee was paid, by card and by bank.

    fault_test.py TABD TABCTL SCHEMA_FOLDER PROVIDER BANK_FOLDER

The card provider is playground/provider, in a process of its own; the bank is playground/bank, in this one, so that a test
says when its day ends and what comes back.
"""

import asyncio
import glob
import hashlib
import hmac
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import unittest

import capnp

import daemon
import tab

TABD, TABCTL, SCHEMA, PROVIDER, BANK = [sys.argv.pop(1) for _ in range(5)]
sys.path.insert(0, BANK)
from bank import Bank  # noqa: E402

schema, status = daemon.load(SCHEMA, "tabd.capnp"), daemon.load(SCHEMA, "status.capnp")

NETWORK = "demo-faults:tab"
OPERATOR, SERVER, PAYER, PAYEE, OTHER_PAYER = daemon.ACCOUNTS[:5]
OWN_IBAN, PAYER_IBAN, OTHER_IBAN, PAYEE_IBAN = ("DE89370400440532013000", "DE02120300000000202051",
                                                "DE02500105170137075030", "DE02100500000054540402")
SECRET, OLD_SECRET = "whsec_provider", "whsec_old"
WAIT_S = 120
HEAD = f"""
network = "{NETWORK}"
data_dir = "data"
operator_key_file = "operator.key"
[rpc]
unix_socket = "t.sock"
[http]
listen = ""
[settlement]
poll_interval = "20ms"
[[asset]]
id = 1
text = "EUR"
symbol = "EUR"
scale = 6
rail_scale = 2
[[plan]]
label = "plan"
asset = "EUR"
credit_limit = "1000000"
rails = ["RAIL"]
window = "day"
[[payouts.release]]
rail = "RAIL"
"""
CARD = """
[x402]
listen = "127.0.0.1:0"
server_key_file = "server.key"
header_timeout = "1s"
body_timeout = "2s"
[rails.card]
enabled = true
base_url = "URL"
api_key_file = "card.key"
webhook_secret_file = "webhook.key"
events_interval = "0s"
poll_interval = "1s"
[[rails.card.asset]]
asset = "EUR"
currency = "eur"
"""
BANK_RAIL = f"""
[rails.bank]
enabled = true
spool = "spool"
poll_interval = "100ms"
demonstration_day = "100ms"
[rails.bank.sepa]
enabled = true
name = "Tabd Operator GmbH"
iban = "{OWN_IBAN}"
creditor_id = "DE98ZZZ09999999999"
core_final_days = 800
payout_final_days = 1
[[rails.bank.asset]]
asset = "EUR"
currency = "EUR"
"""


class Provider:
    """playground/provider in a process of its own, which ends with its standard input."""

    def __init__(self):
        self.process = subprocess.Popen(["node", PROVIDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()

    def ask(self, path: str, body: str, content_type: str) -> dict:
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=30)
        connection.request("POST", path, body, {"Content-Type": content_type, "Authorization": "Bearer sk_test_provider",
                                                "Idempotency-Key": hashlib.sha256((path + body).encode()).hexdigest()})
        answer = connection.getresponse()
        said = json.loads(answer.read())
        connection.close()
        if answer.status != 200:
            raise RuntimeError(f"{path}: {said}")
        return said

    def control(self, **what) -> dict:
        return self.ask("/_test", json.dumps(what), "application/json")

    def create(self, path: str, form: str) -> str:
        return self.ask("/v1/" + path, form, "application/x-www-form-urlencoded")["id"]

    def stop(self) -> None:
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()


def event(name: str, kind: str, thing: dict, **more) -> bytes:
    return json.dumps({"id": name, "object": "event", "type": kind, "created": int(time.time()), "livemode": False,
                       "api_version": "2026-10-28.endive", "data": {"object": thing}, **more}).encode()


def signature(body: bytes, secret: str = SECRET, seconds: int = 0) -> str:
    at = int(time.time()) + seconds
    return f"t={at},v1={hmac.new(secret.encode(), str(at).encode() + b'.' + body, hashlib.sha256).hexdigest()}"


class FaultTest(unittest.TestCase):
    def run_with_daemon(self, rail: str, config: str, scenario, secrets=None) -> None:
        async def run():
            with daemon.Daemon(TABD, HEAD.replace("RAIL", rail) + config, secrets) as self.daemon:
                self.charges = 0
                self.connections = []
                self.operator = await self.login("operator", OPERATOR)
                try:
                    await asyncio.wait_for(scenario(), 400)
                except BaseException:
                    print(self.daemon.said()[-6_000:], file=sys.stderr)
                    raise

        asyncio.run(capnp.run(run()))

    async def login(self, role: str, key):
        connection = await daemon.Connection(schema, status, NETWORK).open(self.daemon.socket)
        self.connections.append(connection)  # a session ends with its connection
        code, session = await connection.login(role, key)
        self.assertEqual(code, status.statusOk)
        return session

    async def must(self, call) -> None:
        receipt = (await call).receipt
        self.assertEqual(receipt.status, status.statusOk, receipt.detail)

    async def introduce(self, rail: str, payout_account: str, mandates: dict) -> None:
        for payer, mandate in mandates.items():
            await self.must(self.operator.setPayer(address=tab.address(payer), label=payer[-4:], plans=["plan"]))
            await self.must(self.operator.setRailMandate(payer=tab.address(payer), rail=rail, mandate=mandate.encode()))
        await self.must(self.operator.setPayee(payee={
            "address": tab.address(PAYEE.address), "label": "payee", "active": True, "payoutRail": rail,
            "payoutAccount": payout_account}))
        await self.must(self.operator.setServer(key=tab.address(SERVER.address), label="server", active=True,
                                                payees=[tab.address(PAYEE.address)]))
        self.server = await self.login("server", SERVER)

    async def bill(self, payer, cents: int) -> int:
        """One charge in a statement of its own; gives its collection."""
        self.charges += 1
        amount = cents * 10_000
        charge = tab.Charge(payer=payer.address, payee=PAYEE.address, asset=1, asset_text="EUR", maximum=amount,
                            nonce=self.charges, valid_before=int(time.time()) + 3_600,
                            usage=tab.Usage(amount)).sign(payer, NETWORK)
        request = self.server.submit_request()
        tab.fill_batch(request.init("batch"), SERVER, NETWORK, self.charges, [charge])
        receipt = (await request.send()).receipt
        self.assertEqual([item.status for item in receipt.items], [status.statusOk])
        await self.must(self.operator.closeNow(payer=tab.address(payer.address), asset=1))
        return max(one.id for one in await self.settlements() if str(one.kind) == "collection")

    async def settlements(self) -> list:
        return list((await self.operator.settlements(state="unspecified", page={})).settlements)

    async def state(self, number: int) -> str:
        return str((await self.operator.settlement(id=number)).settlement.state)

    async def until(self, what: str, condition) -> None:
        deadline = time.monotonic() + WAIT_S
        while not await condition():
            self.assertLess(time.monotonic(), deadline, f"{what}; settlements: " + "; ".join(
                f"{one.id} {one.kind} {one.state} {one.detail}" for one in await self.settlements()))
            await asyncio.sleep(0.05)

    async def until_state(self, number: int, *states: str) -> None:
        async def reached():
            return await self.state(number) in states
        await self.until(f"settlement {number} becomes {states}", reached)

    async def payee(self) -> dict:
        """Cents of the payee's balances."""
        one = (await self.operator.payee(address=tab.address(PAYEE.address))).balances[0]
        return {"paid": tab.number(one.paidOut) // 10_000, "now": tab.number(one.payableNow) // 10_000,
                "recoverable": one.recoverable.posted.low // 10_000}

    async def until_paid(self, cents: int) -> None:
        async def paid():
            return (await self.payee())["paid"] == cents
        await self.until(f"the payee was paid {cents}", paid)

    async def late_return(self, comes_back, later) -> None:
        """1,250 are collected and paid out; then they come back. What the payee earns next pays that first."""
        first = await self.bill(PAYER, 1_250)
        await self.until_state(first, "settled")
        await self.until_paid(1_250)
        self.assertEqual(await self.payee(), {"paid": 1_250, "now": 0, "recoverable": 0})
        await comes_back(first)
        await self.until_state(first, "returned", "failed", "ready")

        async def owes():
            return (await self.payee())["recoverable"] == 1_250
        await self.until("the payee owes what came back", owes)
        self.assertEqual((await self.payee())["paid"], 1_250, "what was paid was paid")
        second = await self.bill(OTHER_PAYER, 3_000)
        await self.until_state(second, "settled")
        await self.until_paid(3_000)
        self.assertEqual(await self.payee(), {"paid": 3_000, "now": 0, "recoverable": 0})
        payouts = [tab.number(one.amount) // 10_000 for one in await self.settlements() if str(one.kind) == "payout"]
        self.assertEqual(sorted(payouts), [1_250, 1_750], "the second payout is less what came back")
        await later(second)

    def check_audit(self) -> None:
        self.daemon.stop()
        audit = subprocess.run([TABCTL, "audit", self.daemon.path("data/ledger")], capture_output=True, text=True,
                               timeout=120, check=False)
        self.assertEqual(audit.returncode, 0, audit.stdout + audit.stderr)


class BankTest(FaultTest):
    def test_a_debit_that_comes_back_after_the_payout(self):
        async def scenario():
            bank = Bank(self.daemon.path("spool"), OWN_IBAN, 10_000_000)
            orders = []
            take = bank.answer
            bank.answer = lambda order, reason: (orders.append(order), take(order, reason))

            async def run_bank():
                while True:
                    bank.take()
                    bank.close_day()
                    await asyncio.sleep(0.05)

            async def comes_back(number):
                order = next(one for one in orders if one.debits and one.total() == 1_250)
                bank.to_return.append((order.payments[0], order.due, "MD06"))

            async def later(_):
                self.assertEqual(bank.balance, 10_000_000 + 3_000 - 3_000, "what the bank's book says")

            mandate = "scheme=sepa-core;name=Payer;iban={};mandate=M-{};signed=2026-01-31"
            await self.introduce("bank", f"scheme=sepa;name=Payee;iban={PAYEE_IBAN}",
                                 {PAYER.address: mandate.format(PAYER_IBAN, 1),
                                  OTHER_PAYER.address: mandate.format(OTHER_IBAN, 2)})
            running = asyncio.ensure_future(run_bank())
            try:
                await self.late_return(comes_back, later)
            finally:
                running.cancel()
            self.assertEqual(glob.glob(self.daemon.path("spool/in/rejected/*")), [])
            self.check_audit()

        self.run_with_daemon("bank", BANK_RAIL, scenario)


class CardTest(FaultTest):
    def setUp(self):
        if shutil.which("node") is None:
            missing = "Node.js is missing: run tools/setup.sh chain"
            self.assertNotEqual(os.environ.get("CI"), "true", missing)
            print(f"\n*** SKIPPED: {missing}\n", file=sys.stderr)
            self.skipTest(missing)
        self.provider = Provider()
        self.addCleanup(self.provider.stop)
        self.provider.control(availableAfter=0)

    def run_with_card(self, scenario) -> None:
        secrets = {"card.key": "sk_test_provider", "webhook.key": f"{OLD_SECRET}\n{SECRET}",
                   "server.key": SERVER.key.to_0x_hex()}

        async def prepared():
            self.port = int(re.search(r"listening.*x402.*address=\S*?127\.0\.0\.1:(\d+)", self.daemon.said()).group(1))
            mandates = {}
            for payer in (PAYER, OTHER_PAYER):
                customer = self.provider.create("customers", f"metadata[tabd_payer]={payer.address.lower()}")
                mandates[payer.address] = f"{customer};pm_card_visa"
            self.account = self.provider.create("accounts", "type=express")
            await self.introduce("card", self.account, mandates)
            await scenario()

        self.run_with_daemon("card", CARD.replace("URL", self.provider.url), prepared, secrets)

    def post(self, body: bytes, header) -> tuple:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("POST", "/webhooks/card", body, {} if header is None else {"Stripe-Signature": header})
        answer = connection.getresponse()
        said = answer.status, answer.read().decode()
        connection.close()
        return said

    async def told(self, body: bytes, header) -> tuple:
        return await asyncio.to_thread(self.post, body, header)

    async def notices(self, state: str) -> list:
        return list((await self.operator.notices(state=state, page={})).notices)

    async def tell(self, name: str, kind: str, thing: dict) -> None:
        body = event(name, kind, thing)
        self.assertEqual((await self.told(body, signature(body)))[0], 200)

    def test_a_dispute_that_is_lost_after_the_payout(self):
        async def scenario():
            async def comes_back(number):
                payment = str((await self.operator.settlement(id=number)).settlement.reference)
                dispute = self.provider.control(dispute=payment)["disputes"][0]
                told = {"id": dispute["id"], "object": "dispute", "payment_intent": payment, "status": "needs_response"}
                await self.tell("evt_created", "charge.dispute.created", told)
                await self.until_state(number, "disputed")
                self.assertEqual((await self.payee())["recoverable"], 0, "nothing is lost yet")
                self.provider.control(closeDispute=[dispute["id"], "lost"])
                await self.tell("evt_closed", "charge.dispute.closed", {**told, "status": "lost"})

            async def later(_):
                sent = self.provider.control()["transfers"]
                self.assertEqual(sorted(one["amount"] for one in sent), [1_250, 1_750])

            await self.late_return(comes_back, later)
            self.check_audit()

        self.run_with_card(scenario)

    def test_webhooks(self):
        async def scenario():
            paid = await self.bill(PAYER, 1_250)
            await self.until_state(paid, "settled")
            await self.until_paid(1_250)
            one = (await self.operator.settlement(id=paid)).settlement
            marks = {"tabd_ledger": NETWORK, "tabd_settlement": str(paid), "tabd_key": bytes(one.idempotencyKey).hex()}
            intent = {"id": str(one.reference), "object": "payment_intent", "status": "canceled", "amount": 1_250,
                      "metadata": marks}
            lie = event("evt_lie", "payment_intent.canceled", intent)
            live = event("evt_live", "payment_intent.canceled", intent, livemode=True)
            stale, ahead = signature(lie, seconds=-601), signature(lie, seconds=601)
            before = (await self.payee(), (await self.operator.operatorBalances()).balances[0].to_dict())
            events = len(await self.notices("unspecified"))
            refused = [
                ("unsigned", lie, None, "no Stripe-Signature"),
                ("another's secret", lie, signature(lie, "whsec_forged"), "no signature fits"),
                ("another body's signature", lie.replace(b"1250", b"9250"), signature(lie), "no signature fits"),
                ("cut off", lie[:-1], signature(lie), "no signature fits"),
                ("no time", lie, "v1=" + "a" * 64, "no time"),
                ("nonsense", lie, "nonsense", "not key=value"),
                ("ten minutes old, its clock or ours", lie, stale, "s old"),
                ("ten minutes ahead", lie, ahead, "s ahead"),
                ("not JSON", b"{", signature(b"{"), "not JSON"),
                ("not an event", b"[]", signature(b"[]"), "not a JSON object"),
                ("of real money", live, signature(live), "live mode"),
            ]
            for what, body, header, why in refused:
                code, said = await self.told(body, header)
                self.assertEqual(code, 400, what + ": " + said)
                self.assertIn("webhook_refused", said, what)
                self.assertRegex(said, why, what)
            large = b"x" * 300_000
            self.assertEqual((await self.told(large, signature(large)))[0], 413)
            self.assertEqual([len(await self.notices("unspecified")) - events <= len(refused),
                              len(await self.notices("refused")) >= 1], [True, True], "kept within a rate")

            # What is signed and says what is not so makes its payment be looked at, and nothing more.
            kept = len(await self.notices("unspecified"))
            for seconds in (0, 0, -299, 299):  # within the tolerance, again and again: one event
                self.assertEqual((await self.told(lie, signature(lie, seconds=seconds)))[0], 200)
            self.assertEqual((await self.told(lie, signature(lie, OLD_SECRET)))[0], 200)
            stranger = event("evt_stranger", "payment_intent.canceled",
                             {**intent, "metadata": {**marks, "tabd_ledger": "another:tab"}})
            self.assertEqual((await self.told(stranger, signature(stranger)))[0], 200, "of no concern")
            self.assertEqual(len(await self.notices("unspecified")) - kept, 1)
            await self.reordered(str(one.reference), paid)
            self.assertEqual((await self.payee(), (await self.operator.operatorBalances()).balances[0].to_dict()), before,
                             "not a cent has moved")
            self.check_audit()

        self.run_with_card(scenario)

    async def reordered(self, payment: str, number: int) -> None:
        """The end of a dispute comes before its beginning, and both twice."""
        dispute = self.provider.control(dispute=payment)["disputes"][0]
        self.provider.control(closeDispute=[dispute["id"], "won"])
        told = {"id": dispute["id"], "object": "dispute", "payment_intent": payment, "metadata": {}}
        for name, kind in [("evt_2", "charge.dispute.closed"), ("evt_1", "charge.dispute.created"),
                           ("evt_2", "charge.dispute.closed"), ("evt_1", "charge.dispute.created")]:
            await self.tell(name, kind, told)
        await self.until_state(number, "settled")

        async def looked():
            notices = (await self.operator.noticesOf(settlement=number, limit=100)).notices
            return all(str(one.state) != "waiting" for one in notices)
        await self.until("all events are looked at", looked)
        self.assertEqual(await self.state(number), "settled", "the payment is what the provider says, not the events")

    def test_a_webhook_that_never_ends(self):
        async def scenario():
            body = event("evt_1", "customer.created", {"id": "cus_1", "object": "customer"})
            head = (f"POST /webhooks/card HTTP/1.1\r\nHost: x\r\nStripe-Signature: {signature(body)}\r\n"
                    f"Content-Length: {len(body)}\r\n\r\n").encode()
            for what, all_of_it in [("in its head", head), ("in its body", head + body)]:
                slow = [socket.create_connection(("127.0.0.1", self.port), timeout=0.2) for _ in range(32)]
                open_ones, sent, rounds = set(slow), 0 if what == "in its head" else len(head), 0
                for one in slow:
                    one.sendall(all_of_it[:sent])
                while open_ones and rounds < 200:  # a byte each, round and round; 0.1 s between them
                    for one in list(open_ones):
                        try:
                            one.sendall(all_of_it[sent + rounds // 4:sent + rounds // 4 + 1])
                            one.settimeout(0.001)
                            if one.recv(4096) == b"" or rounds > 0:
                                open_ones.discard(one)
                        except TimeoutError:
                            pass
                        except OSError:
                            open_ones.discard(one)
                    code, said = await self.told(body, signature(body))  # others are served meanwhile
                    self.assertEqual(code, 200, said)
                    rounds += 1
                    await asyncio.sleep(0.1)
                for one in slow:
                    one.close()
                self.assertEqual(open_ones, set(), f"slow ones {what} are let go")
            self.assertEqual(len(await self.notices("unspecified")), 0)

        self.run_with_card(scenario)


if __name__ == "__main__":
    unittest.main(verbosity=2)
