"""A rail in another process (playground/rail) under the real daemon: it is killed at every point of a payment, at random
moments, and so is the daemon; each settlement is paid exactly once, by the rail's own book and by the ledger.

    rail_test.py TABD TABCTL SCHEMA_FOLDER RAIL_FOLDER

TABD_RAIL_KILLS says how often the rail is killed (default 30), TABD_SEED repeats a run.
"""

import asyncio
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
import unittest

import capnp

import daemon
import tab

TABD, TABCTL, SCHEMA, RAIL = sys.argv.pop(1), sys.argv.pop(1), sys.argv.pop(1), sys.argv.pop(1)
schema, status = daemon.load(SCHEMA, "tabd.capnp"), daemon.load(SCHEMA, "status.capnp")
rail_schema = daemon.load(SCHEMA, "settler.capnp")

NETWORK = "py:tab"
OPERATOR, SERVER, PAYER, PAYEE, RAIL_KEY, STRANGER, OTHER_PAYER = daemon.ACCOUNTS[:7]
CONFIG = f"""
network = "{NETWORK}"
data_dir = "data"
operator_key_file = "operator.key"
[rpc]
unix_socket = "t.sock"
[http]
listen = ""
[settlement]
poll_interval = "20ms"
breaker_pause = "100ms"
breaker_pause_max = "200ms"
[[asset]]
id = 1
text = "USD"
symbol = "USD"
scale = 6
rail_scale = 6
[[plan]]
label = "book"
asset = "USD"
credit_limit = "1000000"
rails = ["pybook"]
window = "day"
[[plan]]
label = "sandbox"
asset = "USD"
credit_limit = "1000000"
rails = ["sandbox"]
window = "day"
[rails.sandbox]
enabled = true
[[rails.external]]
name = "pybook"
keys = ["{RAIL_KEY.address}"]
pays = true
call_timeout = "1s"
heartbeat = "500ms"
notices_per_s = 100
notices_open_max = 50
"""
POINTS = ["before", "after", "probe", "prepare", "slow", "never", "never", "never"]


class Rail:
    """The settler's process."""

    def __init__(self, process: daemon.Daemon, point: str = "never"):
        self.process = subprocess.Popen(
            [sys.executable, "-B", os.path.join(os.path.dirname(os.path.abspath(__file__)), "rail_crash.py"), point,
             "--socket", process.socket, "--schema", SCHEMA, "--key", process.path("rail.key"), "--book",
             process.path("book.sqlite")],
            stdin=subprocess.DEVNULL, stdout=process.log, stderr=process.log,
            env={**os.environ, "TABD_RAIL_FOLDER": RAIL})

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


