#include "cli/assets.h"

#include <fmt/format.h>

#include "cli/text.h"

namespace cli {
namespace {

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_letters(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (lower(a[i]) != lower(b[i])) return false;
  return true;
}

std::string names(const std::vector<ledger::core::Asset>& assets) {
  std::string text;
  for (const auto& asset : assets) text += (text.empty() ? "" : ", ") + asset.symbol;
  return text;
}

}  // namespace

Result<ledger::core::Asset> AssetBook::find(std::string_view name) const {
  for (const auto& asset : assets_)
    if (same_letters(asset.symbol, name) || asset.text == name || std::to_string(asset.id.value) == name) return asset;
  return usage_failure(fmt::format("There is no asset \"{}\".", name),
                       assets_.empty() ? "Nothing is configured yet: add an [[asset]] to tabd.toml."
                                       : "Assets here: " + names(assets_) + ".");
}

ledger::core::Asset AssetBook::get(base::AssetId id) const {
  for (const auto& asset : assets_)
    if (asset.id == id) return asset;
  ledger::core::Asset unknown;
  unknown.id = id;
  unknown.symbol = fmt::format("units of asset {}", id.value);
  unknown.scale = 0;
  unknown.rail_scale = 0;
  return unknown;
}

Result<ledger::core::Asset> AssetBook::find_or_only(std::string_view name) const {
  if (!name.empty()) return find(name);
  if (assets_.size() == 1) return assets_.front();
  if (assets_.empty()) return find(name);
  return usage_failure("There are several assets and the command names none.",
                       "Add --asset; assets here: " + names(assets_) + ".");
}

std::string AssetBook::text(base::Amount amount, base::AssetId asset) const {
  const ledger::core::Asset facts = get(asset);
  return money(amount, facts.scale, facts.symbol);
}

std::string AssetBook::token_text(base::u128 units, std::uint64_t chain_id, const base::Address& token) const {
  const std::string signed_as = "eip155:" + std::to_string(chain_id) + "/erc20:" + base::to_hex(token);
  const auto at = std::find_if(assets_.begin(), assets_.end(), [&](const ledger::core::Asset& asset) {
    return same_letters(asset.text, signed_as);  // an address may have a checksum's capitals
  });
  const std::optional<base::Amount> amount = base::Amount::from_units(units);
  if (at == assets_.end() || !amount) return units_text(units);
  return money(*amount, at->rail_scale, at->symbol);  // the token's own scale
}

std::string AssetBook::decimal(base::Amount amount, base::AssetId asset) const {
  return amount.to_decimal_string(get(asset).scale);
}

commitments::tab::AssetTable AssetBook::table() const {
  commitments::tab::AssetTable table;
  for (const auto& asset : assets_) table.add(asset.id, asset.text);
  return table;
}

}  // namespace cli
