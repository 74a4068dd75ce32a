#pragma once

// Who brings wrong signatures. One of them spoils the checking of many together, which others would pay for: so a
// submitter in debt is checked without others, and one deep in debt signature by signature. Nobody is refused for it.

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>

#include "commitments/tab/verify.h"

namespace commitments::tab {

// How the signatures of a submitter are checked.
enum class Company : std::uint8_t {
  all = 0,     // together with everybody's
  own = 1,     // together, but with nobody else's
  single = 2,  // each alone
};

// Safe from any thread. A wrong signature adds limits::kSubmitterWrongDebt, a good one takes one away.
class SubmitterWatch {
 public:
  Company company(const Submitter& submitter) const;
  void record(const Submitter& submitter, std::size_t good, std::size_t wrong);
  // Submitters with Company::single now, and how often one became that.
  std::size_t singled_out() const;
  std::uint64_t singled_out_total() const;

 private:
  mutable std::mutex mutex_;                  // guards all that follows
  std::map<Submitter, std::uint32_t> debts_;  // above zero; at most limits::kSubmittersWatchedMax
  std::size_t singled_out_ = 0;
  std::uint64_t singled_out_total_ = 0;
};

}  // namespace commitments::tab
