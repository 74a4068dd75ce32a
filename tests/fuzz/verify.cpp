// Batches before and through the stateless checks. The input is a program for building a batch: which fields, which of
// them broken after signing. Whatever comes out, refusals must not depend on what stands beside an item, and an
// accepted item must really carry its signature.

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/codec.h"
#include "base/limits.h"
#include "commitments/tab/verify.h"
#include "tests/fuzz/target.h"
#include "tests/support/actors.h"

namespace {

namespace tab = commitments::tab;
using base::Status;

const support::Actors& actors() {
  static const support::Actors instance;
  return instance;
}

// Reads numbers from the input; zero after its end.
class Source {
 public:
  explicit Source(base::ByteView bytes) : in_(bytes) {}
  bool more() const { return in_.ok() && !in_.at_end(); }
  std::uint8_t byte() { return in_.u8(); }
  std::uint64_t number() {  // small numbers more often
    const std::uint8_t size = in_.u8();
    return size < 128 ? size : (size < 192 ? in_.u32() : in_.u64());
  }
  base::u128 wide() { return static_cast<base::u128>(number()) << 64 | number(); }
  base::Amount amount() {
    if (byte() % 8 != 0) return base::Amount(number());
    return base::Amount::from_units(wide()).value_or(base::Amount{});
  }
  base::Hash hash() {
    const std::uint8_t kind = byte();
    return kind == 0 ? base::Hash{} : support::test_hash(kind % 4);
  }
  base::Address address(support::Role role) {
    const std::uint8_t who = byte();
    return who == 255 ? base::Address{} : actors().address(role, who % 3);
  }

 private:
  base::Decoder in_;
};

tab::Item build_item(Source& in) {
  tab::Item item;
  item.kind = static_cast<tab::ItemKind>(in.byte() % 7);  // 0 and 6 do not exist
  const base::Address payer = in.address(support::Role::payer);
  const base::Address payee = in.address(support::Role::payee);
  const base::AssetId asset(static_cast<std::uint16_t>(in.byte() % 4));
  if (item.kind == tab::ItemKind::voucher) {
    item.voucher = {payer, payee, asset, in.hash(), in.amount(), in.number()};
    item.first_index = in.number();
  } else {
    item.single = {payer, payee, asset, in.amount(), in.hash(), in.wide(), in.number(), in.number()};
    if (in.byte() == 255) item.first_index = 1;
  }
  std::size_t usages = in.byte() % 5;
  if (in.byte() == 255) usages = base::limits::kChargesPerVoucherMax + 1;
  for (std::size_t i = 0; i < usages; ++i) {
    item.usages.push_back({in.amount(), in.number(), support::unit("tokens"), in.hash()});
  }
  return item;
}

// Signs as the payer, as an agent, or leaves rubbish.
void sign(Source& in, tab::Item& item) {
  const std::uint8_t how = in.byte();
  const bool known_asset = actors().assets()->text_hash(
                               item.kind == tab::ItemKind::voucher ? item.voucher.asset : item.single.asset) != nullptr;
  const bool signable =
      item.kind == tab::ItemKind::charge || item.kind == tab::ItemKind::hold || item.kind == tab::ItemKind::voucher;
  if (how < 200 && signable && known_asset) {
    actors().resign(item, how % 4 == 3 ? support::Role::agent : support::Role::payer, how % 3);
  } else {
    for (std::uint8_t& byte : item.signature.bytes) byte = in.byte();
    item.signer = in.address(support::Role::agent);
  }
  if (how % 16 == 15) item.signature.bytes[in.byte() % 65] ^= in.byte();
  item.signature_length_ok = how != 199;
}

bool is_stateless_answer(Status status) {
  switch (status) {
    case Status::ok:
    case Status::signature_wrong:
    case Status::signature_high_s:
    case Status::signature_bad_v:
    case Status::signature_length:
    case Status::signature_out_of_range:
    case Status::item_malformed:
    case Status::asset_unknown: return true;
    default: return false;
  }
}

void check_accepted(const tab::VerifiedItem& entry) {
  const tab::Item& item = entry.item();
  CHECK(!item.payer().is_zero());
  if (item.kind == tab::ItemKind::capture || item.kind == tab::ItemKind::release) return;
  const crypto::Recovered recovered = crypto::recover(entry.digest(), item.signature);
  CHECK(recovered.check == crypto::SignatureCheck::ok);
  CHECK(crypto::address_of(recovered.key) == item.effective_signer());
}

tab::VerifiedBatch verify_in_pieces(tab::UnverifiedBatch batch, std::size_t piece) {
  tab::BatchVerifier verifier(actors().domain(), actors().assets(), actors().key_cache(), std::move(batch));
  for (std::size_t at = 0; at < verifier.size(); at += piece) {
    verifier.verify_items(at, std::min(at + piece, verifier.size()));
  }
  return verifier.finish();
}

}  // namespace

bool fuzz::run_input(base::ByteView bytes) {
  Source in(bytes);
  const std::size_t piece = 1 + in.byte() % 40;
  const std::uint8_t batch_damage = in.byte();
  std::vector<tab::Item> items;
  while (in.more() && items.size() < 64) {
    items.push_back(build_item(in));
    sign(in, items.back());
  }
  tab::UnverifiedBatch batch;
  batch.network = batch_damage == 1 ? "other:tab" : std::string(support::kNetwork);
  batch.items = items;
  batch.header.server = actors().server(0);
  batch.header.count = static_cast<std::uint32_t>(items.size());
  const tab::VerifiedBatch unsigned_batch = verify_in_pieces(batch, piece);
  CHECK(unsigned_batch.status() != Status::ok);
  CHECK(unsigned_batch.items().size() == items.size());

  bool all_ok = !items.empty();
  for (const tab::VerifiedItem& entry : unsigned_batch.items()) {
    if (items.empty() || batch_damage == 1) {
      CHECK(entry.status() == unsigned_batch.status());
      continue;
    }
    CHECK(is_stateless_answer(entry.status()));
    if (entry.status() == Status::ok) check_accepted(entry);
    all_ok = all_ok && entry.status() == Status::ok;
  }
  if (batch_damage == 1) return false;
  // Each item alone gets the answer that it got among the others.
  for (std::size_t i = 0; i < items.size() && i < 4; ++i) {
    tab::UnverifiedBatch alone = batch;
    alone.items = {items[i]};
    CHECK(verify_in_pieces(std::move(alone), 1).items()[0].status() == unsigned_batch.items()[i].status());
  }
  return all_ok;
}
