#pragma once

// Which account nonce carries what, durably. One owner for each (chain, account): the file is locked while open.
//
// A nonce is written here, with its signed bytes, before the ledger learns of it, and never given to another intent: a
// later transaction of the same nonce is either a replacement with higher fees for the same intent, or, where the
// first was never recorded in the ledger, a filler (0 wei to ourselves) that closes the gap.
//
// File "nonces": header "tabd nonces 1\n", u64 chain id, 20 bytes account; then frames: u32 length, the first 8 bytes
// of the payload's SHA-256, payload (u8 kind, fields; base/codec.h). A torn last frame is cut off at open: what it
// would have said was not acted upon yet. Not safe for concurrent use.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/codec.h"
#include "base/result.h"
#include "settlers/stablecoin/transaction.h"

namespace settlers::stablecoin {

enum class SlotState : std::uint8_t {
  reserved = 1,   // signed, not broadcast
  armed = 2,      // the ledger has it: it may have been broadcast, and must end in a block
  abandoned = 3,  // never recorded in the ledger, never broadcast: to be filled
};

struct Slot {
  std::uint64_t nonce = 0;
  SlotState state = SlotState::reserved;
  base::Hash key;                           // idempotency key of the settlement; zero for a bare filler
  base::Hash intent;                        // hash of to, value and data
  std::vector<SignedTransaction> variants;  // oldest first: the same intent with rising fees, or a filler at the end
  bool operator==(const Slot&) const = default;
};

class NonceStore {
 public:
  // Makes `directory` if needed. permission: another process holds the lock. corruption: the file is not ours.
  static base::Result<std::unique_ptr<NonceStore>> open(const std::string& directory, std::uint64_t chain_id,
                                                        const base::Address& account);
  ~NonceStore();
  NonceStore(const NonceStore&) = delete;
  NonceStore& operator=(const NonceStore&) = delete;

  // The lowest nonce that was never given out here.
  std::uint64_t next() const { return next_; }
  const std::map<std::uint64_t, Slot>& slots() const { return slots_; }
  const Slot* find(std::uint64_t nonce) const;
  const Slot* find_key(const base::Hash& key) const;  // the lowest nonce with this key that is not abandoned

  // Each call is durable (fsync) when it returns without an Error. After an Error nothing further is accepted: the
  // store is broken until it is opened again.
  base::Result<void> raise_next(std::uint64_t at_least);
  base::Result<void> put(const std::vector<Slot>& slots);  // new slots, or changed ones
  base::Result<void> forget_below(std::uint64_t nonce);    // slots that are long final

 private:
  NonceStore(std::string directory, std::uint64_t chain_id, const base::Address& account);
  base::Result<void> lock();
  base::Result<void> load();
  bool apply(base::ByteView payload);
  base::Result<void> append(const std::vector<base::Bytes>& payloads);
  base::Result<void> rewrite();

  const std::string directory_;
  const std::uint64_t chain_id_;
  const base::Address account_;
  int lock_fd_ = -1;
  int file_fd_ = -1;
  bool broken_ = false;
  std::uint64_t file_bytes_ = 0;
  std::uint64_t rewrite_at_ = 0;  // bytes
  std::uint64_t next_ = 0;
  std::map<std::uint64_t, Slot> slots_;
};

}  // namespace settlers::stablecoin
