#include "playground/demo/traffic.h"

#include <unistd.h>

#include <algorithm>
#include <deque>

#include "base/check.h"
#include "commitments/tab/sign.h"
#include "crypto/keccak.h"

namespace playground::demo {
namespace {

namespace tab = commitments::tab;
using base::Status;

constexpr std::uint64_t kTickUs = 50'000;
constexpr std::uint64_t kTicksPerSecond = 1'000'000 / kTickUs;
constexpr std::size_t kVoucherCharges = 100;
constexpr std::uint64_t kValidSeconds = 600;
// Holds wait this many ticks for their capture.
constexpr std::size_t kOpenHolds = 20;
constexpr std::uint64_t kMistakes = 7;
constexpr std::size_t kLatenciesMax = 1u << 20;

// A small generator with a fixed seed, so that two runs sell the same things.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed) {}
  std::uint64_t below(std::uint64_t limit) {
    state_ += 0x9e3779b97f4a7c15ULL;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return (z ^ (z >> 31)) % limit;
  }

 private:
  std::uint64_t state_;
};

base::Hash text_hash(const std::string& text) {
  return crypto::keccak256(base::ByteView(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

base::Unit unit(std::string_view text) {
  const std::optional<base::Unit> parsed = base::Unit::parse(text);
  CHECK(parsed.has_value());
  return *parsed;
}

// What is expected of an item before it is sent.
struct Planned {
  tab::Item item;
  std::size_t payer = 0;
  core::Amount charge;  // what it adds to the payer's bill when accepted
  Status expected = Status::ok;
};

}  // namespace

// One resource server. Lives on its thread.
class Traffic::Server {
 public:
  Server(const Traffic& traffic, std::size_t index)
      : traffic_(traffic), cast_(traffic.stage_.cast()), index_(index), dice_(index + 1) {}

  std::vector<Planned> next_batch(std::size_t count, bool with_mistake) {
    std::vector<Planned> batch;
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint64_t roll = dice_.below(100);
      if (roll < 8)
        batch.push_back(voucher());
      else if (roll < 18)
        batch.push_back(hold());
      else
        batch.push_back(charge());
    }
    while (holds_.size() > kOpenHolds) batch.push_back(finish_hold());
    if (with_mistake) mistake(batch);
    return batch;
  }

  // Ends what is open, and makes the mistakes that were not made yet.
  std::vector<Planned> last_batch(bool with_mistakes) {
    std::vector<Planned> batch;
    while (!holds_.empty()) batch.push_back(finish_hold());
    while (with_mistakes && mistakes_ < kMistakes) mistake(batch);
    return batch;
  }

 private:
  struct Sale {
    std::size_t payer;
    const Payee* payee;
    const std::string* resource;
  };
  Sale sale() {
    const Payee& payee = cast_.payees[index_ + dice_.below(2)];
    return {dice_.below(kPayers), &payee, &payee.resources[dice_.below(payee.resources.size())]};
  }

  // Payers with a mandate leave signing to their agents.
  void sign(tab::Item& item, std::size_t payer) const {
    const std::vector<Party>& signers = payer < kAgents ? cast_.agents : cast_.payers;
    tab::sign_item(signers[payer].key, traffic_.domain_, traffic_.assets_, item);
  }

  tab::SingleUse promise(const Sale& sale, core::Amount maximum) {
    tab::SingleUse promise;
    promise.payer = cast_.payers[sale.payer].address;
    promise.payee = sale.payee->party.address;
    promise.asset = kAsset;
    promise.maximum = maximum;
    promise.resource = text_hash(*sale.resource);
    promise.nonce = static_cast<base::u128>(index_ + 1) << 64 | ++nonce_;
    promise.valid_before = traffic_.stage_.clock().now().seconds() + kValidSeconds;
    return promise;
  }

  Planned charge() {
    const Sale chosen = sale();
    // 0.00100000 to 0.01999999: finer than the token can move, so that bills have something to round.
    const core::Amount price(100'000 + dice_.below(1'900'000));
    return charge(chosen, core::Amount(2'000'000), price);
  }
  Planned charge(const Sale& chosen, core::Amount maximum, core::Amount price) {
    Planned planned;
    planned.payer = chosen.payer;
    planned.charge = price;
    planned.item.kind = tab::ItemKind::charge;
    planned.item.single = promise(chosen, maximum);
    planned.item.usages = {{price, 1 + dice_.below(4000), unit("tokens"), planned.item.single.resource}};
    sign(planned.item, chosen.payer);
    return planned;
  }

  Planned voucher() {
    const Sale chosen = sale();
    Tab& open = tabs_[{chosen.payer, chosen.payee}];
    Planned planned;
    planned.payer = chosen.payer;
    planned.item.kind = tab::ItemKind::voucher;
    planned.item.first_index = open.next_index;
    for (std::size_t i = 0; i < kVoucherCharges; ++i) {
      const core::Amount price(1'000 + dice_.below(3'000));
      planned.charge = base::add_checked(planned.charge, price);
      planned.item.usages.push_back({price, 1, unit("request"), text_hash(*chosen.resource)});
    }
    open.next_index += kVoucherCharges;
    open.charged = base::add_checked(open.charged, planned.charge);
    tab::Voucher& signed_part = planned.item.voucher;
    signed_part.payer = cast_.payers[chosen.payer].address;
    signed_part.payee = chosen.payee->party.address;
    signed_part.asset = kAsset;
    signed_part.salt = text_hash("demo tab of " + cast_.servers[index_].label);
    signed_part.maximum = open.charged;
    sign(planned.item, chosen.payer);
    return planned;
  }

  Planned hold() {
    const Sale chosen = sale();
    Planned planned;
    planned.payer = chosen.payer;
    planned.item.kind = tab::ItemKind::hold;
    planned.item.single = promise(chosen, core::Amount(5'000'000));
    sign(planned.item, chosen.payer);
    holds_.push_back(planned);
    return planned;
  }

  // Three of four holds are captured for less than their maximum; one is given back.
  Planned finish_hold() {
    Planned planned = holds_.front();
    holds_.pop_front();
    const tab::SingleUse held = planned.item.single;
    planned.item = {};
    planned.item.single.payer = held.payer;
    planned.item.single.nonce = held.nonce;
    if (dice_.below(4) == 0) {
      planned.item.kind = tab::ItemKind::release;
      return planned;
    }
    planned.item.kind = tab::ItemKind::capture;
    planned.charge = core::Amount(1'000'000 + dice_.below(4'000'000));
    planned.item.usages = {{planned.charge, 1, unit("job"), held.resource}};
    return planned;
  }

  void mistake(std::vector<Planned>& batch) {
    const Sale chosen{2 + dice_.below(kPayers - 2), &cast_.payees[index_], &cast_.payees[index_].resources.front()};
    const core::Amount maximum(2'000'000);
    const core::Amount price(1'000'000);
    Planned planned = charge(chosen, maximum, price);
    switch (mistakes_++ % kMistakes) {
      case 0:  // sent twice, unchanged
        batch.push_back(planned);
        planned.expected = Status::already_accepted;
        break;
      case 1:  // the nonce of another promise
        batch.push_back(planned);
        planned.item.single.maximum = price;
        sign(planned.item, planned.payer);
        planned.expected = Status::nonce_conflict;
        break;
      case 2:  // more than the mandate lets the agent spend in a day
        planned = charge({dice_.below(kAgents), chosen.payee, chosen.resource}, core::Amount(10'100'000'000),
                         core::Amount(10'100'000'000));
        planned.expected = Status::mandate_cap_exceeded;
        break;
      case 3:  // signed by somebody else
        planned.item.signature = cast_.payers[0].key.sign(base::Hash{});
        planned.expected = Status::signature_wrong;
        break;
      case 4:  // more than was promised
        planned = charge(chosen, price, base::add_checked(price, core::Amount(1)));
        planned.expected = Status::charge_above_maximum;
        break;
      case 5:  // too late
        planned.item.single.valid_before = 1;
        sign(planned.item, planned.payer);
        planned.expected = Status::expired;
        break;
      default:  // an agent of somebody else
        tab::sign_item(cast_.agents[0].key, traffic_.domain_, traffic_.assets_, planned.item);
        planned.expected = Status::signer_not_authorised;
    }
    batch.push_back(planned);
  }

  struct Tab {
    std::uint64_t next_index = 0;
    core::Amount charged;
  };
  const Traffic& traffic_;
  const Cast& cast_;
  std::size_t index_;
  Dice dice_;
  std::uint64_t nonce_ = 0;
  std::uint64_t mistakes_ = 0;
  std::map<std::pair<std::size_t, const Payee*>, Tab> tabs_;
  std::deque<Planned> holds_;
};

Traffic::Traffic(const Stage& stage, const tabd::Client& facts)
    : stage_(stage), domain_(facts.domain()), assets_(facts.assets()) {
  for (std::size_t i = 0; i < kServers; ++i) threads_.emplace_back([this, i] { run_server(i); });
}

void Traffic::finish() {
  stopping_ = true;
  for (std::thread& thread : threads_)
    if (thread.joinable()) thread.join();
}

void Traffic::record(const TrafficStats& part, std::uint64_t latency_us) {
  const std::lock_guard lock(mutex_);
  stats_.items += part.items;
  stats_.charges += part.charges;
  stats_.batches += part.batches;
  stats_.repeated += part.repeated;
  for (const auto& [status, count] : part.refused) stats_.refused[status] += count;
  stats_.wrong.insert(stats_.wrong.end(), part.wrong.begin(), part.wrong.end());
  for (std::size_t i = 0; i < kPayers; ++i) stats_.charged[i] = base::add_checked(stats_.charged[i], part.charged[i]);
  if (!part.failure.empty()) stats_.failure = part.failure;
  if (part.batches > 0 && latencies_.size() < kLatenciesMax) latencies_.push_back(latency_us);
}

TrafficStats Traffic::stats() const {
  std::vector<std::uint64_t> latencies;
  TrafficStats result;
  {
    const std::lock_guard lock(mutex_);
    result = stats_;
    latencies = latencies_;
  }
  if (latencies.empty()) return result;
  std::sort(latencies.begin(), latencies.end());
  result.p50_us = latencies[latencies.size() / 2];
  result.p99_us = latencies[latencies.size() * 99 / 100];
  return result;
}

namespace {

// Compares the ledger's answers with what was expected.
TrafficStats judge(const std::vector<Planned>& batch, const rpc::BatchAnswer& answer, bool lenient) {
  TrafficStats part;
  part.batches = 1;
  if (answer.status != Status::ok || answer.items.size() != batch.size()) {
    part.failure = fmt::format("a batch was refused: {} {}", base::info(answer.status).sentence, answer.detail);
    return part;
  }
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const Planned& planned = batch[i];
    const Status status = answer.items[i].status;
    if (status != planned.expected && !(lenient && !base::accepted(status))) {
      part.wrong.push_back(fmt::format("an item should have been answered {} and was answered {}",
                                       base::name(planned.expected), base::name(status)));
    }
    if (status == Status::ok) {
      ++part.items;
      part.charges += planned.item.usages.size();
      part.charged[planned.payer] = base::add_checked(part.charged[planned.payer], planned.charge);
    } else if (status == Status::already_accepted) {
      ++part.repeated;
    } else {
      ++part.refused[status];
    }
  }
  return part;
}

}  // namespace

void Traffic::run_server(std::size_t index) {
  const auto fail = [&](const std::string& message) {
    TrafficStats part;
    part.failure = stage_.cast().servers[index].label + ": " + message;
    record(part, 0);
  };
  const Party& self = stage_.cast().servers[index];
  base::Result<std::unique_ptr<tabd::Client>> client = stage_.connect();
  if (!client) return fail(client.error().message);
  base::Result<tabd::ServerSession> session = (*client)->login_server(self.key);
  if (!session) return fail(session.error().message);
  Server server(*this, index);
  const base::Clock& clock = stage_.clock();
  const std::uint64_t per_second = stage_.options().items_per_second;
  const bool mistaken = !stage_.options().keep;
  std::uint64_t number = 0;
  std::uint64_t owed = 0;  // items that are due, in units of 1 / kTicksPerSecond
  for (std::uint64_t tick = 1;; ++tick) {
    const bool last = stopping_;
    owed += per_second;
    const std::size_t count = static_cast<std::size_t>(owed / kTicksPerSecond);
    owed %= kTicksPerSecond;
    const std::uint64_t start_ns = clock.monotonic_ns();
    const std::vector<Planned> batch =
        last ? server.last_batch(mistaken) : server.next_batch(count, mistaken && tick % kTicksPerSecond == 0);
    if (!batch.empty()) {
      std::vector<tab::Item> items;
      for (const Planned& planned : batch) items.push_back(planned.item);
      const tabd::UnverifiedBatch signed_batch = (*client)->make_batch(self.key, ++number, std::move(items));
      const std::uint64_t sent_ns = clock.monotonic_ns();
      const base::Result<rpc::BatchAnswer> answer = session->submit(signed_batch);
      if (!answer) return fail(answer.error().message);
      const TrafficStats part = judge(batch, *answer, stage_.options().keep);
      record(part, (clock.monotonic_ns() - sent_ns) / 1000);
      if (!part.failure.empty()) return;
    }
    if (last) return;
    const std::uint64_t used_us = (clock.monotonic_ns() - start_ns) / 1000;
    if (used_us < kTickUs) ::usleep(static_cast<useconds_t>(kTickUs - used_us));
  }
}

}  // namespace playground::demo
