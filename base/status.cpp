#include "base/status.h"

#include <algorithm>
#include <array>

#include "base/check.h"

namespace base {
namespace {

constexpr std::array<StatusInfo, static_cast<std::size_t>(kStatusCount)> kStatuses = {{
#define TABD_STATUS_INFO(name, number, sentence, x402, step) {Status::name, #name, sentence, x402, NextStep::step},
    TABD_STATUSES(TABD_STATUS_INFO)
#undef TABD_STATUS_INFO
}};

const StatusInfo* find(std::uint16_t number) noexcept {
  const auto at = std::lower_bound(
      kStatuses.begin(), kStatuses.end(), number,
      [](const StatusInfo& entry, std::uint16_t wanted) { return static_cast<std::uint16_t>(entry.status) < wanted; });
  if (at == kStatuses.end() || static_cast<std::uint16_t>(at->status) != number) return nullptr;
  return &*at;
}

}  // namespace

const StatusInfo& info(Status status) noexcept {
  const StatusInfo* entry = find(static_cast<std::uint16_t>(status));
  CHECK(entry != nullptr);
  return *entry;
}

std::optional<Status> status_from_number(std::uint16_t number) noexcept {
  const StatusInfo* entry = find(number);
  if (entry == nullptr) return std::nullopt;
  return entry->status;
}

std::string_view name(NextStep step) noexcept {
  switch (step) {
    case NextStep::none: return "none";
    case NextStep::fix: return "fix";
    case NextStep::retry_later: return "retry_later";
    case NextStep::top_up: return "top_up";
    case NextStep::ask_operator: return "ask_operator";
  }
  return "unknown";
}

const StatusInfo* all_statuses() noexcept { return kStatuses.data(); }

}  // namespace base
