#include "settlers/bank/account_text.h"

#include <algorithm>

#include "base/codec.h"
#include "crypto/sha256.h"
#include "settlers/bank/account_check.h"
#include "settlers/bank/text.h"

namespace settlers::bank {
namespace {

constexpr std::size_t kValueBytesMax = 512;

tl::unexpected<base::Error> wrong(const std::string& what) {
  return base::error(base::ErrorCode::invalid_argument, "bank account: " + what);
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\r')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

// Takes keys out; what is left over at the end is a mistake.
class Taker {
 public:
  explicit Taker(const Fields& fields) : left_(fields) {}
  std::string take(std::string_view key) {
    const auto found = left_.find(key);
    if (found == left_.end()) return {};
    std::string value = std::move(found->second);
    left_.erase(found);
    return value;
  }
  std::string unknown() const { return left_.empty() ? std::string() : left_.begin()->first; }

 private:
  Fields left_;
};

base::Result<void> read_sepa(Taker& fields, Counterparty& who, bool collection) {
  who.network = Network::sepa;
  who.iban = compact(fields.take("iban"));
  if (const auto problem = iban_problem(who.iban)) return wrong("iban: " + *problem);
  who.bic = compact(fields.take("bic"));
  if (!who.bic.empty()) {
    if (const auto problem = bic_problem(who.bic)) return wrong("bic: " + *problem);
  }
  who.address = {to_sepa_text(fields.take("street"), 70), to_sepa_text(fields.take("building"), 16),
                 to_sepa_text(fields.take("postcode"), 16), to_sepa_text(fields.take("town"), 35),
                 compact(fields.take("country"))};
  const bool any = !who.address.street.empty() || !who.address.postcode.empty() || !who.address.empty();
  if (any && (who.address.town.empty() || who.address.country.size() != 2))
    return wrong("an address needs town= and country= (two letters)");
  if (!collection) return {};
  if (is_outside_eea(who.iban.substr(0, 2)) && who.address.empty())
    return wrong("a payer whose bank is outside the European Economic Area needs town= and country=");
  who.mandate.id = fields.take("mandate");
  if (const auto problem = reference_problem(who.mandate.id, 35)) return wrong("mandate: " + *problem);
  const std::optional<Day> signed_on = parse_date(fields.take("signed"));
  if (!signed_on) return wrong("signed: the date of the mandate's signature is missing, such as 2026-01-31");
  who.mandate.signed_on = *signed_on;
  if (const std::string sequence = fields.take("sequence"); !sequence.empty()) {
    const auto type = sequence_from_code(sequence);
    if (!type) return wrong("sequence: \"" + sequence + "\" is not one of RCUR, OOFF, FRST and FNAL");
    who.sequence = *type;
  }
  who.mandate.previous_id = fields.take("previous_mandate");
  who.mandate.previous_creditor_id = fields.take("previous_creditor_id");
  who.mandate.previous_iban = compact(fields.take("previous_iban"));
  if (!who.mandate.previous_id.empty()) {
    if (const auto problem = reference_problem(who.mandate.previous_id, 35))
      return wrong("previous_mandate: " + *problem);
  }
  if (!who.mandate.previous_creditor_id.empty()) {
    if (const auto problem = creditor_id_problem(who.mandate.previous_creditor_id))
      return wrong("previous_creditor_id: " + *problem);
  }
  if (!who.mandate.previous_iban.empty() && who.mandate.previous_iban != "SMNDA") {
    if (const auto problem = iban_problem(who.mandate.previous_iban)) return wrong("previous_iban: " + *problem);
  }
  return {};
}

base::Result<void> read_ach(Taker& fields, Counterparty& who, bool collection) {
  who.network = Network::ach;
  who.routing_number = fields.take("routing");
  if (const auto problem = routing_number_problem(who.routing_number)) return wrong("routing: " + *problem);
  who.account = fields.take("account");
  const bool plain = std::all_of(who.account.begin(), who.account.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || c == '-' || c == ' ';
  });
  if (who.account.empty() || who.account.size() > 17 || !plain)
    return wrong("account: 1 to 17 digits or upper-case letters are allowed");
  const std::string type = fields.take("type");
  if (!type.empty() && type != "checking" && type != "savings")
    return wrong("type: \"" + type + "\" is neither checking nor savings");
  who.savings = type == "savings";
  if (!collection) return {};
  const std::optional<Day> authorized = parse_date(fields.take("authorized"));
  if (!authorized) return wrong("authorized: the date of the payer's authorisation is missing, such as 2026-01-31");
  const std::string frequency = fields.take("frequency");
  if (!frequency.empty() && frequency != "recurring" && frequency != "single")
    return wrong("frequency: \"" + frequency + "\" is neither recurring nor single");
  who.single_entry = frequency == "single";
  who.sequence = who.single_entry ? SequenceType::one_off : SequenceType::recurring;
  return {};
}

}  // namespace

base::Result<Fields> parse_fields(std::string_view text, std::string_view separators) {
  Fields fields;
  while (!text.empty()) {
    const std::size_t end = text.find_first_of(separators);
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty()) continue;
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos || equals == 0)
      return wrong("\"" + std::string(line.substr(0, 40)) + "\" is not of the form key=value");
    const std::string key(trimmed(line.substr(0, equals)));
    const std::string_view value = trimmed(line.substr(equals + 1));
    if (value.size() > kValueBytesMax) return wrong(key + ": the value is too long");
    if (!fields.emplace(key, value).second) return wrong(key + ": is given twice");
  }
  return fields;
}