class RailTest(unittest.TestCase):
    def run_with_daemon(self, scenario, timeout_s: int = 500) -> None:
        async def run():
            with daemon.Daemon(TABD, CONFIG) as self.daemon:
                self.daemon.write("rail.key", RAIL_KEY.key.to_0x_hex() + "\n", 0o400)
                self.charges = 0
                await self.connect()
                for receipt in [
                        await self.operator.setPayer(address=tab.address(PAYER.address), label="p", plans=["book"]),
                        await self.operator.setPayer(address=tab.address(OTHER_PAYER.address), label="o",
                                                     plans=["sandbox"]),
                        await self.operator.setRailMandate(payer=tab.address(PAYER.address), rail="pybook",
                                                           mandate=b"account 17"),
                        await self.operator.setPayee(payee={
                            "address": tab.address(PAYEE.address), "label": "payee", "active": True,
                            "payoutRail": "pybook", "payoutAccount": "account 99"}),
                        await self.operator.setServer(key=tab.address(SERVER.address), label="server", active=True,
                                                      payees=[tab.address(PAYEE.address)])]:
                    self.assertEqual(receipt.receipt.status, status.statusOk, receipt.receipt.detail)
                await self.connect()  # now there is a server to log in as
                try:
                    await asyncio.wait_for(scenario(), timeout_s)
                except BaseException:
                    print(self.daemon.said()[-6_000:], file=sys.stderr)
                    raise

        asyncio.run(capnp.run(run()))

    async def connect(self) -> None:
        self.connection = await daemon.Connection(schema, status, NETWORK).open(self.daemon.socket)
        code, self.operator = await self.connection.login("operator", OPERATOR)
        self.assertEqual(code, status.statusOk)
        _, self.server = await self.connection.login("server", SERVER)

    async def bill(self, amount: int, payer=PAYER) -> None:
        """One charge in a statement of its own."""
        self.charges += 1
        charge = tab.Charge(payer=payer.address, payee=PAYEE.address, asset=1, asset_text="USD", maximum=amount,
                            nonce=self.charges, valid_before=int(time.time()) + 3_600,
                            usage=tab.Usage(amount)).sign(payer, NETWORK)
        request = self.server.submit_request()
        tab.fill_batch(request.init("batch"), SERVER, NETWORK, self.charges, [charge])
        receipt = (await request.send()).receipt
        self.assertEqual([item.status for item in receipt.items], [status.statusOk])
        closed = await self.operator.closeNow(payer=tab.address(payer.address), asset=1)
        self.assertEqual(closed.receipt.status, status.statusOk, closed.receipt.detail)

    async def settlements(self) -> list:
        found, after = [], 0
        while True:
            page = await self.operator.settlements(state="unspecified", page={"after": after})
            found += list(page.settlements)
            if page.next == 0:
                return found
            after = page.next

    async def until_final(self, collections: int) -> list:
        """Waits until all collections and the payouts that follow are final."""
        while True:
            all_of_them = await self.settlements()
            collected = [one for one in all_of_them if str(one.kind) == "collection"]
            if len(collected) >= collections and all(str(one.state) == "final" for one in all_of_them):
                balance = (await self.operator.payee(address=tab.address(PAYEE.address))).balances[0]
                if tab.number(balance.payableNow) == 0:
                    return all_of_them
            for one in all_of_them:  # what failed by machinery waits, in the end for hours: now is the time
                if str(one.state) == "ready":
                    await self.operator.retrySettlement(settlement=one.id)
            await asyncio.sleep(0.5)

    async def rail_status(self):
        return next(one for one in (await self.operator.rails()).rails if str(one.name) == "pybook")

    async def until_connected(self, connected: bool) -> None:
        while (await self.rail_status()).available != connected:
            await asyncio.sleep(0.02)

    def check_books(self, settlements: list, billed: int) -> None:
        with sqlite3.connect(self.daemon.path("book.sqlite")) as book:
            moved = book.execute("SELECT settlement, kind, amount, key FROM movements ORDER BY settlement").fetchall()
        self.assertEqual([(row[0], row[1], int(row[2])) for row in moved],
                         sorted((one.id, str(one.kind), tab.number(one.amount)) for one in settlements),
                         "each settlement has moved exactly once, and nothing else has")
        keys = {one.id: bytes(one.idempotencyKey) for one in settlements}
        self.assertEqual({row[0]: row[3] for row in moved}, keys, "and with the key that the ledger has")
        for kind in ("collection", "payout"):
            self.assertEqual(sum(int(row[2]) for row in moved if row[1] == kind), billed, kind)

    def check_audit(self) -> None:
        self.daemon.stop()
        audit = subprocess.run([TABCTL, "audit", self.daemon.path("data/ledger")], capture_output=True, text=True,
                               timeout=120, check=False)
        self.assertEqual(audit.returncode, 0, audit.stdout + audit.stderr)

    def test_killed_at_any_moment_everything_is_paid_once(self):
        kills = int(os.environ.get("TABD_RAIL_KILLS", "30"))
        seed = int(os.environ.get("TABD_SEED", str(random.randrange(2 ** 32))))
        print(f"TABD_SEED={seed} TABD_RAIL_KILLS={kills}", file=sys.stderr)
        chance = random.Random(seed)

        async def scenario():
            billed = bills = daemon_kills = 0
            for kill in range(kills):
                point = POINTS[kill % len(POINTS)]
                rail = Rail(self.daemon, point)
                for _ in range(3):
                    amount = chance.randrange(1, 10_000_000)
                    await self.bill(amount)
                    billed, bills = billed + amount, bills + 1
                deadline = time.monotonic() + 60
                if point in ("before", "after", "probe", "prepare"):
                    while rail.process.poll() is None and time.monotonic() < deadline:
                        await asyncio.sleep(0.01)
                    self.assertEqual(rail.process.poll(), -9, f"it dies at the point {point}")
                else:
                    await self.until_connected(True)
                    await asyncio.sleep(chance.random() * (3 if point == "slow" else 0.4))
                if kill % 7 == 3:  # and the daemon with it, in the middle
                    daemon_kills += 1
                    self.daemon.kill()
                    self.daemon.start()
                    await self.connect()
                rail.kill()
            print(f"{kills} kills of the rail, {daemon_kills} of the daemon, {bills} statements", file=sys.stderr)
            rail = Rail(self.daemon)
            try:
                settlements = await self.until_final(bills)
            finally:
                rail.kill()
            self.check_books(settlements, billed)
            balance = (await self.operator.operatorBalances()).balances[0]
            self.assertEqual([getattr(balance, name).posted.low for name in ("inTransit", "outTransit", "cash", "suspense")],
                             [0, 0, 0, 0], "all that came in went out")
            self.check_audit()

        self.run_with_daemon(scenario)


    async def register(self, settler, key=RAIL_KEY):
        """Logs in on a connection of its own. Gives the status and what keeps the registration."""
        connection = await daemon.Connection(schema, status, NETWORK).open(self.daemon.socket)
        code, session = await connection.login("rail", key)
        if code != status.statusOk:
            return code, None, ""
        answer = await session.registerSettler(settler=settler)
        return answer.status, (connection, session, answer.registration), str(answer.detail)

    def test_who_may_register(self):
        async def scenario():
            code, _, _ = await self.register(Hostile(), STRANGER)
            self.assertEqual(code, status.statusNotPermitted)
            self.assertEqual((await self.connection.login("operator", RAIL_KEY))[0], status.statusNotPermitted)
            weak = Hostile()
            weak.can_probe = False
            code, held, detail = await self.register(weak)
            self.assertEqual(code, status.statusNotPermitted)
            self.assertIn("cannot probe", detail)
            first = Hostile()
            code, held, detail = await self.register(first)
            self.assertEqual(code, status.statusOk, detail)
            self.assertEqual(str((await held[1].rail()).rail), "pybook")
            code, _, detail = await self.register(Hostile())
            self.assertEqual(code, status.statusOverloaded)
            self.assertIn("another settler serves the rail pybook", detail)
            described = await self.rail_status()
            self.assertTrue(described.available)
            self.assertIn("connected for", str(described.description))
            del held  # dropping it is the end of the registration
            await self.until_connected(False)
            self.assertIn("rail pybook: no settler is connected, its settlements wait",
                          [str(cause) for cause in (await self.operator.status()).status.degraded])
            code, held, detail = await self.register(Hostile())
            self.assertEqual(code, status.statusOk, detail)

        self.run_with_daemon(scenario)

    def test_one_that_is_stopped_in_its_tracks_is_let_go(self):
        async def scenario():
            stuck = Rail(self.daemon)
            try:
                await self.until_connected(True)
                stuck.process.send_signal(signal.SIGSTOP)  # as a machine that has gone: the connection stays open
                await self.bill(4_000)
                await self.until_connected(False)
                self.assertIn("no sign of life", str((await self.rail_status()).description))
                next_one = Rail(self.daemon)
                try:
                    settlements = await self.until_final(1)
                    stuck.process.send_signal(signal.SIGCONT)  # it wakes with a send() in its hands
                    await asyncio.sleep(1)
                    self.check_books(settlements, 4_000)
                finally:
                    next_one.kill()
            finally:
                stuck.kill()
            self.check_audit()

        self.run_with_daemon(scenario)

    def test_a_hostile_settler_changes_no_money_and_harms_no_other_rail(self):
        async def scenario():
            hostile = Hostile()
            code, held, detail = await self.register(hostile)
            self.assertEqual(code, status.statusOk, detail)
            billed = 0
            for trick in Hostile.TRICKS:
                hostile.trick = trick
                await self.bill(1_000 + billed)
                billed += 1_000 + billed
                seen = hostile.calls
                while hostile.calls < seen + 2 and hostile.trick != "prepare":
                    await asyncio.sleep(0.02)
            self.assertEqual(hostile.trick, Hostile.TRICKS[-1])
            # Meanwhile others are served.
            await self.bill(777, OTHER_PAYER)
            while not any(str(one.rail) == "sandbox" and str(one.state) == "final" for one in await self.settlements()):
                await asyncio.sleep(0.02)
            others = next(one for one in await self.settlements() if str(one.rail) == "sandbox")
            balance = (await self.operator.operatorBalances()).balances[0]
            self.assertEqual(balance.cash.posted.low, 777, "what the hostile one answered moved nothing")

            await self.flood(held[2], others)
            for one in await self.settlements():
                if str(one.rail) == "pybook" and str(one.kind) == "collection":
                    self.assertIn(str(one.state), ("ready", "sending", "unknown"), str(one.detail))
                    self.assertEqual(str(one.reference), "")
            self.assertEqual((await self.operator.settlement(id=others.id)).settlement.to_dict()["state"], "final")

            hostile.trick = "disconnect"
            del held
            await self.until_connected(False)
            rail = Rail(self.daemon)
            try:
                while not all(str(one.state) == "final" for one in await self.settlements()
                              if str(one.kind) == "collection"):
                    await asyncio.sleep(0.05)
            finally:
                rail.kill()
            with sqlite3.connect(self.daemon.path("book.sqlite")) as book:
                moved = book.execute("SELECT count(*), count(DISTINCT settlement), sum(amount) FROM movements "
                                     "WHERE kind = 'collection'").fetchone()
            self.assertEqual(moved, (len(Hostile.TRICKS), len(Hostile.TRICKS), billed))
            self.check_audit()

        self.run_with_daemon(scenario)

    async def flood(self, registration, others) -> None:
        """Notices without end, about strangers' settlements, with nonsense in them."""
        def notice(key: int, **more) -> dict:
            return {"key": key.to_bytes(32, "big"), "kind": "event", **more}

        money = {"kind": "booked", "asset": 1, "amount": {"low": 5}, "direction": "in"}
        answer = await registration.record(notices=[
            notice(1, settlement=others.id), notice(2, settlement=others.id, **money), notice(3, settlement=9_999),
            notice(4, source="\x1b[2J"), notice(5, asset=1), notice(0)])
        self.assertEqual(answer.status, status.statusOk, answer.detail)
        self.assertEqual([one.status for one in answer.answers].count(status.statusOk), 0)
        self.assertEqual((await registration.record(notices=[{"key": b"short"}])).status, status.statusValueInvalid)
        self.assertEqual((await registration.record(notices=[])).status, status.statusValueInvalid)
        self.assertEqual((await registration.record(notices=[notice(i) for i in range(1, 300)])).status,
                         status.statusValueInvalid)
        refused = None
        for call in range(100):
            keys = range(1_000 + 10 * call, 1_010 + 10 * call)
            refused = await registration.record(notices=[notice(key, **money) for key in keys])
            if refused.status != status.statusOk:
                break
        self.assertEqual(refused.status, status.statusOverloaded)
        self.assertIn("of this rail are open", str(refused.detail))
        notices = (await self.operator.notices(state="unspecified", page={})).notices
        self.assertEqual(len(notices), 50)
        self.assertEqual({str(one.rail) for one in notices}, {"pybook"})


