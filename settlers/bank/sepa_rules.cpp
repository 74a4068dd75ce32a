// The rules of the SEPA schemes over the bytes of a file. They know nothing of how the file was made.

#include <algorithm>
#include <set>

#include "base/limits.h"
#include "settlers/bank/account_check.h"
#include "settlers/bank/sepa.h"
#include "settlers/bank/text.h"
#include "settlers/bank/xml_document.h"

namespace settlers::bank {
namespace {

constexpr std::size_t kFindingsMax = 20;
constexpr std::size_t kIdMax = 35, kNameMax = 70, kRemittanceMax = 140;

class Rules {
 public:
  explicit Rules(const XmlDocument& document) : document_(document) {}

  void check() {
    const pugi::xml_node message = document_.root().first_child();
    const std::string_view name = local_name(message);
    collects_ = name == "CstmrDrctDbtInitn";
    if (!collects_ && name != "CstmrCdtTrfInitn")
      return add(document_.root(), "is neither a direct debit nor a credit transfer initiation");
    const pugi::xml_node head = required(message, "GrpHdr");
    id(head, "MsgId");
    required_text(head, "CreDtTm");
    text(head, "InitgPty/Nm", kNameMax, true);
    std::uint64_t count = 0, sum = 0, blocks = 0;
    for_each(message, "PmtInf", [&](pugi::xml_node block) {
      ++blocks;
      check_block(block, count, sum);
    });
    if (blocks == 0) add(message, "has no PmtInf");
    check_totals(head, count, sum);
  }

  std::vector<std::string> findings;

 private:
  void add(pugi::xml_node node, const std::string& what) {
    if (findings.size() < kFindingsMax)
      findings.push_back("line " + std::to_string(document_.line(node)) + ", " +
                         (path_of(node).empty() ? std::string(local_name(node)) : path_of(node)) + ": " + what);
  }
  pugi::xml_node required(pugi::xml_node node, std::string_view path) {
    const pugi::xml_node found = find(node, path);
    if (!found) add(node, std::string(path) + " is missing; the scheme demands it");
    return found ? found : node;
  }
  std::string_view required_text(pugi::xml_node node, std::string_view path) {
    const std::string_view value = find_text(node, path);
    if (value.empty()) add(node, std::string(path) + " is missing or empty; the scheme demands it");
    return value;
  }
  void one_of(pugi::xml_node node, std::string_view path, std::initializer_list<std::string_view> allowed) {
    const std::string_view value = required_text(node, path);
    if (value.empty() || std::find(allowed.begin(), allowed.end(), value) != allowed.end()) return;
    add(node, std::string(path) + " is " + std::string(value) + ", which the scheme does not allow here");
  }
  void text(pugi::xml_node node, std::string_view path, std::size_t length_max, bool needed) {
    const std::string_view value = needed ? required_text(node, path) : find_text(node, path);
    if (value.size() > length_max)
      add(node, std::string(path) + " has " + std::to_string(value.size()) + " characters; at most " +
                    std::to_string(length_max) + " are allowed");
    if (!is_sepa_text(value)) add(node, std::string(path) + " has a character outside the scheme's set");
  }
  std::string_view id(pugi::xml_node node, std::string_view path) {
    const std::string_view value = required_text(node, path);
    if (value.empty()) return value;
    if (const auto problem = reference_problem(value, kIdMax)) add(node, std::string(path) + " " + *problem);
    return value;
  }
  std::string_view iban(pugi::xml_node node, std::string_view path) {
    const std::string_view value = required_text(node, path);
    if (value.empty()) return value;
    if (const auto problem = iban_problem(value)) add(node, std::string(path) + ": " + *problem);
    return value;
  }
  void agent(pugi::xml_node node, std::string_view name, bool needed) {
    const pugi::xml_node found = needed ? required(node, name) : find(node, name);
    if (!found || found == node) return;
    const std::string_view bic = find_text(found, "FinInstnId/BICFI");
    if (bic.empty()) {
      if (find_text(found, "FinInstnId/Othr/Id") != "NOTPROVIDED")
        add(found, "has neither a BIC nor NOTPROVIDED in its place");
    } else if (const auto problem = bic_problem(bic)) {
      add(found, *problem);
    }
  }
  // An address is structured or hybrid: with town and country.
  void address(pugi::xml_node party, bool needed) {
    const pugi::xml_node found = find(party, "PstlAdr");
    if (!found) {
      if (needed)
        add(party, "has no PstlAdr; a debtor whose bank is outside the European Economic Area needs an address");
      return;
    }
    text(found, "TwnNm", 35, true);
    const std::string_view country = required_text(found, "Ctry");
    if (!country.empty() && country.size() != 2) add(found, "Ctry is not two letters");
    std::size_t lines = 0;
    for_each(found, "AdrLine", [&lines](pugi::xml_node) { ++lines; });
    if (lines > 2) add(found, "has more than two AdrLine; unstructured addresses are no longer accepted");
    for (const auto& [name, length] : {std::pair{"StrtNm", 70}, {"BldgNb", 16}, {"PstCd", 16}})
      text(found, name, static_cast<std::size_t>(length), false);
  }

  void check_totals(pugi::xml_node node, std::uint64_t count, std::uint64_t sum) {
    if (required_text(node, "NbOfTxs") != std::to_string(count))
      add(node, "NbOfTxs is not the number of payments, " + std::to_string(count));
    const auto stated = parse_cents(required_text(node, "CtrlSum"));
    if (!stated || *stated != sum) add(node, "CtrlSum is not the sum of the payments, " + cents_text(sum));
  }

