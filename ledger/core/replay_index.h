#pragma once

// Which commitments were accepted before. Exact, for ever; bounded in memory, because the store keeps only recent
// entries in memory and the rest on disk (ledger/store/replay_store.h).

#include <optional>

#include "base/amount.h"
#include "base/bytes.h"
#include "base/ids.h"

namespace ledger::core {

// 8 bytes owner, 16 bytes position, both big-endian; of a relay a byte and 23 bytes of a digest.
using ReplayKey = base::FixedBytes<24>;
ReplayKey replay_key_single_use(base::PayerId payer, base::u128 nonce);  // charges and holds
ReplayKey replay_key_finish(base::PayerId payer, base::u128 nonce);      // capture or release of a hold
ReplayKey replay_key_voucher(base::TabId tab, std::uint64_t first_index);
ReplayKey replay_key_capture(base::ChannelId channel, base::Sequence reservation);
// SHA-256 of the relay's key, so that only whoever breaks the hash can make two keys meet; they would be a conflict.
ReplayKey replay_key_relay(const base::Hash& key);
ReplayKey replay_key_notice(const base::RailName& rail, const base::Hash& key);  // SHA-256 of both
// What is made once for each reference. The numbers are those of the keys.
enum class Referenced : std::uint8_t { payment = 7, credit_note = 8, refund = 9 };
ReplayKey replay_key_reference(Referenced what, const base::Hash& digest);  // of payer, asset and reference

struct ReplayHit {
  base::Sequence sequence;       // of the entry; of a relay or refund the number of its settlement, of a notice,
                                 // payment or credit note its own
  base::FixedBytes<16> content;  // first half of the item's batch leaf hash: the same item, or another body; of
                                 // all others see ledger/FORMAT.md
};

// Used by one thread at a time. A failed read is the implementation's to handle (it stops the process).
class ReplayIndex {
 public:
  virtual ~ReplayIndex() = default;
  virtual std::optional<ReplayHit> find(const ReplayKey& key) = 0;
  virtual void insert(const ReplayKey& key, const ReplayHit& hit) = 0;
};

}  // namespace ledger::core
