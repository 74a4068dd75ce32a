#include <algorithm>

#include "base/amount.h"
#include "base/text.h"
#include "settlers/bank/report.h"
#include "settlers/bank/sepa.h"
#include "settlers/bank/xml_document.h"

namespace settlers::bank {
namespace {

constexpr std::string_view kNamespace = "urn:iso:std:iso:20022:tech:xsd:";
// The versions that banks send under the rulebooks of 2019 and later; what is read is in the same place in all of them.
constexpr std::string_view kVersions[] = {"pain.002.001.10", "pain.002.001.11", "pain.002.001.12",
                                          "camt.053.001.08", "camt.053.001.09", "camt.053.001.10",
                                          "camt.054.001.08", "camt.054.001.09", "camt.054.001.10"};

std::string_view namespace_of(pugi::xml_node root) {
  const std::string_view name = root.name();
  const std::size_t colon = name.find(':');
  const std::string key = colon == std::string_view::npos ? "xmlns" : "xmlns:" + std::string(name.substr(0, colon));
  return root.attribute(key.c_str()).value();
}

// The part of ISO's bank transaction codes that says that a direct debit or transfer came back (external code set).
bool is_return_family(std::string_view sub_family) {
  constexpr std::string_view kReturns[] = {"UPDD", "PRDD", "RRTN", "RPCR", "RRCT"};
  return std::find(std::begin(kReturns), std::end(kReturns), sub_family) != std::end(kReturns);
}

constexpr std::size_t kNameMax = 140, kAccountMax = 64, kRemittanceMax = 280;  // bytes

// For people: on one line, and without what could fake the output of a terminal.
std::string shown(std::string_view text, std::size_t bytes_max) {
  std::string line;
  for (const char c : text.substr(0, 4 * bytes_max)) {
    const bool space = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    if (!space || (!line.empty() && line.back() != ' ')) line += space ? ' ' : c;
  }
  while (line.ends_with(' ')) line.pop_back();
  return base::without_flaws(line, bytes_max);
}

std::string remittance_of(pugi::xml_node node) {
  std::string text;
  const auto add = [&text](std::string_view part) {
    if (!part.empty() && text.size() < kRemittanceMax) text.append(text.empty() ? "" : " ").append(part);
  };
  const pugi::xml_node information = find(node, "RmtInf");
  for_each(information, "Ustrd", [&add](pugi::xml_node each) { add(each.child_value()); });
  for_each(information, "Strd", [&add](pugi::xml_node each) {
    add(find_text(each, "CdtrRefInf/Ref"));
    add(find_text(each, "AddtlRmtInf"));
  });
  if (text.empty()) add(find_text(node, "AddtlTxInf"));
  return shown(text, kRemittanceMax);
}

// Version 8 has a choice between party and agent where earlier ones had the party itself.
OtherSide side_of(pugi::xml_node payment, const std::string& role) {
  const pugi::xml_node parties = find(payment, "RltdPties");
  OtherSide side;
  for (const char* path : {"/Pty/Nm", "/Nm", "/Agt/FinInstnId/Nm"}) {
    if (side.name.empty()) side.name = shown(find_text(parties, role + path), kNameMax);
  }
  for (const char* path : {"Acct/Id/IBAN", "Acct/Id/Othr/Id"}) {
    if (side.account.empty()) side.account = shown(find_text(parties, role + path), kAccountMax);
  }
  return side;
}

// Parties keep their roles when a payment comes back.
OtherSide other_side_of(pugi::xml_node payment, bool debtor) {
  OtherSide side = side_of(payment, debtor ? "Dbtr" : "Cdtr");
  if (side.name.empty() && side.account.empty()) side = side_of(payment, debtor ? "Cdtr" : "Dbtr");
  side.remittance = remittance_of(payment);
  return side;
}

class Reader {
 public:
  Reader(const XmlDocument& document, BankReport& report) : document_(document), report_(report) {}

  base::Result<void> read_status() {
    const pugi::xml_node message = find(document_.root(), "CstmrPmtStsRpt");
    if (!message) return wrong(document_.root(), "CstmrPmtStsRpt is missing");
    report_.id = find_text(message, "GrpHdr/MsgId");
    const pugi::xml_node group = find(message, "OrgnlGrpInfAndSts");
    const std::string_view original = find_text(group, "OrgnlMsgId");
    if (original.empty()) return wrong(message, "OrgnlGrpInfAndSts/OrgnlMsgId is missing");
    std::size_t details = 0;
    base::Result<void> result;
    for_each(message, "OrgnlPmtInfAndSts", [&](pugi::xml_node block) {
      if (result) result = read_status_block(block, original, details);
    });
    RETURN_IF_ERROR(result);
    const std::string_view status = find_text(group, "GrpSts");
    if (status.empty()) return {};
    // PART and PDNG say nothing about one payment.
    const std::optional<EntryKind> kind = kind_of_status(status);
    if (!kind) return status == "PART" || status == "PDNG" ? base::Result<void>() : unknown_status(group, status);
    if (*kind == EntryKind::accepted && details > 0) return {};
    BankEntry& entry = add(group, *kind, EntryScope::message);
    entry.message_id = original;
    read_reason(group, "StsRsnInf", entry);
    return {};
  }

