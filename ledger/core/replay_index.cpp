#include "ledger/core/replay_index.h"

#include <algorithm>

#include "crypto/sha256.h"

namespace ledger::core {
namespace {

// The owner's first byte tells the kinds of key apart; ids stay far below 2^56.
enum class KeyKind : std::uint8_t {
  single_use = 1,
  finish = 2,
  voucher = 3,
  relay = 4,
  capture = 5,
  notice = 6
  // from 7 on: Referenced
};

ReplayKey make_key(KeyKind kind, std::uint64_t owner, base::u128 position) {
  ReplayKey key;
  key.bytes[0] = static_cast<std::uint8_t>(kind);
  for (std::size_t i = 1; i < 8; ++i) key.bytes[i] = static_cast<std::uint8_t>(owner >> (8 * (7 - i)));
  for (std::size_t i = 0; i < 16; ++i) key.bytes[8 + i] = static_cast<std::uint8_t>(position >> (8 * (15 - i)));
  return key;
}

// What has no number to be found by.
ReplayKey make_key(std::uint8_t kind, const base::Hash& digest) {
  ReplayKey key;
  key.bytes[0] = kind;
  std::copy_n(digest.bytes.begin(), key.bytes.size() - 1, key.bytes.begin() + 1);
  return key;
}

}  // namespace

ReplayKey replay_key_single_use(base::PayerId payer, base::u128 nonce) {
  return make_key(KeyKind::single_use, payer.value, nonce);
}
ReplayKey replay_key_finish(base::PayerId payer, base::u128 nonce) {
  return make_key(KeyKind::finish, payer.value, nonce);
}
ReplayKey replay_key_voucher(base::TabId tab, std::uint64_t first_index) {
  return make_key(KeyKind::voucher, tab.value, first_index);
}
ReplayKey replay_key_capture(base::ChannelId channel, base::Sequence reservation) {
  return make_key(KeyKind::capture, channel.value, reservation.value);
}
ReplayKey replay_key_relay(const base::Hash& key) {
  return make_key(static_cast<std::uint8_t>(KeyKind::relay), crypto::sha256(key.view()));
}

ReplayKey replay_key_notice(const base::RailName& rail, const base::Hash& key) {
  base::Bytes bytes(rail.view().begin(), rail.view().end());
  bytes.push_back(0);
  return make_key(static_cast<std::uint8_t>(KeyKind::notice), crypto::sha256({bytes, key.view()}));
}

ReplayKey replay_key_reference(Referenced what, const base::Hash& digest) {
  return make_key(static_cast<std::uint8_t>(what), digest);
}

}  // namespace ledger::core
