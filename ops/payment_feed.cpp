#include "ops/payment_feed.h"

#include <limits>

namespace ops {
namespace {

namespace core = ledger::core;

constexpr std::size_t kTabsMax = 1000;
constexpr std::size_t kChannelsMax = 1000;

Payment payment_of(const ledger::api::StoredEntry& entry, std::string_view how, const core::SignedSingleUse& promise,
                   const core::Usage& usage) {
  return {entry.sequence,  entry.time,   how,           promise.payer,  promise.payee, promise.asset,
          promise.mandate, usage.amount, /*charges=*/1, usage.quantity, usage.unit,    {}};
}

}  // namespace

base::Result<void> PaymentFeed::look(const core::LedgerHead& head) {
  if (head.last_sequence <= seen_) return {};
  std::uint64_t from = seen_.value + 1;
  if (head.last_sequence.value - seen_.value > kEntriesMax) from = head.last_sequence.value - kEntriesMax + 1;
  look_ups_ = 0;
  ASSIGN_OR_RETURN(const std::vector<ledger::api::StoredEntry> entries,
                   reader_.entries(core::Sequence(from), head.last_sequence.value - from + 1));
  for (const ledger::api::StoredEntry& entry : entries) add(entry);
  seen_ = head.last_sequence;
  return {};
}

void PaymentFeed::add(const ledger::api::StoredEntry& entry) {
  if (const auto* charge = std::get_if<core::Charged>(&entry.entry))
    push(payment_of(entry, "single-use", charge->commitment, charge->usage));
  if (const auto* voucher = std::get_if<core::VoucherCharged>(&entry.entry)) add_voucher(entry, *voucher);
  if (const auto* capture = std::get_if<core::HoldCaptured>(&entry.entry)) add_capture(entry, *capture);
  if (const auto* charged = std::get_if<core::ChannelCharged>(&entry.entry)) add_channel(entry, *charged);
}

void PaymentFeed::add_voucher(const ledger::api::StoredEntry& entry, const core::VoucherCharged& voucher) {
  auto known = tabs_.find(voucher.tab);
  if (known == tabs_.end()) {
    if (++look_ups_ > kLookUpsMax) return;
    const base::Result<core::Tab> tab = reader_.tab(voucher.tab);
    if (!tab) return;
    if (tabs_.size() >= kTabsMax) tabs_.clear();
    known = tabs_.emplace(voucher.tab, *tab).first;
  }
  Payment payment;
  payment.sequence = entry.sequence;
  payment.time = entry.time;
  payment.how = "voucher";
  payment.payer = known->second.payer;
  payment.payee = known->second.payee;
  payment.asset = known->second.asset;
  payment.mandate = voucher.mandate;
  payment.charges = voucher.usages.size();
  for (const core::Usage& usage : voucher.usages) {
    payment.amount = base::add_checked(payment.amount, usage.amount);  // the ledger has added them up before
    payment.unit = usage.unit;
    const std::uint64_t room = std::numeric_limits<std::uint64_t>::max() - payment.quantity;
    payment.quantity += std::min(room, usage.quantity);
  }
  push(payment);
}

void PaymentFeed::add_capture(const ledger::api::StoredEntry& entry, const core::HoldCaptured& capture) {
  if (++look_ups_ > kLookUpsMax) return;
  const base::Result<ledger::api::StoredEntry> made = reader_.entry(capture.hold);
  if (!made) return;
  if (const auto* hold = std::get_if<core::HoldMade>(&made->entry))
    push(payment_of(entry, "hold", hold->commitment, capture.usage));
}

void PaymentFeed::add_channel(const ledger::api::StoredEntry& entry, const core::ChannelCharged& charged) {
  auto known = channels_.find(charged.id);
  if (known == channels_.end()) {
    if (++look_ups_ > kLookUpsMax) return;
    const base::Result<core::Channel> channel = reader_.channel(charged.id);
    if (!channel) return;
    if (channels_.size() >= kChannelsMax) channels_.clear();
    const PaymentChannel parties = {channel->id, channel->config.payer, channel->config.receiver, channel->chain_id,
                                    channel->config.token};
    known = channels_.emplace(charged.id, parties).first;
  }
  Payment payment;
  payment.sequence = entry.sequence;
  payment.time = entry.time;
  payment.how = "channel";
  payment.amount = charged.usage.amount;
  payment.quantity = charged.usage.quantity;
  payment.unit = charged.usage.unit;
  payment.channel = known->second;
  push(payment);
}

void PaymentFeed::push(Payment payment) {
  if (payments_.size() >= kPaymentsMax) payments_.pop_front();
  payments_.push_back(payment);
}

}  // namespace ops
