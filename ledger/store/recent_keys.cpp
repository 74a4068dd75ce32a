#include "ledger/store/recent_keys.h"

#include "base/check.h"

namespace ledger::store {

namespace {
constexpr std::size_t kCellsMin = 1024;
}  // namespace

RecentKeys::RecentKeys(std::uint64_t seed, std::size_t expected) : seed_(seed) {
  std::size_t cells = kCellsMin;
  while (cells < 2 * (expected + 1)) cells *= 2;
  cells_.assign(cells, kEmpty);
  rows_.reserve(expected);
}

// The cell that holds the key, or the empty cell where it would go.
std::size_t RecentKeys::cell_of(const core::ReplayKey& key) const {
  const std::size_t mask = cells_.size() - 1;
  std::size_t cell = static_cast<std::size_t>(base::mix_bytes(key.view(), seed_)) & mask;
  while (cells_[cell] != kEmpty && rows_[cells_[cell]].key != key) cell = (cell + 1) & mask;
  return cell;
}

std::optional<core::ReplayHit> RecentKeys::find(const core::ReplayKey& key) const {
  if (rows_.empty()) return std::nullopt;
  const std::uint32_t position = cells_[cell_of(key)];
  if (position == kEmpty) return std::nullopt;
  return rows_[position].hit;
}

void RecentKeys::insert(const core::ReplayKey& key, const core::ReplayHit& hit) {
  if (cells_.size() < 2 * (rows_.size() + 1)) grow();
  const std::size_t cell = cell_of(key);
  CHECK_MSG(cells_[cell] == kEmpty, "a replay key was inserted twice");
  cells_[cell] = static_cast<std::uint32_t>(rows_.size());
  rows_.push_back({key, hit});
}

void RecentKeys::grow() {
  cells_.assign(cells_.size() * 2, kEmpty);
  const std::size_t mask = cells_.size() - 1;
  for (std::uint32_t position = 0; position < rows_.size(); ++position) {
    std::size_t cell = static_cast<std::size_t>(base::mix_bytes(rows_[position].key.view(), seed_)) & mask;
    while (cells_[cell] != kEmpty) cell = (cell + 1) & mask;
    cells_[cell] = position;
  }
}

}  // namespace ledger::store
