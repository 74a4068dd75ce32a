#pragma once

// The mark of what was acknowledged: the last durable sequence in a small mapped file, written after each commit and
// never synced, so that it costs no system call. It can only be behind the truth, never ahead of it. At open it tells a
// torn tail of the write-ahead log (normal after a power cut) from a damaged one that would lose acknowledged entries.

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "ledger/core/types.h"

namespace ledger::store {

class Acknowledged {
 public:
  // Opens or makes `directory`/ACKNOWLEDGED. io if that fails.
  static base::Result<std::unique_ptr<Acknowledged>> open(const std::string& directory);
  ~Acknowledged();
  Acknowledged(const Acknowledged&) = delete;
  Acknowledged& operator=(const Acknowledged&) = delete;

  // None if nothing legible is there.
  core::Sequence last() const noexcept;
  void set(core::Sequence sequence) noexcept;

 private:
  Acknowledged() = default;
  std::uint64_t* words_ = nullptr;  // sequence, and its complement
};

// The file's name, for copying and removing.
inline constexpr const char* kAcknowledgedFile = "ACKNOWLEDGED";

}  // namespace ledger::store
