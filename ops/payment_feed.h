#pragma once

// The newest payments: what the journal's charging entries say, read from the durable ledger a bounded piece at a time.
// When more was written since the last look than is kept, the older part is never read.

#include <cstdint>
#include <deque>
#include <map>
#include <string_view>

#include "base/result.h"
#include "ledger/api/reader.h"

namespace ops {

struct Payment {
  ledger::core::Sequence sequence;
  ledger::core::Time time;
  std::string_view how;  // "single-use", "voucher", "hold": a static string
  ledger::core::PayerId payer;
  ledger::core::PayeeId payee;
  ledger::core::AssetId asset;
  ledger::core::MandateId mandate;  // none: the payer signed, not an agent
  ledger::core::Amount amount;
  std::uint64_t charges = 1;
  std::uint64_t quantity = 0;  // saturates
  base::Unit unit;
};

// Not safe for concurrent use.
class PaymentFeed {
 public:
  static constexpr std::size_t kPaymentsMax = 100;
  static constexpr std::size_t kEntriesMax = 300;  // journal entries read in one look
  static constexpr std::size_t kLookUpsMax = 50;   // of tabs and holds in one look; what needs more is left out

  explicit PaymentFeed(const ledger::api::LedgerReader& reader) : reader_(reader) {}

  // Up to the entry that `head` names, not beyond.
  base::Result<void> look(const ledger::core::LedgerHead& head);
  // Ascending by sequence, at most kPaymentsMax.
  const std::deque<Payment>& payments() const noexcept { return payments_; }

 private:
  void add(const ledger::api::StoredEntry& entry);
  void add_voucher(const ledger::api::StoredEntry& entry, const ledger::core::VoucherCharged& voucher);
  void add_capture(const ledger::api::StoredEntry& entry, const ledger::core::HoldCaptured& capture);
  void push(Payment payment);

  const ledger::api::LedgerReader& reader_;
  ledger::core::Sequence seen_;
  std::size_t look_ups_ = 0;  // of this look
  std::deque<Payment> payments_;
  std::map<ledger::core::TabId, ledger::core::Tab> tabs_;  // of what was seen lately; emptied when large
};

}  // namespace ops
