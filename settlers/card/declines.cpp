#include "settlers/card/declines.h"

#include <algorithm>
#include <array>

namespace settlers::card {

namespace {

using ledger::core::FailureClass;

struct Row {
  std::string_view code;
  Bucket bucket;
};

// What is not listed is tried later: a code that is new must not lose a payer.
constexpr std::array<Row, 50> kReasons = {{
    {"approve_with_id", Bucket::payer_action},
    {"authentication_not_handled", Bucket::payer_action},
    {"authentication_required", Bucket::payer_action},
    {"call_issuer", Bucket::payer_action},
    {"payment_intent_authentication_failure", Bucket::payer_action},
    {"setup_intent_authentication_failure", Bucket::payer_action},
    {"mobile_device_authentication_required", Bucket::payer_action},
    {"offline_pin_required", Bucket::payer_action},
    {"online_or_offline_pin_required", Bucket::payer_action},
    {"pin_try_exceeded", Bucket::payer_action},
    {"security_violation", Bucket::payer_action},
    {"service_not_allowed", Bucket::payer_action},
    {"transaction_not_allowed", Bucket::payer_action},
    {"not_permitted", Bucket::payer_action},

    {"card_not_supported", Bucket::new_instrument},
    {"currency_not_supported", Bucket::new_instrument},
    {"expired_card", Bucket::new_instrument},
    {"incorrect_address", Bucket::new_instrument},
    {"incorrect_cvc", Bucket::new_instrument},
    {"incorrect_number", Bucket::new_instrument},
    {"incorrect_pin", Bucket::new_instrument},
    {"incorrect_zip", Bucket::new_instrument},
    {"invalid_account", Bucket::new_instrument},
    {"invalid_cvc", Bucket::new_instrument},
    {"invalid_expiry_month", Bucket::new_instrument},
    {"invalid_expiry_year", Bucket::new_instrument},
    {"invalid_number", Bucket::new_instrument},
    {"invalid_pin", Bucket::new_instrument},
    {"new_account_information_available", Bucket::new_instrument},
    {"payment_method_unactivated", Bucket::new_instrument},
    {"payment_method_customer_decline", Bucket::new_instrument},
    {"payment_method_not_available", Bucket::new_instrument},
    {"payment_method_unexpected_state", Bucket::new_instrument},
    {"payment_method_invalid_parameter", Bucket::new_instrument},
    {"payment_intent_payment_attempt_expired", Bucket::payer_action},
    {"testmode_decline", Bucket::new_instrument},
    {"live_mode_test_card", Bucket::new_instrument},

    {"fraudulent", Bucket::never},
    {"highest_risk_level", Bucket::never},
    {"lost_card", Bucket::never},
    {"merchant_blacklist", Bucket::never},
    {"pickup_card", Bucket::never},
    {"restricted_card", Bucket::never},
    {"revocation_of_all_authorization", Bucket::never},
    {"revocation_of_all_authorizations", Bucket::never},
    {"revocation_of_authorization", Bucket::never},
    {"rule", Bucket::never},
    {"stolen_card", Bucket::never},
    {"stop_payment_order", Bucket::never},
    {"do_not_try_again", Bucket::never},
}};

const Row* find(std::string_view code) noexcept {
  const auto found = std::find_if(kReasons.begin(), kReasons.end(), [&](const Row& row) { return row.code == code; });
  return code.empty() || found == kReasons.end() ? nullptr : found;
}

}  // namespace

Bucket bucket_of(const Decline& decline) noexcept {
  // Mastercard's merchant advice codes: 03 do not try again, 21 the cardholder cancelled, 01 new account information.
  if (decline.network_advice_code == "03" || decline.network_advice_code == "21") return Bucket::never;
  if (decline.advice_code == "do_not_try_again") return Bucket::never;
  const Row* reason = find(decline.decline_code);
  if (reason == nullptr) reason = find(decline.code);
  // "Try again later" does not bring a lost card back: a reason that says more stands.
  if (reason != nullptr) return reason->bucket;
  if (decline.advice_code == "confirm_card_data" || decline.network_advice_code == "01") return Bucket::new_instrument;
  return Bucket::retry_later;
}

std::string_view name(Bucket bucket) noexcept {
  switch (bucket) {
    case Bucket::retry_later: return "try later";
    case Bucket::payer_action: return "the payer must act";
    case Bucket::new_instrument: return "another card is needed";
    case Bucket::never: return "this card must not be tried again";
  }
  return "";
}

FailureClass failure_of(Bucket bucket) noexcept {
  switch (bucket) {
    case Bucket::retry_later: return FailureClass::insufficient_funds;
    case Bucket::payer_action: return FailureClass::needs_action;
    case Bucket::new_instrument: return FailureClass::no_mandate;
    case Bucket::never: return FailureClass::rejected;
  }
  return FailureClass::rejected;
}

bool is_confidential(const Decline& decline) noexcept {
  constexpr std::array<std::string_view, 6> kHidden = {"fraudulent",  "lost_card",       "stolen_card",
                                                       "pickup_card", "restricted_card", "merchant_blacklist"};
  return std::find(kHidden.begin(), kHidden.end(), decline.decline_code) != kHidden.end();
}

}  // namespace settlers::card
