"""Reads a pain.008 or pain.001 file with Python's own XML parser: prints "EndToEndId cents IBAN name" of each payment."""

import sys
import xml.etree.ElementTree as ElementTree
from decimal import Decimal

root = ElementTree.parse(sys.argv[1]).getroot()
namespace = root.tag[: root.tag.index("}") + 1]


def text(node, path):
    found = node.find("/".join(namespace + name for name in path.split("/")))
    return "" if found is None else found.text


total = Decimal(0)
for payment in root.iter():
    kind = payment.tag.removeprefix(namespace)
    if kind not in ("DrctDbtTxInf", "CdtTrfTxInf"):
        continue
    amount = Decimal(text(payment, "InstdAmt" if kind == "DrctDbtTxInf" else "Amt/InstdAmt"))
    party = "Dbtr" if kind == "DrctDbtTxInf" else "Cdtr"
    total += amount
    print(text(payment, "PmtId/EndToEndId"), int(amount * 100), text(payment, party + "Acct/Id/IBAN"),
          text(payment, party + "/Nm"))
assert total == Decimal(next(root.iter(namespace + "CtrlSum")).text)