std::string write_fields(const Fields& fields) {
  std::string text;
  for (const auto& [key, value] : fields) {
    if (value.empty()) continue;
    text.append(key).append("=");
    for (const char c : value) text += c == '\n' || c == '\r' ? ' ' : c;
    text += '\n';
  }
  return text;
}

Fields credit_account(const Fields& mandate) {
  constexpr std::string_view kKeys[] = {"name", "iban",    "bic",     "street",  "building", "postcode",
                                        "town", "country", "routing", "account", "type"};
  Fields account;
  for (const std::string_view key : kKeys) {
    if (const auto found = mandate.find(key); found != mandate.end()) account.insert(*found);
  }
  const auto scheme = mandate.find("scheme");
  if (scheme == mandate.end()) return account;
  // Credits of class WEB are between persons only.
  if (scheme->second == "ach-web")
    account["scheme"] = "ach-ppd";
  else
    account["scheme"] = scheme->second.starts_with("sepa-") ? "sepa" : scheme->second;
  return account;
}

base::Result<Counterparty> read_counterparty(const Fields& all, bool collection) {
  Taker fields(all);
  Counterparty who;
  const std::string scheme = fields.take("scheme");
  who.name = fields.take("name");
  if (to_sepa_text(who.name, 70).find_first_not_of(". ") == std::string::npos)
    return wrong("name: the account's owner is missing");
  struct Known {
    std::string_view name;
    bool collection;
    SepaScheme sepa;
    EntryClass ach;
    Network network;
  };
  constexpr Known kSchemes[] = {
      {"sepa-core", true, SepaScheme::core, EntryClass::ppd, Network::sepa},
      {"sepa-b2b", true, SepaScheme::b2b, EntryClass::ppd, Network::sepa},
      {"sepa", false, SepaScheme::transfer, EntryClass::ppd, Network::sepa},
      {"sepa-instant", false, SepaScheme::instant_transfer, EntryClass::ppd, Network::sepa},
      {"ach-ppd", true, SepaScheme::core, EntryClass::ppd, Network::ach},
      {"ach-ccd", true, SepaScheme::core, EntryClass::ccd, Network::ach},
      {"ach-web", true, SepaScheme::core, EntryClass::web, Network::ach},
      {"ach-ppd", false, SepaScheme::core, EntryClass::ppd, Network::ach},
      {"ach-ccd", false, SepaScheme::core, EntryClass::ccd, Network::ach},
  };
  const auto* known = std::find_if(std::begin(kSchemes), std::end(kSchemes), [&](const Known& each) {
    return each.name == scheme && each.collection == collection;
  });
  if (known == std::end(kSchemes))
    return wrong("scheme: \"" + scheme + "\" is not known for " +
                 (collection ? "a mandate; allowed: sepa-core, sepa-b2b, ach-ppd, ach-ccd, ach-web"
                             : "a payout; allowed: sepa, sepa-instant, ach-ppd, ach-ccd"));
  who.sepa_scheme = known->sepa;
  who.entry_class = known->ach;
  RETURN_IF_ERROR(known->network == Network::sepa ? read_sepa(fields, who, collection)
                                                  : read_ach(fields, who, collection));
  if (!fields.unknown().empty()) return wrong(fields.unknown() + ": there is no such key for " + scheme);
  return who;
}

base::Hash fingerprint(const Counterparty& who) {
  base::Bytes bytes;
  base::Encoder out(bytes);
  out.string("tabd bank account 1");
  out.u8(static_cast<std::uint8_t>(who.network));
  out.string(who.iban);
  out.string(who.mandate.id);
  out.string(who.routing_number);
  out.string(who.account);
  out.u8(static_cast<std::uint8_t>(who.entry_class));
  return crypto::sha256(bytes);
}

}  // namespace settlers::bank
