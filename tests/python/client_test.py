"""A client in another language: logs in, signs, submits and reads back, against the real daemon.

    client_test.py TABD SCHEMA_FOLDER
"""

import asyncio
import sys
import time
import unittest

import capnp

import daemon
import tab

TABD, SCHEMA = sys.argv.pop(1), sys.argv.pop(1)
schema, status = daemon.load(SCHEMA, "tabd.capnp"), daemon.load(SCHEMA, "status.capnp")

NETWORK = "py:tab"
CONFIG = """
network = "py:tab"
data_dir = "data"
operator_key_file = "operator.key"
[rpc]
unix_socket = "t.sock"
[http]
listen = ""
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
[[plan]]
label = "two rails"
asset = "USD"
credit_limit = "1"
rails = ["sandbox", "sandbox2"]
window = "day"
[rails.sandbox]
enabled = true
[rails.sandbox.payers]
"0x976EA74026E726554dB657fA54763abd0C3a0aa9" = "needs_action"
[rails.sandbox2]
enabled = true
announce = true
[rails.sandbox2.payers]
"0x976EA74026E726554dB657fA54763abd0C3a0aa9" = "stray"
"""
OPERATOR, SERVER, PAYER, AGENT, PAYEE, STRANGER, DECLINED = daemon.ACCOUNTS[:7]


class Listener(schema.Listener.Server):
    def __init__(self):
        self.heard = []
        self.reason = None

    async def events(self, events, **_):
        self.heard += [(str(event.kind), bytes(event.payer), tab.number(event.amount)) for event in events]

    async def dropped(self, reason, **_):
        self.reason = str(reason)


async def set_up(operator) -> None:
    for receipt in [
            await operator.setPayer(address=tab.address(PAYER.address), label="payer", plans=["daily"]),
            await operator.setPayee(payee={"address": tab.address(PAYEE.address), "label": "payee", "active": True,
                                           "payoutRail": "sandbox", "payoutAccount": "account"}),
            await operator.setServer(key=tab.address(SERVER.address), label="server", active=True,
                                     payees=[tab.address(PAYEE.address)])]:
        if receipt.receipt.status != status.statusOk:
            raise RuntimeError(f"setting up: status {receipt.receipt.status}: {receipt.receipt.detail}")


def charge(nonce: int, key=PAYER, amount: int = 2_500, maximum: int = 10_000, payer=PAYER) -> tab.Charge:
    return tab.Charge(payer=payer.address, payee=PAYEE.address, asset=1, asset_text="USD", maximum=maximum, nonce=nonce,
                      valid_before=int(time.time()) + 600, usage=tab.Usage(amount)).sign(key, NETWORK)


async def submit(session, number: int, charges: list):
    request = session.submit_request()
    tab.fill_batch(request.init("batch"), SERVER, NETWORK, number, charges)
    return (await request.send()).receipt


