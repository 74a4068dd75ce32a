#include "settlers/stablecoin/reverts.h"

#include "evm/refusal.h"

namespace settlers::stablecoin {

using ledger::core::FailureClass;

FailureClass classify_revert(std::string_view reason) {
  switch (evm::refusal_of(reason)) {
    case evm::Refusal::insufficient_balance: return FailureClass::insufficient_funds;
    case evm::Refusal::insufficient_allowance:
    case evm::Refusal::authorization_used:
    case evm::Refusal::authorization_expired:
    case evm::Refusal::authorization_not_yet_valid:
    case evm::Refusal::signature_invalid:
    case evm::Refusal::permit_expired:
    case evm::Refusal::caller_wrong: return FailureClass::no_mandate;
    case evm::Refusal::not_permitted: return FailureClass::rejected;
    case evm::Refusal::other: return FailureClass::technical;
  }
  return FailureClass::technical;
}

}  // namespace settlers::stablecoin
