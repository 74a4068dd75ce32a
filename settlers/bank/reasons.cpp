#include "settlers/bank/reasons.h"

namespace settlers::bank {
namespace {

using F = ledger::core::FailureClass;
using C = ReturnCategory;

constexpr ReasonPolicy kUnknown = {"", "a reason that is not known here"};

constexpr ReasonPolicy kPolicies[] = {
    {"AC01", "the account number is wrong", F::no_mandate, 1, 0, true},
    {"AC04", "the account is closed", F::no_mandate, 1, 0, true},
    {"AC06", "the account is blocked", F::no_mandate, 1, 0, true},
    {"AC13", "a consumer's account cannot be debited in B2B", F::no_mandate, 1, 0, true},
    {"AG01", "debits are forbidden on this account", F::no_mandate, 1, 0, true},
    {"AG02", "the operation or sequence type is wrong", F::rejected, 1, 0, false, true},
    {"AM04", "insufficient funds", F::insufficient_funds, 3, 3},
    {"AM05", "a duplicate", F::rejected, 1, 0, false, true},
    {"BE05", "the creditor identifier is not known", F::rejected, 1, 0, false, true},
    {"CNOR", "our bank is not reachable in this scheme", F::rejected, 1, 0, false, true},
    {"DNOR", "the payer's bank is not reachable in this scheme", F::rejected, 1, 0, true},
    {"DUPL", "a duplicate file", F::rejected, 1, 0, false, true},
    {"FF01", "the file's format is wrong", F::rejected, 1, 0, false, true},
    {"FF05", "the local instrument is wrong", F::rejected, 1, 0, false, true},
    {"MD01", "there is no mandate, or the debit was not authorised", F::no_mandate, 1, 0, true, false, C::unauthorized},
    {"MD02", "the mandate's data are wrong", F::no_mandate, 1, 0, true},
    {"MD06", "the payer asked for a refund", F::rejected},
    {"MD07", "the payer has died", F::rejected, 1, 0, true},
    {"MS02", "refused by the payer", F::rejected},
    {"MS03", "refused by the payer's bank, without a reason", F::insufficient_funds, 2, 3},
    {"RC01", "the bank identifier is wrong", F::no_mandate, 1, 0, true},
    {"RR01", "the payer's account or identification is missing", F::no_mandate, 1, 0, true},
    {"RR02", "the payer's name or address is missing", F::no_mandate, 1, 0, true},
    {"RR03", "the creditor's name or address is missing", F::rejected, 1, 0, false, true},
    {"RR04", "a regulatory reason", F::rejected, 1, 0, true},
    {"SL01", "the payer does not let us debit: a white list, black list or limit", F::no_mandate},
    {"SL11", "we are not on the payer's white list", F::no_mandate, 1, 0, true},
    {"SL12", "we are on the payer's black list", F::no_mandate, 1, 0, true},
    {"SL13", "more debits than the payer allows", F::no_mandate},
    {"SL14", "a higher amount than the payer allows", F::no_mandate},
    {"R01", "insufficient funds", F::insufficient_funds, 3, 0},
    {"R02", "the account is closed", F::no_mandate, 1, 0, true, false, C::administrative},
    {"R03", "there is no such account", F::no_mandate, 1, 0, true, false, C::administrative},
    {"R04", "the account number is invalid", F::no_mandate, 1, 0, true, false, C::administrative},
    {"R05", "a corporate entry to a consumer's account, not authorised", F::no_mandate, 1, 0, true, false,
     C::unauthorized},
    {"R07", "the authorisation was revoked", F::no_mandate, 1, 0, true, false, C::unauthorized},
    {"R08", "the payer stopped the payment", F::rejected, 1, 0, true},
    {"R09", "uncollected funds", F::insufficient_funds, 3, 0},
    {"R10", "not authorised", F::no_mandate, 1, 0, true, false, C::unauthorized},
    {"R11", "not in accordance with the authorisation", F::no_mandate, 1, 0, true, false, C::unauthorized},
    {"R12", "the account is with another bank", F::no_mandate, 1, 0, true},
    {"R13", "the routing number is not one of ACH", F::no_mandate, 1, 0, true},
    {"R14", "the representative payee has died", F::rejected, 1, 0, true},
    {"R15", "the account's owner has died", F::rejected, 1, 0, true},
    {"R16", "the account is frozen", F::no_mandate, 1, 0, true},
    {"R17", "an entry with signs of fraud, or account data that cannot be processed", F::rejected, 1, 0, true},
    {"R20", "not an account for transactions", F::no_mandate, 1, 0, true},
    {"R23", "the receiver refused the credit", F::rejected},
    {"R24", "a duplicate", F::rejected, 1, 0, false, true},
    {"R29", "the company did not authorise it", F::no_mandate, 1, 0, true, false, C::unauthorized},
    {"R51", "a re-presented check that is not eligible", F::rejected, 1, 0, true, false, C::unauthorized},
};

}  // namespace

const ReasonPolicy& reason_policy(std::string_view code) noexcept {
  for (const ReasonPolicy& policy : kPolicies) {
    if (policy.code == code) return policy;
  }
  return kUnknown;
}

bool is_duplicate(std::string_view code) noexcept { return code == "AM05" || code == "DUPL" || code == "R24"; }

}  // namespace settlers::bank
