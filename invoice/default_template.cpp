// The pages that are used if the operator has none of its own. One file each, no script, nothing from elsewhere; it
// prints on A4 and Letter, and its table goes over as many pages as it needs, with its head on each.

#include "invoice/document.h"

namespace invoice {

namespace {

// Of both pages: the style, and who writes to whom.
constexpr std::string_view kHead = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{{title}} {{number}}</title>
<style>
@page {
  size: A4; margin: 18mm 16mm 20mm;
  @bottom-left { content: "{{title}} {{number}}"; font: 8pt sans-serif; color: #555; }
  @bottom-right { content: counter(page) " / " counter(pages); font: 8pt sans-serif; color: #555; }
}
body { font: 10pt/1.4 sans-serif; color: #111; margin: 0 auto; max-width: 190mm; }
h1 { font-size: 20pt; margin: 0 0 4mm; }
h2 { font-size: 11pt; margin: 8mm 0 2mm; break-after: avoid; }
.parties { display: table; table-layout: fixed; width: 100%; margin-bottom: 6mm; }
.parties > div { display: table-cell; padding-right: 8mm; }
.label { color: #555; font-size: 8pt; text-transform: uppercase; letter-spacing: .05em; }
.mono { font-family: monospace; font-size: 8pt; overflow-wrap: anywhere; word-break: break-all; }
table { border-collapse: collapse; width: 100%; }
th { text-align: left; border-bottom: 1pt solid #111; font-size: 8pt; padding: 1mm 2mm 1mm 0; }
td { border-bottom: .5pt solid #ccc; padding: 1mm 2mm 1mm 0; vertical-align: top; overflow-wrap: anywhere; }
thead { display: table-header-group; }
tr { break-inside: avoid; }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.totals { width: auto; margin: 6mm 0 0 auto; break-inside: avoid; }
.totals td { padding-left: 8mm; }
.sum td { border-top: 1pt solid #111; font-weight: bold; }
.proof { display: table; break-inside: avoid; margin-top: 4mm; }
.proof > div { display: table-cell; vertical-align: top; padding-right: 4mm; }
.proof img { display: block; width: 42mm; height: 42mm; }
</style>
</head>
<body>
<h1>{{title}} <bdi>{{number}}</bdi></h1>
<div class="parties">
<div><div class="label">From</div>{{#from}}
{{#name}}<strong><bdi>{{name}}</bdi></strong><br>{{/name}}
{{#address_lines}}<bdi>{{text}}</bdi><br>{{/address_lines}}
{{#tax_id}}Tax number <bdi>{{tax_id}}</bdi><br>{{/tax_id}}
{{#address}}<span class="mono">{{address}}</span>{{/address}}
{{/from}}</div>
<div><div class="label">To</div>{{#to}}
{{#name}}<strong><bdi>{{name}}</bdi></strong><br>{{/name}}
{{#address_lines}}<bdi>{{text}}</bdi><br>{{/address_lines}}
{{#tax_id}}Tax number <bdi>{{tax_id}}</bdi><br>{{/tax_id}}
{{#address}}<span class="mono">{{address}}</span>{{/address}}
{{/to}}</div>
<div>
<div><span class="label">Issued</span> {{issued}}</div>
)";

constexpr std::string_view kInvoice = R"({{#due}}<div><span class="label">Due</span> {{due}}</div>{{/due}}
<div><span class="label">Period</span> {{period_from}} to {{period_to}}</div>
<div><span class="label">Statement</span> {{statement}}</div>
<div><span class="label">State</span> <strong>{{state}}</strong></div>
</div>
</div>
<table>
<thead><tr>
<th>For</th><th>Resource</th><th class="n">Charges</th><th class="n">Quantity</th>
<th class="n">Amount, {{currency}}</th>
</tr></thead>
<tbody>
{{#lines}}
<tr><td><bdi>{{payee}}</bdi></td><td><bdi>{{resource}}</bdi></td>
<td class="n">{{charges}}</td><td class="n">{{quantity}}</td><td class="n">{{amount}}</td></tr>
{{/lines}}
{{^lines}}
<tr><td colspan="5">Nothing was charged in this period.</td></tr>
{{/lines}}
</tbody>
</table>
<table class="totals">
<tbody>
<tr><td>Charges</td><td class="n">{{charges_total}} {{currency}}</td></tr>
{{#carried_in}}
<tr><td>Carried in from the last period</td><td class="n">{{carried_in}} {{currency}}</td></tr>
{{/carried_in}}
{{#carried_on}}
<tr><td>Carried on to the next period</td><td class="n">-{{carried_on}} {{currency}}</td></tr>
{{/carried_on}}
<tr><td>Net</td><td class="n">{{net}} {{currency}}</td></tr>
{{#tax}}
<tr><td><bdi>{{tax_label}}</bdi></td><td class="n">{{tax}} {{currency}}</td></tr>
{{/tax}}
<tr class="sum"><td>Total</td><td class="n">{{total}} {{currency}}</td></tr>
{{#credit_applied}}
<tr><td>Credit used</td><td class="n">-{{credit_applied}} {{currency}}</td></tr>
{{/credit_applied}}
{{#credited}}
<tr><td>Credit notes</td><td class="n">-{{credited}} {{currency}}</td></tr>
{{/credited}}
{{#paid}}
<tr><td>Paid</td><td class="n">-{{paid}} {{currency}}</td></tr>
{{/paid}}
<tr class="sum"><td>To pay</td><td class="n">{{to_pay}} {{currency}}</td></tr>
{{#credited_after}}
<tr><td>Credit notes after payment</td><td class="n">-{{credited_after}} {{currency}}</td></tr>
{{/credited_after}}
{{#refunded}}
<tr><td>Refunded</td><td class="n">-{{refunded}} {{currency}}</td></tr>
{{/refunded}}
</tbody>
</table>
{{#tax_note}}<p><bdi>{{tax_note}}</bdi></p>{{/tax_note}}
{{#payment}}<p>{{payment}}</p>{{/payment}}
<h2>Whom the net amount is for</h2>
<table>
<thead><tr><th>Payee</th><th>Address</th><th class="n">Amount, {{currency}}</th></tr></thead>
<tbody>
{{#shares}}
<tr><td><bdi>{{payee}}</bdi></td><td class="mono">{{address}}</td><td class="n">{{amount}}</td></tr>
{{/shares}}
{{^shares}}
<tr><td colspan="3">Nobody: nothing is billed.</td></tr>
{{/shares}}
</tbody>
</table>
<h2>Verify</h2>
<div class="proof">
<div><img src="{{qr}}" alt="QR code: how to verify this document"></div>
<div>
<div>{{entries}} charging entries of the ledger {{network}} are under this Merkle root:</div>
<div class="mono">{{root}}</div>
<div>Take the proof of any charge of the period (tabctl charge list shows them), or of entry {{closed_by}} of the
journal, which closed it and which the operator can prove. Then check that it is of this document:</div>
<div class="mono">tabctl prove ENTRY -o invoice.proof</div>
<div class="mono">tabctl verify-proof invoice.proof --network {{network}} --operator ADDRESS
--invoice '{{verify_text}}'</div>
)";

constexpr std::string_view kNote =
    R"({{#invoice}}<div><span class="label">Corrects invoice</span> <bdi>{{invoice}}</bdi></div>{{/invoice}}
{{#statement}}<div><span class="label">Statement</span> {{statement}}</div>{{/statement}}
{{#reference}}<div><span class="label">Reference</span> <bdi>{{reference}}</bdi></div>{{/reference}}
</div>
</div>
{{#statement}}<p>This note takes a part of the invoice back.</p>{{/statement}}
{{^statement}}<p>Goodwill credit: it corrects no invoice.</p>{{/statement}}
{{#reason}}<p>Reason: <bdi>{{reason}}</bdi></p>{{/reason}}
<table class="totals">
<tbody>
<tr><td>Net</td><td class="n">{{net}} {{currency}}</td></tr>
{{#tax}}
<tr><td><bdi>{{tax_label}}</bdi></td><td class="n">{{tax}} {{currency}}</td></tr>
{{/tax}}
<tr class="sum"><td>Total credited</td><td class="n">{{total}} {{currency}}</td></tr>
{{#reduced_due}}
<tr><td>Less to pay on the invoice</td><td class="n">{{reduced_due}} {{currency}}</td></tr>
{{/reduced_due}}
{{#credited}}
<tr><td>Credit for later invoices, or to be refunded</td><td class="n">{{credited}} {{currency}}</td></tr>
{{/credited}}
</tbody>
</table>
{{#tax_note}}<p><bdi>{{tax_note}}</bdi></p>{{/tax_note}}
<h2>Verify</h2>
<div class="proof">
<div><img src="{{qr}}" alt="QR code: how to verify this document"></div>
<div>
<div>Entry {{entry}} of the ledger {{network}} made this note, with its number, net, tax, reason and reference. Take the
proof of the entry, and check that it is of this document:</div>
<div class="mono">tabctl prove {{entry}} -o note.proof</div>
<div class="mono">tabctl verify-proof note.proof --network {{network}} --operator ADDRESS
--invoice '{{verify_text}}'</div>
)";

constexpr std::string_view kEnd =
    R"({{#verify_link}}<div>Or: <a class="mono" href="{{verify_link}}">{{verify_link}}</a></div>{{/verify_link}}
</div>
</div>
</body>
</html>
)";

}  // namespace

std::string_view default_template() {
  static const std::string kPage = std::string(kHead).append(kInvoice).append(kEnd);
  return kPage;
}

std::string_view default_note_template() {
  static const std::string kPage = std::string(kHead).append(kNote).append(kEnd);
  return kPage;
}

}  // namespace invoice