  void check_block(pugi::xml_node block, std::uint64_t& count_all, std::uint64_t& sum_all) {
    id(block, "PmtInfId");
    one_of(block, "PmtMtd", {collects_ ? "DD" : "TRF"});
    one_of(block, "BtchBookg", {"true", "false"});
    one_of(block, "PmtTpInf/SvcLvl/Cd", {"SEPA"});
    one_of(block, "ChrgBr", {"SLEV"});
    if (collects_) {
      one_of(block, "PmtTpInf/LclInstrm/Cd", {"CORE", "B2B"});
      one_of(block, "PmtTpInf/SeqTp", {"FRST", "RCUR", "FNAL", "OOFF"});
      creditor_id(block, "CdtrSchmeId");
    }
    const std::string_view date = required_text(block, collects_ ? "ReqdColltnDt" : "ReqdExctnDt/Dt");
    const std::optional<Day> due = parse_date(date);
    const bool instant = find_text(block, "PmtTpInf/LclInstrm/Cd") == "INST";
    if (!due || (!instant && !is_business_day(BusinessCalendar::target, *due)))
      add(block, "the date " + std::string(date) + " is not a TARGET day");
    const std::string_view own = collects_ ? "Cdtr" : "Dbtr";
    text(required(block, own), "Nm", kNameMax, true);
    address(find(block, own), false);
    iban(block, collects_ ? "CdtrAcct/Id/IBAN" : "DbtrAcct/Id/IBAN");
    agent(block, collects_ ? "CdtrAgt" : "DbtrAgt", true);
    std::uint64_t count = 0, sum = 0;
    for_each(block, collects_ ? "DrctDbtTxInf" : "CdtTrfTxInf", [&](pugi::xml_node payment) {
      ++count;
      sum += check_payment(payment, due.value_or(0));
    });
    if (count == 0) add(block, "has no payments");
    if (count > base::limits::kBankFileEntriesMax)
      add(block, "has more than " + std::to_string(base::limits::kBankFileEntriesMax) + " payments");
    check_totals(block, count, sum);
    count_all += count;
    sum_all += sum;
  }

  void creditor_id(pugi::xml_node node, const std::string& name) {
    const std::string_view value = required_text(node, name + "/Id/PrvtId/Othr/Id");
    if (value.empty()) return;
    if (const auto problem = creditor_id_problem(value)) add(node, name + ": " + *problem);
    if (find_text(node, name + "/Id/PrvtId/Othr/SchmeNm/Prtry") != "SEPA")
      add(node, name + " must say SEPA in SchmeNm/Prtry");
  }

  std::uint64_t check_payment(pugi::xml_node payment, Day due) {
    const std::string_view end_to_end = id(payment, "PmtId/EndToEndId");
    if (!end_to_end.empty() && !references_.emplace(end_to_end).second)
      add(payment, "EndToEndId " + std::string(end_to_end) + " is used twice in this file");
    const std::string path = collects_ ? "InstdAmt" : "Amt/InstdAmt";
    const std::string_view stated = required_text(payment, path);
    const std::optional<std::uint64_t> cents = parse_cents(stated);
    const std::size_t point = stated.find('.');
    if (!cents || *cents == 0 || *cents > kSepaCentsMax ||
        (point != std::string_view::npos && stated.size() - point > 3))
      add(payment, path + " is " + std::string(stated) + "; allowed: 0.01 to 999999999.99 with two decimals");
    if (std::string_view(find(payment, path).attribute("Ccy").value()) != "EUR") add(payment, path + " is not in EUR");
    const std::string other = collects_ ? "Dbtr" : "Cdtr";
    const pugi::xml_node party = required(payment, other);
    text(party, "Nm", kNameMax, true);
    const std::string_view account = iban(payment, other + "Acct/Id/IBAN");
    address(find(payment, other), collects_ && is_outside_eea(account.substr(0, 2)));
    agent(payment, other + "Agt", collects_);
    std::size_t lines = 0;
    for_each(find(payment, "RmtInf"), "Ustrd", [&lines](pugi::xml_node) { ++lines; });
    if (lines > 1) add(payment, "RmtInf has more than one Ustrd");
    text(payment, "RmtInf/Ustrd", kRemittanceMax, false);
    if (collects_) check_mandate(payment, due);
    return cents.value_or(0);
  }

  void check_mandate(pugi::xml_node payment, Day due) {
    const pugi::xml_node mandate = required(payment, "DrctDbtTx/MndtRltdInf");
    if (mandate == payment) return;
    id(mandate, "MndtId");
    const std::optional<Day> signed_on = parse_date(required_text(mandate, "DtOfSgntr"));
    if (!signed_on) {
      add(mandate, "DtOfSgntr is no date");
    } else if (*signed_on > due) {
      add(mandate, "DtOfSgntr is after the collection date");
    }
    const bool amended = find_text(mandate, "AmdmntInd") == "true";
    const pugi::xml_node details = find(mandate, "AmdmntInfDtls");
    if (amended != static_cast<bool>(details)) add(mandate, "AmdmntInd and AmdmntInfDtls must come together");
    if (!details) return;
    if (!find_text(details, "OrgnlMndtId").empty()) id(details, "OrgnlMndtId");
    if (find(details, "OrgnlCdtrSchmeId")) creditor_id(details, "OrgnlCdtrSchmeId");
    if (find(details, "OrgnlDbtrAcct/Id/IBAN")) iban(details, "OrgnlDbtrAcct/Id/IBAN");
  }

  const XmlDocument& document_;
  bool collects_ = false;
  std::set<std::string, std::less<>> references_;
};

}  // namespace

std::vector<std::string> sepa_rule_findings(std::string_view xml) {
  const base::Result<XmlDocument> document = XmlDocument::parse(xml);
  if (!document) return {document.error().message};
  Rules rules(*document);
  rules.check();
  return std::move(rules.findings);
}

}  // namespace settlers::bank