  base::Result<void> read_account_report(std::string_view root, std::string_view name, bool notified) {
    const pugi::xml_node message = find(document_.root(), root);
    if (!message) return wrong(document_.root(), std::string(root) + " is missing");
    notified_ = notified;
    std::size_t count = 0;
    base::Result<void> result;
    for_each(message, name, [&](pugi::xml_node statement) {
      if (!result) return;
      ++count;
      std::string_view account = find_text(statement, "Acct/Id/IBAN");
      if (account.empty()) account = find_text(statement, "Acct/Id/Othr/Id");
      if (count == 1) {
        report_.id = find_text(statement, "Id");
        report_.account = account;
      } else if (account != report_.account) {
        result = wrong(statement, "the file is about more than one account; one is expected");
        return;
      }
      result = read_statement(statement);
    });
    RETURN_IF_ERROR(result);
    if (count == 0) return wrong(message, std::string(name) + " is missing");
    return {};
  }

 private:
  tl::unexpected<base::Error> wrong(pugi::xml_node node, const std::string& what) const {
    const std::string path = path_of(node);
    return base::error(base::ErrorCode::invalid_argument, "line " + std::to_string(document_.line(node)) + ", " +
                                                              (path.empty() ? std::string(local_name(node)) : path) +
                                                              ": " + what);
  }
  tl::unexpected<base::Error> unknown_status(pugi::xml_node node, std::string_view status) const {
    return wrong(node, "the status " + std::string(status) + " is not known");
  }

  BankEntry& add(pugi::xml_node node, EntryKind kind, EntryScope scope) {
    BankEntry& entry = report_.entries.emplace_back();
    entry.kind = kind;
    entry.scope = scope;
    entry.notified = notified_;
    entry.statement = statement_;
    entry.line = document_.line(node);
    entry.element = path_of(node);
    entry.number = static_cast<std::uint32_t>(report_.entries.size());
    return entry;
  }

  static std::optional<EntryKind> kind_of_status(std::string_view status) {
    if (status == "RJCT" || status == "CANC") return EntryKind::rejected;
    for (const std::string_view good : {"ACCP", "ACTC", "ACSP", "ACSC", "ACCC", "ACWC", "ACWP", "RCVD", "ACPT"}) {
      if (status == good) return EntryKind::accepted;
    }
    return std::nullopt;
  }

  static void read_reason(pugi::xml_node node, std::string_view path, BankEntry& entry) {
    const pugi::xml_node reason = find(node, path);
    entry.reason = find_text(reason, "Rsn/Cd");
    if (entry.reason.empty()) entry.reason = find_text(reason, "Rsn/Prtry");
    entry.text = find_text(reason, "AddtlInf");
  }

  base::Result<void> read_status_block(pugi::xml_node block, std::string_view message_id, std::size_t& details) {
    const std::string_view block_id = find_text(block, "OrgnlPmtInfId");
    if (block_id.empty()) return wrong(block, "OrgnlPmtInfId is missing");
    base::Result<void> result;
    std::size_t here = 0;
    for_each(block, "TxInfAndSts", [&](pugi::xml_node payment) {
      if (!result) return;
      ++here;
      const std::string_view status = find_text(payment, "TxSts");
      const std::string_view reference = find_text(payment, "OrgnlEndToEndId");
      if (reference.empty()) {
        result = wrong(payment, "OrgnlEndToEndId is missing");
        return;
      }
      if (status == "PDNG") return;
      const std::optional<EntryKind> kind = kind_of_status(status);
      if (!kind) {
        result = unknown_status(payment, status.empty() ? "(none)" : status);
        return;
      }
      BankEntry& entry = add(payment, *kind, EntryScope::payment);
      entry.reference = reference;
      entry.message_id = message_id;
      read_reason(payment, "StsRsnInf", entry);
    });
    RETURN_IF_ERROR(result);
    details += here;
    const std::string_view status = find_text(block, "PmtInfSts");
    if (status.empty() || status == "PART" || status == "PDNG") return {};
    const std::optional<EntryKind> kind = kind_of_status(status);
    if (!kind) return unknown_status(block, status);
    if (*kind == EntryKind::accepted && here > 0) return {};
    ++details;
    BankEntry& entry = add(block, *kind, EntryScope::block);
    entry.payment_information_id = block_id;
    entry.message_id = message_id;
    read_reason(block, "StsRsnInf", entry);
    return {};
  }