class Hostile(rail_schema.Settler.Server):
    """A settler that does what it should not."""

    # Of send() and probe(), one after the other.
    TRICKS = ["state", "returned", "no class", "both", "fee", "long", "escape", "exception", "silent", "prepare"]

    def __init__(self):
        self.trick, self.calls, self.can_probe = TRICK_OFF, 0, True

    async def capabilities_context(self, context):
        can = context.results.capabilities
        can.pull = can.push = True
        can.canProbe = self.can_probe
        can.inFlightMax = 2 ** 32 - 1

    async def start_context(self, context):
        pass

    async def adopt_context(self, context):
        pass

    async def setSending_context(self, context):
        pass

    async def abandon_context(self, context):
        pass

    async def stop_context(self, context):
        pass

    async def report_context(self, context):
        context.results.description = "\x1b[31mall your rails are mine\x1b[0m"
        gauges = context.results.init("gauges", 2)
        gauges[0].name, gauges[0].value = "in_flight", -1
        gauges[1].name = 'x"} 1\ntabd_rail_in_flight{rail="sandbox'

    async def prepare_context(self, context):
        prepared = context.results.prepared
        if self.trick == "prepare":
            prepared.request = b"x" * (192 * 1024 + 1)
            return
        prepared.idempotencyKey = context.params.instruction.settlement.id.to_bytes(32, "big")
        prepared.request = b"{}"

    async def misbehave(self, outcome):
        self.calls += 1
        outcome.nextProbeMs = 0
        if self.trick == "state":
            outcome.state = "ready"
        elif self.trick == "returned":
            outcome.state = "cancelled"
        elif self.trick == "no class":
            outcome.state = "failed"
        elif self.trick == "both":
            outcome.state, outcome.failure = "final", "rejected"
        elif self.trick == "fee":
            outcome.state, outcome.hasFee = "final", True
            tab.wide(outcome.fee, 2 ** 127 - 1)
        elif self.trick == "long":
            outcome.state, outcome.reference = "final", "x" * 1_000_000
        elif self.trick == "escape":
            outcome.state, outcome.code = "final", "\x1b[2J"
        elif self.trick == "exception":
            raise RuntimeError("x" * 100_000)
        else:
            await asyncio.sleep(3_600)

    async def send_context(self, context):
        await self.misbehave(context.results.outcome)

    async def probe_context(self, context):
        await self.misbehave(context.results.outcome)


TRICK_OFF = "silent"


if __name__ == "__main__":
    unittest.main(verbosity=2)
