#pragma once

// The newest payments: what the journal's charging entries say, on tabs and through channels, read from the durable
// ledger a bounded piece at a time. When more was written since the last look than is kept, the older part is never
// read.

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "ledger/api/reader.h"

namespace ops {

// Through which channel something was paid. Its parties need not be registered, nor its token be an asset.
struct PaymentChannel {
  ledger::core::ChannelId id;
  ledger::core::Address payer;
  ledger::core::Address receiver;
  std::uint64_t chain_id = 0;
  ledger::core::Address token;
};

struct Payment {
  ledger::core::Sequence sequence;
  ledger::core::Time time;
  std::string_view how;  // "single-use", "voucher", "hold", "channel": a static string
  ledger::core::PayerId payer;
  ledger::core::PayeeId payee;
  ledger::core::AssetId asset;
  ledger::core::MandateId mandate;  // none: the payer signed, not an agent
  ledger::core::Amount amount;
  std::uint64_t charges = 1;
  std::uint64_t quantity = 0;  // saturates
  base::Unit unit;
  std::optional<PaymentChannel> channel;  // then payer, payee and asset are none, and amount is in the token's units
};

// Not safe for concurrent use.
class PaymentFeed {
 public:
  static constexpr std::size_t kPaymentsMax = 100;
  static constexpr std::size_t kEntriesMax = 300;  // journal entries read in one look
  static constexpr std::size_t kLookUpsMax =
      50;  // of tabs, channels and holds in one look; what needs more is left out

  explicit PaymentFeed(const ledger::api::LedgerReader& reader) : reader_(reader) {}

  // Up to the entry that `head` names, not beyond.
  base::Result<void> look(const ledger::core::LedgerHead& head);
  // Ascending by sequence, at most kPaymentsMax.
  const std::deque<Payment>& payments() const noexcept { return payments_; }

 private:
  void add(const ledger::api::StoredEntry& entry);
  void add_voucher(const ledger::api::StoredEntry& entry, const ledger::core::VoucherCharged& voucher);
  void add_capture(const ledger::api::StoredEntry& entry, const ledger::core::HoldCaptured& capture);
  void add_channel(const ledger::api::StoredEntry& entry, const ledger::core::ChannelCharged& charged);
  void push(Payment payment);

  const ledger::api::LedgerReader& reader_;
  ledger::core::Sequence seen_;
  std::size_t look_ups_ = 0;  // of this look
  std::deque<Payment> payments_;
  // Of what was seen lately; emptied when large.
  std::map<ledger::core::TabId, ledger::core::Tab> tabs_;
  std::map<ledger::core::ChannelId, PaymentChannel> channels_;
};

}  // namespace ops
