#!/usr/bin/env python3
"""A bank for the demo and for tests: takes the SEPA files of a spool and answers as a bank does.

    bank.py SPOOL --account IBAN=CENTS [--day SECONDS] [--closed IBAN]... [--returns IBAN=REASON]... [--books FILE]

It is transport and bank in one. A file in SPOOL/out is read with Python's own XML parser, checked as far as banks check
(namespace, number and sum of the payments, account, message id seen before), put into SPOOL/archive, and answered by a
pain.002. At the end of its day, which lasts --day seconds, what was taken is booked: a file with batch booking as one
sum, any other payment by payment, in a camt.053 whose balances add up. Direct debits of --closed accounts are refused
(AC04); those of --returns accounts are booked, and come back the day after with that reason. Dates are the calendar's:
each payment is booked on the day for which it was ordered.

--books: where the balances are kept as JSON, in cents: {"own": ..., "accounts": {IBAN: change, ...}, ...}.
Ends with SIGTERM, or when its standard input ends, if --until-stdin-ends is given. Only the standard library is used.
"""

import argparse
import datetime
import json
import os
import signal
import sys
import threading
import xml.etree.ElementTree as ElementTree
from decimal import Decimal
from pathlib import Path

POLL_SECONDS = 0.05
ISO = "urn:iso:std:iso:20022:tech:xsd:"
DEBITS, TRANSFERS = "pain.008.001.08", "pain.001.001.09"
STATUS, STATEMENT = "pain.002.001.11", "camt.053.001.08"
CURRENCY = "EUR"


class Refused(Exception):
    """The whole file is refused, with a reason of ISO's external code set."""


def cents(text):
    return int(Decimal(text) * 100)


def decimal(amount):
    return f"{abs(amount) // 100}.{abs(amount) % 100:02}"


def now_text():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def add(parent, path, text=None, **attributes):
    """Adds the elements of a path, all new, and returns the last."""
    for name in path.split("/"):
        parent = ElementTree.SubElement(parent, name)
    parent.attrib.update(attributes)
    if text is not None:
        parent.text = str(text)
    return parent


class Order:
    """A file from the customer."""

    def __init__(self, data):
        root = ElementTree.fromstring(data)
        self.kind = root.tag.removeprefix("{" + ISO).partition("}")[0]
        self.namespace = "{" + ISO + self.kind + "}"
        if self.kind not in (DEBITS, TRANSFERS):
            raise Refused("FF01")
        self.debits = self.kind == DEBITS
        message = root[0]
        self.message_id = self.text(message, "GrpHdr/MsgId")
        block = message.find(self.namespace + "PmtInf")
        self.block_id = self.text(block, "PmtInfId")
        self.batch = self.text(block, "BtchBookg") == "true"
        self.account = self.text(block, ("CdtrAcct" if self.debits else "DbtrAcct") + "/Id/IBAN")
        self.due = self.text(block, "ReqdColltnDt" if self.debits else "ReqdExctnDt/Dt")
        self.payments = [self.payment(one) for one in block.iter(self.namespace + ("DrctDbtTxInf" if self.debits else "CdtTrfTxInf"))]
        self.said = int(self.text(message, "GrpHdr/NbOfTxs")), cents(self.text(message, "GrpHdr/CtrlSum"))

    def text(self, node, path):
        found = node.find("/".join(self.namespace + name for name in path.split("/")))
        return "" if found is None else found.text

    def payment(self, node):
        party = "Dbtr" if self.debits else "Cdtr"
        return {
            "reference": self.text(node, "PmtId/EndToEndId"),
            "cents": cents(self.text(node, "InstdAmt" if self.debits else "Amt/InstdAmt")),
            "iban": self.text(node, party + "Acct/Id/IBAN"),
            "mandate": self.text(node, "DrctDbtTx/MndtRltdInf/MndtId") if self.debits else "",
        }

    def total(self):
        return sum(one["cents"] for one in self.payments)


