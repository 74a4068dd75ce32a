#pragma once

// What a client sends on `<operator>:tab`: PaymentPayload.payload (docs/bindings/tab.md, section 12). Pure.

#include <string>
#include <unordered_map>
#include <variant>

#include "base/status.h"
#include "commitments/tab/types.h"
#include "facilitator/protocol.h"
#include "ledger/core/types.h"

namespace facilitator {

// The operator's assets, by what is signed. Immutable once built.
struct TabAssets {
  explicit TabAssets(std::vector<ledger::core::Asset> all);
  std::vector<ledger::core::Asset> list;
  commitments::tab::AssetTable table;
  std::unordered_map<std::string, base::AssetId> by_text;
};

// A payload that fits its requirements: a hold or a voucher item with one usage.
struct TabPayment {
  commitments::tab::Item item;  // kind hold (no usage) or voucher (`usage`)
  commitments::tab::Usage usage;
};

// Why a payload is rejected: what becomes invalidReason or errorReason.
struct TabRejection {
  std::string reason;
  std::string message;
  base::Status status = base::Status::ok;  // ok: the ledger has no status for it
};

std::variant<TabPayment, TabRejection> decode_tab(const PaymentRequest& request, const TabAssets& assets);

}  // namespace facilitator
