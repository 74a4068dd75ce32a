// Invoice and credit note numbers.

#include "ledger/core/types.h"

namespace ledger::core {

std::string document_number(const SeriesName& series, std::uint64_t number) {
  if (number == 0) return {};
  std::string digits = std::to_string(number);
  if (digits.size() < 6) digits.insert(0, 6 - digits.size(), '0');
  return std::string(series.view()) + "-" + digits;
}

}  // namespace ledger::core
