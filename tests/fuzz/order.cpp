// Orders of relays: whatever decodes must encode to the same bytes.

#include "evm/order.h"

#include <algorithm>

#include "base/check.h"
#include "tests/fuzz/target.h"

bool fuzz::run_input(base::ByteView bytes) {
  const base::Result<evm::RelayOrder> order = evm::decode_order(bytes);
  if (!order) {
    CHECK(order.error().code == base::ErrorCode::invalid_argument && !order.error().message.empty());
    return false;
  }
  const base::Bytes again = evm::encode(*order);
  CHECK(std::equal(again.begin(), again.end(), bytes.begin(), bytes.end()));
  return true;
}
