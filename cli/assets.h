#pragma once

// The operator's assets, as a person names them: by symbol (USDC), by number (1), or by the signed text.

#include <string_view>
#include <vector>

#include "cli/exit_code.h"
#include "commitments/tab/types.h"
#include "ledger/core/types.h"

namespace cli {

class AssetBook {
 public:
  AssetBook() = default;
  explicit AssetBook(std::vector<ledger::core::Asset> assets) : assets_(std::move(assets)) {}

  // The failure lists what there is.
  Result<ledger::core::Asset> find(std::string_view name) const;
  // An asset that is not in the book gets its number as the symbol and scale 0, so that it can always be shown.
  ledger::core::Asset get(base::AssetId id) const;
  // The only asset, for commands that were not told one.
  Result<ledger::core::Asset> find_or_only(std::string_view name) const;

  std::string text(base::Amount amount, base::AssetId asset) const;  // "1.250000 USDC"
  // Of a token on an EVM chain, in its smallest units: "1.250000 USDC" if it is an asset here, else "1250000 units".
  std::string token_text(base::u128 units, std::uint64_t chain_id, const base::Address& token) const;
  std::string decimal(base::Amount amount, base::AssetId asset) const;  // "1.250000"
  const std::vector<ledger::core::Asset>& all() const noexcept { return assets_; }
  commitments::tab::AssetTable table() const;

 private:
  std::vector<ledger::core::Asset> assets_;
};

}  // namespace cli