class ClientTest(unittest.TestCase):
    def run_with_daemon(self, scenario) -> None:
        async def run():
            with daemon.Daemon(TABD, CONFIG) as process:
                connection = await daemon.Connection(schema, status, NETWORK).open(process.socket)
                code, self.operator = await connection.login("operator", OPERATOR)
                self.assertEqual(code, status.statusOk)
                await set_up(self.operator)
                await asyncio.wait_for(scenario(connection), 60)

        asyncio.run(capnp.run(run()))

    def test_signs_submits_and_reads_back(self):
        async def scenario(connection):
            info = (await connection.tabd.info()).info
            self.assertEqual(info.network, NETWORK)
            self.assertEqual(bytes(info.operatorKey), tab.address(OPERATOR.address))
            self.assertEqual([asset.text for asset in info.assets], ["USD"])
            code, server = await connection.login("server", SERVER)
            self.assertEqual(code, status.statusOk)

            listener = Listener()
            subscription = await server.subscribe(filter={"kinds": 1 << 1}, listener=listener)
            nonce = 2 ** 100 + 7
            first = charge(nonce)
            bad = charge(nonce + 1)
            bad.signature = bytes([bad.signature[0] ^ 1]) + bad.signature[1:]
            receipt = await submit(server, 1, [first, bad, charge(nonce + 2, amount=10_001), first])
            self.assertEqual(receipt.status, status.statusOk, receipt.detail)
            self.assertEqual([item.status for item in receipt.items],
                             [status.statusOk, status.statusSignatureWrong, status.statusChargeAboveMaximum,
                              status.statusAlreadyAccepted])
            self.assertEqual(tab.number(receipt.items[2].numbers.limit), 10_000)
            sequence = receipt.items[0].sequence
            self.assertEqual(receipt.items[3].sequence, sequence)

            exposure = await server.exposure(payer=tab.address(PAYER.address), asset=1)
            self.assertEqual(tab.number(exposure.exposure.exposure), 2_500)
            self.assertEqual(tab.number(exposure.exposure.available), 1_000_000 - 2_500)

            while not listener.heard:
                await asyncio.sleep(0.01)
            self.assertEqual(listener.heard, [("accepted", tab.address(PAYER.address), 2_500)])
            del subscription

            code, payer = await connection.login("payer", PAYER)
            self.assertEqual(code, status.statusOk)
            account = await payer.account()
            self.assertEqual(tab.number(account.tallies[0].unbilled), 2_500)
            charges = []
            while not charges:  # the history index follows the journal
                charges = (await payer.charges(page={})).charges
            self.assertEqual([(row.entry.sequence, str(row.kind), tab.number(row.amount)) for row in charges],
                             [(sequence, "charged", 2_500)])

            closed = await self.operator.closeNow(payer=tab.address(PAYER.address), asset=1)
            self.assertEqual(closed.receipt.status, status.statusOk, closed.receipt.detail)
            statements = (await payer.statements(page={})).statements
            self.assertEqual(len(statements), 1)
            statement = (await payer.statement(id=statements[0].id)).statement
            # One charge under the root: its leaf is the root.
            entry = bytes(charges[0].entry.bytes)
            self.assertEqual(bytes(statement.root), tab.sha256(b"\x00" + entry))
            self.assertGreater(len((await payer.proof(sequence=sequence)).proof), 0)

            while str((await payer.statement(id=statement.id)).statement.state) != "paid":
                await asyncio.sleep(0.02)

            async def ask(method, amount, reference):
                request = getattr(self.operator, f"{method}_request")()
                request.payer, request.asset, request.statement = tab.address(PAYER.address), 1, statement.id
                request.reason, request.reference = "asked for it", reference
                tab.wide(request.amount, amount)
                return (await request.send()).receipt

            ids = []
            for method in ["creditNote", "refund"]:
                receipts = [await ask(method, *words) for words in [(500, "a"), (500, "a"), (400, "a"), (500, "")]]
                self.assertEqual([receipt.status for receipt in receipts],
                                 [status.statusOk, status.statusAlreadyAccepted, status.statusReferenceConflict,
                                  status.statusValueInvalid])
                self.assertEqual(receipts[0].id, receipts[1].id)
                ids.append(receipts[0].id)
            note = (await payer.creditNoteById(id=ids[0])).note
            self.assertEqual((note.reference, tab.number(note.amount)), ("a", 500))
            self.assertGreater(len((await payer.proof(sequence=note.notedBy)).proof), 0)
            settlements = (await payer.settlements(page={})).settlements
            self.assertEqual([str(one.kind) for one in settlements], ["collection", "refund"])
            self.assertEqual((settlements[1].id, settlements[1].operatorReference), (ids[1], "a"))

            head = (await self.operator.head()).head
            self.assertEqual(tab.sha256(bytes(head.header)), bytes(head.segmentHash))
            self.assertEqual(
                tab.signer_of(NETWORK, "Segment", {"number": head.lastSegment, "hash": bytes(head.segmentHash)},
                              bytes(head.signature)), OPERATOR.address)

        self.run_with_daemon(scenario)

    def test_an_agent_under_a_mandate(self):
        async def scenario(connection):
            _, server = await connection.login("server", SERVER)
            _, payer = await connection.login("payer", PAYER)
            refused = await submit(server, 1, [charge(1, AGENT)])
            self.assertEqual(refused.items[0].status, status.statusSignerNotAuthorised)
            mandate = {"payer": PAYER.address, "agent": AGENT.address, "asset": "USD", "cap": 6_000, "period": 2,
                       "payees": [PAYEE.address], "validAfter": 0, "validBefore": 0, "nonce": 1}
            request = payer.setMandate_request()
            out = request.mandate
            out.payer, out.agent = tab.address(PAYER.address), tab.address(AGENT.address)
            out.asset, out.period, out.nonce = 1, "day", 1
            tab.wide(out.cap, 6_000)
            out.payees = [tab.address(PAYEE.address)]
            request.signature = tab.sign(PAYER, NETWORK, "Mandate", mandate)
            receipt = (await request.send()).receipt
            self.assertEqual(receipt.status, status.statusOk, receipt.detail)
            receipt = await submit(server, 2, [charge(1, AGENT), charge(2, AGENT), charge(3, AGENT)])
            self.assertEqual([item.status for item in receipt.items],
                             [status.statusOk, status.statusOk, status.statusMandateCapExceeded])
            self.assertEqual(tab.number(receipt.items[2].numbers.allowed), 1_000)

        self.run_with_daemon(scenario)

    def test_the_next_rail_collects_and_stray_money_waits_for_the_operator(self):
        async def scenario(connection):
            operator, payer = self.operator, tab.address(DECLINED.address)
            _, server = await connection.login("server", SERVER)
            await operator.setPayer(address=payer, label="declined", plans=["two rails"])
            stored = await operator.setRailMandate(payer=payer, rail="sandbox2", mandate=b"cus_1;pm_2")
            self.assertEqual(stored.receipt.status, status.statusOk, stored.receipt.detail)
            account = (await operator.payer(address=payer)).payer
            self.assertEqual([(str(one.rail), bytes(one.mandate)) for one in account.railMandates],
                             [("sandbox2", b"cus_1;pm_2")])
            receipt = await submit(server, 1, [charge(1, DECLINED, payer=DECLINED)])
            self.assertEqual(receipt.items[0].status, status.statusOk)
            await operator.closeNow(payer=payer, asset=1)
            settlement = None
            while settlement is None or str(settlement.state) != "final":
                await asyncio.sleep(0.02)
                settlement = (await operator.settlement(id=1)).settlement
            self.assertEqual((str(settlement.rail), settlement.attempt), ("sandbox2", 2))
            self.assertEqual([(str(one.rail), str(one.failure)) for one in settlement.refusals],
                             [("sandbox", "needsAction")])

            notices = []
            while len(notices) < 2:  # it announces the payment, and tells of it once more
                await asyncio.sleep(0.02)
                notices = (await operator.notices(state="unspecified", page={})).notices
            self.assertEqual(len((await operator.noticesOf(settlement=1, limit=9)).notices), 1)
            stray = (await operator.notices(state="suspense", page={})).notices
            self.assertEqual([tab.number(one.amount) for one in stray], [2_500])

            async def resolve(id, resolution, whose=b""):
                answer = await operator.resolveNotice(id=id, resolution=resolution, payer=whose, reason="paid twice")
                return answer.receipt.status

            self.assertEqual(await resolve(stray[0].id, "dismissed"), status.statusWrongState)
            self.assertEqual(await resolve(99, "operators"), status.statusNotFound)
            self.assertEqual(await resolve(stray[0].id, "payerCredit", payer), status.statusOk)
            self.assertEqual(await resolve(stray[0].id, "payerCredit", payer), status.statusWrongState)
            tally = (await operator.tally(payer=payer, asset=1)).tally
            self.assertEqual(tab.number(tally.credit), 2_500)
            balance = (await operator.operatorBalances()).balances[0]
            self.assertEqual(balance.suspense.posted.low, 0)

        self.run_with_daemon(scenario)

    def test_what_is_refused(self):
        async def scenario(connection):
            self.assertEqual((await connection.login("operator", STRANGER))[0], status.statusNotPermitted)
            self.assertEqual((await connection.login("server", STRANGER))[0], status.statusServerUnknown)
            self.assertEqual((await connection.login("payer", PAYER, "operator"))[0], status.statusSignatureWrong)
            _, server = await connection.login("server", SERVER)
            with self.assertRaises(capnp.KjException):
                await server.cast_as(schema.OperatorSession).closeNow(payer=tab.address(PAYER.address), asset=1)
            with self.assertRaises(capnp.KjException) as short:
                await server.exposure(payer=b"short", asset=1)
            self.assertIn("an address has 20 bytes, not 5", str(short.exception))
            # A field of a wrong length spoils its item alone. In the root it counts with a zero payer.
            request = server.submit_request()
            good = charge(50)
            spoilt = charge(51)
            spoilt.payer = "0x" + "00" * 20
            tab.fill_batch(request.init("batch"), SERVER, NETWORK, 9, [good, spoilt])
            request.batch.items[1].charge.commitment.payer = b"nineteen bytes long"
            receipt = (await request.send()).receipt
            self.assertEqual([item.status for item in receipt.items],
                             [status.statusOk, status.statusItemMalformed])
            self.assertIn("item 1: payer", receipt.detail)

        self.run_with_daemon(scenario)

    def test_a_stream_of_batches(self):
        async def scenario(connection):
            _, server = await connection.login("server", SERVER)
            submitter = (await server.openSubmitter()).submitter
            for number in range(5):
                request = submitter.submit_request()
                tab.fill_batch(request.init("batch"), SERVER, NETWORK, number,
                               [charge(1000 + 10 * number + i, amount=1) for i in range(10)])
                await request.send()
            summary = (await submitter.done()).summary
            self.assertEqual((summary.batches, summary.items, summary.accepted, summary.refusedCount), (5, 50, 50, 0))

        self.run_with_daemon(scenario)


if __name__ == "__main__":
    unittest.main(verbosity=2)
