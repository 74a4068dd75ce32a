#pragma once

// Files of every kind, made from nothing but numbers. The IBANs are from the registry's examples, computed.

#include <string>

#include "settlers/bank/nacha.h"
#include "settlers/bank/sepa.h"

namespace examples {

using namespace settlers::bank;

// A German IBAN with right check digits for any account number.
inline std::string german_iban(std::uint64_t account) {
  std::string digits = std::to_string(account);
  const std::string bban = "37040044" + std::string(10 - digits.size(), '0') + digits;
  unsigned remainder = 0;
  for (const char c : bban + "131400") remainder = (remainder * 10 + static_cast<unsigned>(c - '0')) % 97;
  const std::string check = std::to_string(98 - remainder);
  return "DE" + std::string(check.size() < 2 ? "0" : "") + check + bban;
}

inline SepaFile sepa_file(SepaScheme scheme, SequenceType sequence = SequenceType::recurring,
                          std::size_t payments = 3) {
  SepaFile file;
  file.scheme = scheme;
  file.sequence = sequence;
  file.message_id = "TABD-00000001";
  file.payment_information_id = "TABD-00000001";
  file.created = base::Time::from_seconds(1'795'000'000);  // 2026-11-18
  file.own = {"Tabd Operator GmbH", "DE89370400440532013000", "COBADEFFXXX", {}};
  file.creditor_id = "DE98ZZZ09999999999";
  file.due = *parse_date("2026-11-20");
  for (std::size_t i = 0; i < payments; ++i) {
    SepaPayment payment;
    payment.end_to_end_id = "PAYMENT-" + std::to_string(100'000 + i);
    payment.cents = i == 0 ? 1 : i == 1 ? kSepaCentsMax : 1'250 + i;
    payment.party.name = "Payer " + std::to_string(i);
    payment.party.iban = german_iban(532'013'000 + i);
    payment.mandate.id = "MANDATE-" + std::to_string(i);
    payment.mandate.signed_on = *parse_date("2026-01-31");
    payment.remittance = "Statement " + std::to_string(i) + ", 2026-11";
    if (i == 1) {
      payment.party = {"Zuercher & Soehne",
                       "CH9300762011623852957",
                       "POFICHBEXXX",
                       {"Bahnhofstrasse", "1a", "8001", "Zuerich", "CH"}};
      payment.party.name = "Zuercher + Soehne";
    }
    if (i == 2) payment.mandate.previous_iban = "SMNDA";
    file.payments.push_back(std::move(payment));
  }
  if (payments > 2 && is_collection(scheme)) file.payments[0].mandate.previous_id = "OLD-MANDATE";
  if (payments > 2 && is_collection(scheme)) file.payments[0].mandate.previous_creditor_id = "DE98ZZZ09999999999";
  return file;
}

inline AchFile ach_file(EntryClass entry_class, bool debits, std::size_t entries = 3) {
  AchFile file;
  file.entry_class = entry_class;
  file.debits = debits;
  file.destination = " 231380104";
  file.origin = "1121042882";
  file.destination_name = "CITADEL";
  file.origin_name = "TABD OPERATOR INC";
  file.created = *parse_date("2026-11-18");
  file.created_minute = 9 * 60 + 5;
  file.company_name = "TABD OPERATOR";
  file.company_id = "1121042882";
  file.description = entry_class == EntryClass::web ? "PURCHASE" : "PAYMENT";
  file.effective = *parse_date("2026-11-19");
  file.odfi = "23138010";
  for (std::size_t i = 0; i < entries; ++i) {
    AchEntry entry;
    entry.routing_number = i % 2 == 0 ? "021000021" : "231380104";
    entry.account = std::to_string(1'234'567 + i);
    entry.savings = i % 3 == 2;
    entry.cents = i == 0 ? 1 : i == 1 && entries < 100 ? kAchCentsMax : 1'250 + i;
    entry.reference = "REF" + std::to_string(100'000 + i);
    entry.name = "PAYER " + std::to_string(i);
    entry.single_entry = i == 1;
    if (entry_class == EntryClass::ccd && i == 0) entry.remittance = "STATEMENT 1, 2026-11";
    entry.trace = 231'380'100'000'001 + i;
    file.entries.push_back(std::move(entry));
  }
  return file;
}

}  // namespace examples
