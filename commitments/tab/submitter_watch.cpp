#include "commitments/tab/submitter_watch.h"

#include <algorithm>

#include "base/limits.h"

namespace commitments::tab {
namespace {

namespace limits = base::limits;

constexpr bool is_single(std::uint32_t debt) noexcept { return debt > limits::kSubmitterSinglyDebt; }

}  // namespace

Company SubmitterWatch::company(const Submitter& submitter) const {
  const std::lock_guard lock(mutex_);
  const auto found = debts_.find(submitter);
  if (found == debts_.end()) return Company::all;
  return is_single(found->second) ? Company::single : Company::own;
}

void SubmitterWatch::record(const Submitter& submitter, std::size_t good, std::size_t wrong) {
  const std::lock_guard lock(mutex_);
  auto found = debts_.find(submitter);
  if (found == debts_.end()) {
    if (wrong == 0) return;
    if (debts_.size() >= limits::kSubmittersWatchedMax) {
      const auto least = std::min_element(debts_.begin(), debts_.end(),
                                          [](const auto& a, const auto& b) { return a.second < b.second; });
      if (is_single(least->second)) --singled_out_;
      debts_.erase(least);
    }
    found = debts_.emplace(submitter, 0).first;
  }
  const std::uint64_t before = found->second;
  const std::uint64_t owed =
      std::min<std::uint64_t>(before + std::uint64_t{limits::kSubmitterWrongDebt} * wrong, limits::kSubmitterDebtMax);
  const auto after = static_cast<std::uint32_t>(owed - std::min<std::uint64_t>(owed, good));
  if (is_single(after) && !is_single(found->second)) {
    ++singled_out_;
    ++singled_out_total_;
  } else if (!is_single(after) && is_single(found->second)) {
    --singled_out_;
  }
  found->second = after;
  if (after == 0) debts_.erase(found);
}

std::size_t SubmitterWatch::singled_out() const {
  const std::lock_guard lock(mutex_);
  return singled_out_;
}

std::uint64_t SubmitterWatch::singled_out_total() const {
  const std::lock_guard lock(mutex_);
  return singled_out_total_;
}

}  // namespace commitments::tab
