#pragma once

// Small helpers of the deciding functions. Internal to ledger/core.

#include <string>
#include <string_view>
#include <utility>

#include "base/limits.h"
#include "ledger/core/command.h"

namespace ledger::core {

inline CommandResult refuse(base::Status status, std::string detail) {
  CommandResult result;
  result.status = status;
  result.detail = std::move(detail);
  return result;
}

inline CommandResult unchanged(std::uint64_t id) {
  CommandResult result;
  result.id = id;
  return result;
}

inline CommandResult changed(Sequence sequence, std::uint64_t id) {
  CommandResult result;
  result.sequence = sequence;
  result.id = id;
  return result;
}

// Empty if `text` can be a name for people: within the limit and without a flaw (base/text.h). Otherwise what is wrong
// with it, the field first. Asked where a command is decided, never of entries: older journals may have more.
std::string check_text(std::string_view field, std::string_view text, std::size_t bytes_max);
std::string check_label(std::string_view label);
// The same for the reference of what is made once for each.
std::string check_reference(std::string_view reference);

// Text of others, for people: at most `bytes_max` bytes, with a question mark for every control character.
std::string cleaned(std::string_view text, std::size_t bytes_max);

// Longest wait that a plan may ask for, so that no time computed from it overflows: ten years. Seconds.
inline constexpr std::uint64_t kPlanSecondsMax = 10ULL * 366 * 24 * 3600;
inline constexpr std::size_t kAssetTextBytesMax = 256;  // CAIP-19 needs at most 8 + 1 + 32 + 1 + 8 + 1 + 128 + 1 + 78
inline constexpr std::size_t kSymbolBytesMax = 16;
inline constexpr std::size_t kAccountBytesMax = 256;  // payout accounts: an address, an IBAN, a provider's id
inline constexpr std::size_t kReferenceBytesMax = base::limits::kRailReferenceBytesMax;
inline constexpr std::size_t kDetailBytesMax = 512;  // reasons for people; longer ones are cut

}  // namespace ledger::core
