// What comes in from banks and from people who type accounts. A refusal must be a sentence that says where; what is
// read must be within its bounds, and the rules over our own files must survive everything.

#include "base/check.h"
#include "settlers/bank/account_text.h"
#include "settlers/bank/engine.h"
#include "settlers/bank/report.h"
#include "settlers/bank/text.h"
#include "tests/fuzz/target.h"

namespace fuzz {

using namespace settlers::bank;

bool run_input(base::ByteView bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const auto report = read_report(text);
  if (report) {
    for (const BankEntry& entry : report->entries) {
      CHECK(entry.line > 0 && entry.number > 0 && !entry.element.empty());
      CHECK(entry.scope != EntryScope::payment || entry.payments == 0);
      CHECK(entry.currency.size() <= 3);
    }
  } else {
    CHECK(report.error().message.find("line ") != std::string::npos);
  }
  static_cast<void>(sepa_rule_findings(text));
  static_cast<void>(nacha_rule_findings(text));
  CHECK(is_sepa_text(to_sepa_text(text, 140)) && to_sepa_text(text, 140).size() <= 140);
  static_cast<void>(parse_reference({}, text));
  const base::Bytes copy(bytes.begin(), bytes.end());
  static_cast<void>(read_notice_body(copy));
  static_cast<void>(read_request(copy));
  bool account = false;
  if (const auto fields = parse_fields(text)) {
    for (const bool collection : {true, false}) {
      const auto who = read_counterparty(*fields, collection);
      account = account || who.has_value();
      CHECK(who || !who.error().message.empty());
    }
  }
  return report.has_value() || account;
}

}  // namespace fuzz