  base::Result<std::uint64_t> amount(pugi::xml_node node, std::string_view path, std::string& currency) const {
    const pugi::xml_node found = find(node, path);
    const std::string_view text = find_text(node, path);
    const std::optional<std::uint64_t> cents = parse_cents(text);
    if (!cents) return wrong(node, std::string(path) + " \"" + std::string(text) + "\" is no amount with two decimals");
    currency = found.attribute("Ccy").value();
    if (currency.size() != 3) return wrong(node, std::string(path) + " has no currency in Ccy");
    return *cents;
  }

  base::Result<bool> incoming(pugi::xml_node node) const {
    const std::string_view indicator = find_text(node, "CdtDbtInd");
    if (indicator == "CRDT") return true;
    if (indicator == "DBIT") return false;
    return wrong(node, "CdtDbtInd \"" + std::string(indicator) + "\" is neither CRDT nor DBIT");
  }

  static base::i128 signed_cents(std::uint64_t cents, bool in) {
    return in ? static_cast<base::i128>(cents) : -static_cast<base::i128>(cents);
  }

  // What tells a statement from the day's others, and is the same when the bank gives it out again under another Id.
  static std::string name_of(pugi::xml_node statement, const std::optional<base::i128>& opening) {
    std::string_view number = find_text(statement, "LglSeqNb");
    if (number.empty()) number = find_text(statement, "ElctrncSeqNb");
    return std::string(number) + "/" + std::string(find_text(statement, "StmtPgntn/PgNb")) + "/" +
           (opening ? base::to_string(*opening) : std::string());
  }

  // Opening balance and booked entries must give the closing balance; a statement of several pages says neither.
  base::Result<void> read_statement(pugi::xml_node statement) {
    std::optional<base::i128> opening, closing;
    base::Result<void> result;
    for_each(statement, "Bal", [&](pugi::xml_node balance) {
      if (!result) return;
      const std::string_view type = find_text(balance, "Tp/CdOrPrtry/Cd");
      if (type != "OPBD" && type != "CLBD") return;
      std::string currency;
      const auto cents = amount(balance, "Amt", currency);
      const auto in = incoming(balance);
      if (!cents || !in) {
        result = tl::unexpected<base::Error>(cents ? in.error() : cents.error());
        return;
      }
      (type == "OPBD" ? opening : closing) = signed_cents(*cents, *in);
    });
    statement_ = name_of(statement, opening);
    base::i128 sum = 0;
    for_each(statement, "Ntry", [&](pugi::xml_node entry) {
      if (result) result = read_entry(entry, sum);
    });
    RETURN_IF_ERROR(result);
    if (opening && closing && *opening + sum != *closing)
      return wrong(statement, "the opening balance and the entries do not give the closing balance: " +
                                  base::to_string(*opening + sum) + " instead of " + base::to_string(*closing) +
                                  " cents");
    return {};
  }

  base::Result<void> read_entry(pugi::xml_node node, base::i128& sum) {
    // Sts was a plain code before it became a choice; some banks still write it so.
    std::string_view status = find_text(node, "Sts/Cd");
    if (status.empty()) status = find_text(node, "Sts");
    std::string currency;
    ASSIGN_OR_RETURN(const std::uint64_t cents, amount(node, "Amt", currency));
    ASSIGN_OR_RETURN(const bool in, incoming(node));
    if (status == "PDNG" || status == "INFO" || status == "FUTR") return {};  // not booked: comes again when it is
    if (status != "BOOK") return wrong(node, "Sts \"" + std::string(status) + "\" is not known");
    sum += signed_cents(cents, in);
    BankEntry common;
    common.incoming = in;
    common.cents = cents;
    common.currency = currency;
    common.servicer_reference = find_text(node, "AcctSvcrRef");
    common.date = parse_date(find_text(node, "BookgDt/Dt"));
    if (!common.date) common.date = parse_date(find_text(node, "BookgDt/DtTm").substr(0, 10));
    common.other_side.remittance = shown(find_text(node, "AddtlNtryInf"), kRemittanceMax);
    const bool returned =
        is_return_family(find_text(node, "BkTxCd/Domn/Fmly/SubFmlyCd")) || find_text(node, "RvslInd") == "true";
    std::size_t details = 0;
    base::Result<void> result;
    for_each(node, "NtryDtls", [&](pugi::xml_node block) {
      for_each(block, "TxDtls", [&](pugi::xml_node payment) {
        if (!result) return;
        ++details;
        result = read_payment(payment, common, returned);
      });
      const pugi::xml_node batch = find(block, "Btch");
      if (!result || !batch || find(block, "TxDtls")) return;
      ++details;
      read_batch(batch, node, common, returned);
    });
    RETURN_IF_ERROR(result);
    if (details == 0) fill(add(node, returned ? EntryKind::returned : EntryKind::booked, EntryScope::payment), common);
    return {};
  }

