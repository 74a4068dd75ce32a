#include "crypto/batch.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>
#include <vector>

#include "base/check.h"
#include "crypto/random.h"
#include "crypto/secp256k1_internal.h"
#ifdef TABD_BATCH_VERIFICATION
#include "crypto/curve.h"
#endif

namespace crypto {

BatchTally& BatchTally::operator+=(const BatchTally& other) noexcept {
  batches += other.batches;
  failed_batches += other.failed_batches;
  items += other.items;
  single_items += other.single_items;
  return *this;
}

#ifdef TABD_BATCH_VERIFICATION

namespace {

// Below this, a failed sum is not halved any more: its signatures are checked one by one.
constexpr std::size_t kHalveFrom = 16;

struct DestroyBatch {
  void operator()(tabd_curve_batch* batch) const noexcept { tabd_curve_batch_destroy(batch); }
};

}  // namespace

bool batch_verification_built() noexcept { return true; }

struct BatchVerifier::Workspace {
  std::unique_ptr<tabd_curve_batch, DestroyBatch> curve{tabd_curve_batch_create(kItemsMax)};
  std::vector<std::uint8_t> coefficients = std::vector<std::uint8_t>(kItemsMax * TABD_CURVE_COEFFICIENT_BYTES);
  std::vector<const VerifyItem*> order;  // what may go into the sum, equal keys together
  std::vector<VerifyAnswer*> places;     // the answer of each place of the sum
};

BatchVerifier::BatchVerifier(Fill fill) : fill_(fill != nullptr ? fill : random_bytes) {}

void BatchVerifier::verify(std::span<const VerifyItem> items, std::span<VerifyAnswer> answers) {
  CHECK(items.size() == answers.size());
  if (work_ == nullptr) work_ = std::make_unique<Workspace>();
  CHECK_MSG(work_->curve != nullptr, "no memory for checking signatures together");
  for (std::size_t at = 0; at < items.size(); at += kItemsMax) {
    const std::size_t count = std::min(kItemsMax, items.size() - at);
    verify_block(items.subspan(at, count), answers.subspan(at, count));
  }
}

void BatchVerifier::verify_block(std::span<const VerifyItem> items, std::span<VerifyAnswer> answers) {
  std::vector<const VerifyItem*>& order = work_->order;
  order.clear();
  for (std::size_t i = 0; i < items.size(); ++i) {
    answers[i] = {};
    if (items[i].key == nullptr) {
      crypto::verify(items.subspan(i, 1), answers.subspan(i, 1));
      ++tally_.single_items;
    } else if (const SignatureCheck form = check_form(items[i].signature); form != SignatureCheck::ok) {
      answers[i].check = form;
    } else {
      order.push_back(&items[i]);
    }
  }
  const auto answer_of = [&](const VerifyItem* item) {
    return &answers[static_cast<std::size_t>(item - items.data())];
  };
  if (order.size() == 1) {
    answer_of(order[0])->check = verify_with_key(*order[0]);
    ++tally_.single_items;
    return;
  }
  // Signatures of one key stand together: the sum then has one point for all of them, and so has each part of it.
  std::stable_sort(order.begin(), order.end(),
                   [](const VerifyItem* a, const VerifyItem* b) { return a->key->opaque < b->key->opaque; });
  tabd_curve_batch_clear(work_->curve.get());
  work_->places.clear();
  const PublicKey* key = nullptr;
  for (const VerifyItem* item : order) {
    if (key == nullptr || *item->key != *key) {
      key = item->key;
      const PointBytes point = coordinates(*key);
      CHECK_MSG(tabd_curve_batch_key(work_->curve.get(), point.data()) == 1, "a public key is no point of the curve");
    }
    // Refused here: no point has this r as its x, so nobody's key made the signature.
    if (tabd_curve_batch_add(work_->curve.get(), item->digest.data(), item->signature.data()) == 1)
      work_->places.push_back(answer_of(item));
  }
  const std::size_t count = work_->places.size();
  if (count == 0) return;
  tabd_curve_batch_prepare(work_->curve.get());
  ++tally_.batches;
  settle(0, count, false);
}

bool BatchVerifier::sum_is_zero(std::size_t first, std::size_t count) {
  const std::span<std::uint8_t> fresh = std::span(work_->coefficients).first(count * TABD_CURVE_COEFFICIENT_BYTES);
  fill_(fresh);
  if (tabd_curve_batch_sum_is_zero(work_->curve.get(), first, count, fresh.data()) != 1) return false;
  for (std::size_t i = first; i < first + count; ++i) work_->places[i]->check = SignatureCheck::ok;
  tally_.items += count;
  return true;
}

// Answers the places of [first, first + count). `known_bad`: their sum is known to fail, so it is not computed again.
// While one half is good the other is looked into, so that one bad signature among many costs about as much again as
// the batch did. Once both halves are bad, there are too many for that: the rest is checked one by one.
void BatchVerifier::settle(std::size_t first, std::size_t count, bool known_bad) {
  for (;;) {
    if (!known_bad) {
      if (sum_is_zero(first, count)) return;
      ++tally_.failed_batches;
    }
    if (count < kHalveFrom) return settle_singly(first, count);
    const std::size_t half = count / 2;
    if (sum_is_zero(first, half)) {
      first += half;
      count -= half;
    } else if (sum_is_zero(first + half, count - half)) {
      count = half;
    } else {
      return settle_singly(first, count);
    }
    known_bad = true;
  }
}

void BatchVerifier::settle_singly(std::size_t first, std::size_t count) {
  for (std::size_t i = first; i < first + count; ++i) {
    const bool good = tabd_curve_batch_item_is_good(work_->curve.get(), i) == 1;
    work_->places[i]->check = good ? SignatureCheck::ok : SignatureCheck::wrong;
  }
  tally_.single_items += count;
}

#else

bool batch_verification_built() noexcept { return false; }

struct BatchVerifier::Workspace {};

BatchVerifier::BatchVerifier(Fill fill) : fill_(fill) {}

void BatchVerifier::verify(std::span<const VerifyItem> items, std::span<VerifyAnswer> answers) {
  crypto::verify(items, answers);
  tally_.single_items += items.size();
}

#endif

BatchVerifier::~BatchVerifier() = default;

}  // namespace crypto
