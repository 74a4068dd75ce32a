#pragma once

// What the ledger keeps of a card payment before it is sent: everything that sends or finds it again.

#include <cstdint>
#include <string>

#include "base/result.h"
#include "settlers/card/card.h"

namespace settlers::card {

struct StoredRequest {
  Operation operation = Operation::charge;
  std::uint64_t created_s = 0;  // when it was prepared, by our clock
  std::string api_version;
  std::string currency;
  std::uint64_t units = 0;  // minor units
  std::string party;        // a charge: the customer; a transfer: the account; a refund: the payment intent
  std::string rate;         // as configured
  std::string form;         // the body, exactly
};
base::Bytes encode(const StoredRequest& request);
base::Result<StoredRequest> decode_request(base::ByteView bytes);

// The idempotency key of an attempt: the same for the same settlement and attempt of the same ledger, and no other.
Hash key_of(const CardOptions& options, const Settlement& settlement);
// As it is sent and stored in metadata: 64 hexadecimal digits.
std::string key_text(const Hash& key);

// Builds the request. invalid_argument: asset, mandate or account cannot be used on this rail.
// `unmovable` is set instead when the amount cannot be moved in this currency.
base::Result<StoredRequest> build_request(const CardOptions& options, const Instruction& instruction, const Hash& key,
                                          base::Time now, std::string& unmovable, std::string& note);

}  // namespace settlers::card