  static void fill(BankEntry& entry, const BankEntry& common) {
    entry.incoming = common.incoming;
    entry.cents = common.cents;
    entry.currency = common.currency;
    entry.servicer_reference = common.servicer_reference;
    entry.date = common.date;
    entry.other_side = common.other_side;
  }

  void read_batch(pugi::xml_node batch, pugi::xml_node node, const BankEntry& common, bool returned) {
    BankEntry& entry = add(node, returned ? EntryKind::returned : EntryKind::booked, EntryScope::block);
    fill(entry, common);
    entry.payment_information_id = find_text(batch, "PmtInfId");
    entry.message_id = find_text(batch, "MsgId");
    for (const char c : find_text(batch, "NbOfTxs")) {
      if (c < '0' || c > '9' || entry.payments > 1'000'000'000) break;
      entry.payments = entry.payments * 10 + static_cast<std::uint64_t>(c - '0');
    }
  }

  base::Result<void> read_payment(pugi::xml_node payment, const BankEntry& common, bool returned) {
    const bool has_return = static_cast<bool>(find(payment, "RtrInf"));
    BankEntry& entry =
        add(payment, has_return || returned ? EntryKind::returned : EntryKind::booked, EntryScope::payment);
    fill(entry, common);
    entry.reference = find_text(payment, "Refs/EndToEndId");
    if (entry.reference == "NOTPROVIDED") entry.reference.clear();
    entry.payment_information_id = find_text(payment, "Refs/PmtInfId");
    const std::string_view own = find_text(payment, "Refs/AcctSvcrRef");
    if (!own.empty()) entry.servicer_reference = own;
    if (find(payment, "Amt")) {
      ASSIGN_OR_RETURN(entry.cents, amount(payment, "Amt", entry.currency));
    } else if (find(payment, "AmtDtls/TxAmt/Amt")) {
      ASSIGN_OR_RETURN(entry.cents, amount(payment, "AmtDtls/TxAmt/Amt", entry.currency));
    }
    if (find(payment, "CdtDbtInd")) {
      ASSIGN_OR_RETURN(entry.incoming, incoming(payment));
    }
    if (has_return) read_reason(payment, "RtrInf", entry);
    OtherSide side = other_side_of(payment, entry.incoming != (entry.kind == EntryKind::returned));
    if (side.remittance.empty()) side.remittance = std::move(entry.other_side.remittance);
    entry.other_side = std::move(side);
    std::string currency;
    if (find(payment, "Chrgs/TtlChrgsAndTaxAmt")) {
      ASSIGN_OR_RETURN(entry.fee_cents, amount(payment, "Chrgs/TtlChrgsAndTaxAmt", currency));
    } else if (find(payment, "Chrgs/Rcrd/Amt")) {
      ASSIGN_OR_RETURN(entry.fee_cents, amount(payment, "Chrgs/Rcrd/Amt", currency));
    }
    return {};
  }

  const XmlDocument& document_;
  BankReport& report_;
  bool notified_ = false;
  std::string statement_;
};

}  // namespace

base::Result<BankReport> read_sepa_report(std::string_view xml) {
  ASSIGN_OR_RETURN(const XmlDocument document, XmlDocument::parse(xml));
  const std::string_view name = namespace_of(document.root());
  const std::string_view version = name.starts_with(kNamespace) ? name.substr(kNamespace.size()) : std::string_view();
  if (local_name(document.root()) != "Document" ||
      std::find(std::begin(kVersions), std::end(kVersions), version) == std::end(kVersions))
    return base::error(
        base::ErrorCode::invalid_argument,
        "line 1, " + std::string(local_name(document.root())) + ": the namespace \"" +
            std::string(name.substr(0, 100)) +
            "\" is not read here; allowed: pain.002.001.10, camt.053.001.08 and camt.054.001.08, each up "
            "to two versions later");
  BankReport report;
  report.type = version.substr(0, 8);
  Reader reader(document, report);
  if (report.type == "pain.002") {
    RETURN_IF_ERROR(reader.read_status());
  } else if (report.type == "camt.053") {
    RETURN_IF_ERROR(reader.read_account_report("BkToCstmrStmt", "Stmt", false));
  } else {
    RETURN_IF_ERROR(reader.read_account_report("BkToCstmrDbtCdtNtfctn", "Ntfctn", true));
  }
  return report;
}

base::Result<BankReport> read_report(std::string_view bytes) {
  const std::size_t first = bytes.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
  if (first == std::string_view::npos)
    return base::error(base::ErrorCode::invalid_argument, "line 1: the file is empty");
  if (bytes[first] == '1') return read_nacha_report(bytes.substr(first));
  return read_sepa_report(bytes);
}

}  // namespace settlers::bank