class Bank:
    def __init__(self, spool, account, balance, closed=(), returns=None, books=None):
        self.spool, self.account, self.balance = Path(spool), account, balance
        self.closed, self.returns, self.books = set(closed), dict(returns or {}), books
        self.accounts = {}  # IBAN: how much more or less it has than at the start
        self.seen = set()
        self.to_book = []  # orders, with what of them was taken
        self.to_return = []  # (payment, reason), booked before
        self.count = {"files": 0, "payments": 0, "refused": 0, "returned": 0, "statements": 0}
        self.serial = 0

    def number(self):
        self.serial += 1
        return self.serial

    def deliver(self, name, root):
        data = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
        whole = self.spool / "in" / name
        part = whole.with_name(name + ".part")
        part.write_bytes(data)
        part.rename(whole)

    def take(self):
        """Every file that is there. The answer to a file follows once it is in archive/, as with any transport."""
        for path in sorted((self.spool / "out").glob("*.xml")):
            data = path.read_bytes()
            path.rename(self.spool / "archive" / path.name)
            order = reason = None
            try:
                order = Order(data)
                self.check(order)
            except Refused as refused:
                reason = str(refused)
            except (ElementTree.ParseError, AttributeError, ValueError, ArithmeticError) as problem:
                print(f"{path.name} cannot be read: {problem}", flush=True)
                reason = "FF01"
            if order is None:
                continue  # nobody to answer: the file does not say who sent it
            self.answer(order, reason)

    def check(self, order):
        if order.message_id in self.seen:
            raise Refused("AM05")
        self.seen.add(order.message_id)
        if order.account != self.account:
            raise Refused("AC01")
        if order.said != (len(order.payments), order.total()):
            raise Refused("AM10")
        if order.debits and not all(one["mandate"] for one in order.payments):
            raise Refused("MD01")

    def answer(self, order, reason):
        refused = [] if reason else [one for one in order.payments if one["iban"] in self.closed]
        root = ElementTree.Element("Document", xmlns=ISO + STATUS)
        report = add(root, "CstmrPmtStsRpt")
        header = add(report, "GrpHdr")
        number = self.number()
        add(header, "MsgId", f"BANK-STATUS-{number}")
        add(header, "CreDtTm", now_text())
        group = add(report, "OrgnlGrpInfAndSts")
        add(group, "OrgnlMsgId", order.message_id)
        add(group, "OrgnlMsgNmId", order.kind)
        add(group, "GrpSts", "RJCT" if reason else "PART" if refused else "ACCP")
        if reason:
            add(group, "StsRsnInf/Rsn/Cd", reason)
        if refused:
            block = add(report, "OrgnlPmtInfAndSts")
            add(block, "OrgnlPmtInfId", order.block_id)
            add(block, "PmtInfSts", "PART")
            for one in refused:
                payment = add(block, "TxInfAndSts")
                add(payment, "OrgnlEndToEndId", one["reference"])
                add(payment, "TxSts", "RJCT")
                add(payment, "StsRsnInf/Rsn/Cd", "AC04")
        taken = [] if reason else [one for one in order.payments if one not in refused]
        self.count["files"] += 1
        self.count["payments"] += len(taken)
        self.count["refused"] += len(order.payments) - len(taken)
        if taken:
            self.to_book.append((order, taken))
        print(f"{order.message_id}: {len(taken)} of {len(order.payments)} payments taken{', ' + reason if reason else ''}", flush=True)
        self.deliver(f"status-{number:06}.xml", root)

    def move(self, payment, incoming):
        signed = payment["cents"] if incoming else -payment["cents"]
        self.balance += signed
        self.accounts[payment["iban"]] = self.accounts.get(payment["iban"], 0) - signed

    def entry(self, statement, amount, incoming, date, family):
        entry = add(statement, "Ntry")
        add(entry, "Amt", decimal(amount), Ccy=CURRENCY)
        add(entry, "CdtDbtInd", "CRDT" if incoming else "DBIT")
        add(entry, "Sts/Cd", "BOOK")
        add(entry, "BookgDt/Dt", date)
        add(entry, "ValDt/Dt", date)
        add(entry, "AcctSvcrRef", f"BANK-{self.number()}")
        domain = add(entry, "BkTxCd/Domn")
        add(domain, "Cd", "PMNT")
        fold = add(domain, "Fmly")
        add(fold, "Cd", family[0])
        add(fold, "SubFmlyCd", family[1])
        return entry

    def single(self, statement, payment, incoming, date, family, reason=None):
        entry = self.entry(statement, payment["cents"], incoming, date, family)
        details = add(entry, "NtryDtls/TxDtls")
        add(details, "Refs/EndToEndId", payment["reference"])
        add(details, "Amt", decimal(payment["cents"]), Ccy=CURRENCY)
        add(details, "CdtDbtInd", "CRDT" if incoming else "DBIT")
        if reason:
            add(details, "RtrInf/Rsn/Cd", reason)

    def book(self, statement, order, taken):
        family = ("IDDT", "ESDD") if order.debits else ("ICDT", "ESCT")
        for one in taken:
            self.move(one, order.debits)
        if order.batch and len(taken) == len(order.payments):
            entry = self.entry(statement, order.total(), order.debits, order.due, family)
            batch = add(entry, "NtryDtls/Btch")
            add(batch, "MsgId", order.message_id)
            add(batch, "PmtInfId", order.block_id)
            add(batch, "NbOfTxs", len(taken))
        else:
            for one in taken:
                self.single(statement, one, order.debits, order.due, family)
        return [(one, order.due, self.returns[one["iban"]]) for one in taken if order.debits and one["iban"] in self.returns]

    def close_day(self):
        """A statement of what was booked, if anything was."""
        if self.to_book or self.to_return:
            number = self.number()
            root = ElementTree.Element("Document", xmlns=ISO + STATEMENT)
            report = add(root, "BkToCstmrStmt")
            header = add(report, "GrpHdr")
            add(header, "MsgId", f"BANK-STATEMENT-{number}")
            add(header, "CreDtTm", now_text())
            statement = add(report, "Stmt")
            add(statement, "Id", f"STATEMENT-{number}")
            add(statement, "CreDtTm", now_text())
            add(statement, "Acct/Id/IBAN", self.account)
            date = max([order.due for order, _ in self.to_book] + [due for _, due, _ in self.to_return])
            balances = [self.balance_element(statement, code, date) for code in ("OPBD", "CLBD")]
            self.fill(balances[0], self.balance)
            for payment, due, reason in self.to_return:
                self.move(payment, False)
                self.single(statement, payment, False, due, ("IDDT", "UPDD"), reason)
                self.count["returned"] += 1
            self.to_return = [late for order, taken in self.to_book for late in self.book(statement, order, taken)]
            self.to_book = []
            self.fill(balances[1], self.balance)
            self.count["statements"] += 1
            self.keep_books()
            self.deliver(f"statement-{number:06}.xml", root)

    @staticmethod
    def balance_element(statement, code, date):
        balance = add(statement, "Bal")
        add(balance, "Tp/CdOrPrtry/Cd", code)
        add(balance, "Amt", Ccy=CURRENCY)
        add(balance, "CdtDbtInd")
        add(balance, "Dt/Dt", date)
        return balance

    @staticmethod
    def fill(balance, amount):
        balance.find("Amt").text = decimal(amount)
        balance.find("CdtDbtInd").text = "DBIT" if amount < 0 else "CRDT"

    def keep_books(self):
        if self.books is None:
            return
        text = json.dumps({"own": self.balance, "accounts": self.accounts, **self.count})
        part = Path(str(self.books) + ".part")
        part.write_text(text, encoding="utf-8")
        os.replace(part, self.books)


def pair(text):
    name, _, value = text.partition("=")
    if not name or not value:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form IBAN=VALUE")
    return name, value


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("spool")
    parser.add_argument("--account", type=pair, required=True, metavar="IBAN=CENTS")
    parser.add_argument("--day", type=float, default=1.0, metavar="SECONDS")
    parser.add_argument("--closed", action="append", default=[], metavar="IBAN")
    parser.add_argument("--returns", type=pair, action="append", default=[], metavar="IBAN=REASON")
    parser.add_argument("--books", metavar="FILE")
    parser.add_argument("--until-stdin-ends", action="store_true")
    given = parser.parse_args()
    bank = Bank(given.spool, given.account[0], int(given.account[1]), given.closed, given.returns, given.books)
    bank.keep_books()
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    signal.signal(signal.SIGINT, lambda *_: ended.set())
    if given.until_stdin_ends:
        threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    polls = max(1, round(given.day / POLL_SECONDS))
    print("the bank is open", flush=True)
    count = 0
    while not ended.wait(POLL_SECONDS):
        count += 1
        if (Path(given.spool) / "out").is_dir():
            bank.take()
        if count % polls == 0:
            bank.close_day()


if __name__ == "__main__":
    main()
