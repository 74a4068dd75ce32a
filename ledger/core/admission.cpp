// Admission: decides each item of a batch by the ladder of checks in state_machine.h. The hot path of the ledger:
// nothing here allocates for a charge.

#include <algorithm>

#include "base/limits.h"
#include "ledger/core/period.h"
#include "ledger/core/state.h"

namespace ledger::core {
namespace {

using base::Status;
using commitments::tab::Item;
using commitments::tab::ItemKind;
using commitments::tab::VerifiedItem;

base::FixedBytes<16> content_of(const Hash& leaf) {
  base::FixedBytes<16> content;
  std::memcpy(content.data(), leaf.data(), content.size());
  return content;
}

Amount clamp_amount(u128 units) { return *Amount::from_units(std::min(units, Amount::kUnitsMax)); }

// What the ladder finds out about one item on its way.
struct Subject {
  PayerId payer;
  PayeeId payee;
  AssetId asset;
  PlanId plan;
  MandateRecord* mandate = nullptr;  // null: the payer signed
};

class Admission {
 public:
  // `check_only`: items that would be accepted get `dry_run`, and nothing changes.
  Admission(StateMachine::State& state, ReplayIndex& replay, SegmentBuilder& out, const Address& server,
            bool check_only)
      : state_(state),
        replay_(replay),
        out_(out),
        now_(out.time()),
        check_only_(check_only),
        server_id_(state.find_server(server)) {
    server_ = server_id_.valid() ? state.find_server(server_id_) : nullptr;
  }

  void decide(const VerifiedItem& item, ItemResult& result) {
    result = ItemResult{};
    const invariants::RefusalChangesNothing untouched(out_.count(), state_.changes);
    result.status = ladder(item, result);
    if (result.status != Status::ok) untouched.check(out_.count(), state_.changes);
  }

 private:
  // Steps 2 to 4, then the kind's own.
  Status ladder(const VerifiedItem& item, ItemResult& result) {
    if (item.status() != Status::ok) return item.status();
    if (server_ == nullptr) return Status::server_unknown;
    if (!server_->server.active) return Status::server_suspended;
    Subject subject;
    subject.payer = state_.find_payer(item.item().payer());
    if (!subject.payer.valid()) return Status::payer_unknown;
    switch (item.item().kind) {
      case ItemKind::charge: return charge(item, subject, result);
      case ItemKind::hold: return hold(item, subject, result);
      case ItemKind::capture:
      case ItemKind::release: return finish_hold(item, subject, result);
      case ItemKind::voucher: return voucher(item, subject, result);
    }
    return Status::item_malformed;
  }

  // Step 5. Empty if the key is new.
  std::optional<Status> seen(const ReplayKey& key, const Hash& leaf, Status conflict, ItemResult& result) {
    const std::optional<ReplayHit> hit = replay_.find(key);
    if (!hit) return std::nullopt;
    if (hit->content != content_of(leaf)) return conflict;
    result.sequence = hit->sequence;
    return Status::already_accepted;
  }

  // Step 8.
  Status check_server(PayeeId payee) const {
    const std::vector<PayeeId>& payees = server_->server.payees;
    return std::binary_search(payees.begin(), payees.end(), payee) ? Status::ok : Status::server_not_for_payee;
  }
  // Steps 7 and 8.
  Status check_payee(PayeeId payee) const {
    const PayeeRecord* record = state_.find_payee(payee);
    if (record == nullptr || !record->payee.active) return Status::payee_unknown;
    return check_server(payee);
  }

  // Step 9.
  Status check_asset(Subject& subject) const {
    if (state_.find_asset(subject.asset) == nullptr) return Status::asset_unknown;
    subject.plan = state_.plan_of(subject.payer, subject.asset);
    return subject.plan.valid() ? Status::ok : Status::asset_not_enabled;
  }

  // Step 10. `valid_before` zero: no end.
  Status check_time(std::uint64_t valid_after, std::uint64_t valid_before) const {
    const std::uint64_t now = now_.seconds();
    if (valid_before != 0 && now >= valid_before) return Status::expired;
    if (now < valid_after) return Status::not_yet_valid;
    return Status::ok;
  }
  Status check_single_time(std::uint64_t valid_after, std::uint64_t valid_before) const {
    const std::uint64_t now = now_.seconds();
    if (now >= valid_before) return Status::expired;
    if (now < valid_after) return Status::not_yet_valid;
    if (valid_before - now > base::limits::kValiditySecondsMax) return Status::validity_too_long;
    return Status::ok;
  }

  // Step 11.
  Status check_signer(const Item& item, Subject& subject) const {
    const Address& signer = item.effective_signer();
    if (signer == item.payer()) return Status::ok;
    MandateRecord* record = state_.find_mandate(subject.payer, signer, subject.asset);
    if (record == nullptr) return Status::signer_not_authorised;
    const commitments::tab::Mandate& mandate = record->state.mandate;
    if (record->state.revoked) return Status::mandate_revoked;
    const Status time = check_time(mandate.valid_after, mandate.valid_before);
    if (time == Status::expired) return Status::mandate_expired;
    if (time == Status::not_yet_valid) return Status::mandate_not_yet_valid;
    const Address& payee = state_.find_payee(subject.payee)->payee.address;
    if (!mandate.payees.empty() && !std::binary_search(mandate.payees.begin(), mandate.payees.end(), payee)) {
      return Status::mandate_payee_not_listed;
    }
    subject.mandate = record;
    return Status::ok;
  }

  // Steps 13 to 16. `expected` gets the exposure after the item.
  Status check_funds(const Subject& subject, u128 amount, u128& expected, ItemResult& result) const {
    if (state_.find_payer(subject.payer)->standing != Standing::active) return Status::payer_suspended;
    if (subject.mandate != nullptr) {
      const u128 cap = subject.mandate->state.mandate.cap.units();
      const u128 used = spent_at(subject.mandate->state, now_).units() + subject.mandate->state.held.units();
      if (used + amount > cap) {
        result.limit = clamp_amount(cap);
        result.allowed = clamp_amount(used > cap ? 0 : cap - used);
        return Status::mandate_cap_exceeded;
      }
    }
    const TallyRecord* tally = state_.find_tally(subject.payer, subject.asset);
    const u128 exposure = state_.exposure_at(tally, now_);
    const u128 limit = state_.limit_of(tally, subject.plan);
    if (exposure + amount > limit) {
      result.limit = clamp_amount(limit);
      result.allowed = clamp_amount(exposure > limit ? 0 : limit - exposure);
      return Status::credit_limit_exceeded;
    }
    expected = (tally == nullptr ? 0 : tally->exposure()) + amount;  // of a hold, which closes no window
    return check_volume(subject.asset, amount, exposure + amount);
  }

  // Step 16.
  Status check_volume(AssetId asset, u128 amount, u128 exposure) const {
    const u128 volume = state_.find_asset(asset)->operators.volume.units();
    if (amount > kVolumeMax || volume + amount > kVolumeMax || exposure > kVolumeMax) return Status::amount_overflow;
    return Status::ok;
  }

  void check_exposure(const Subject& subject, u128 expected, u128 limit) const {
    invariants::ExposureWithin::check(state_.find_tally(subject.payer, subject.asset)->exposure(), expected, limit);
  }

  SignedSingleUse signed_part(const Item& item, const Subject& subject) const {
    SignedSingleUse part;
    part.payer = subject.payer;
    part.payee = subject.payee;
    part.asset = subject.asset;
    if (subject.mandate != nullptr) part.mandate = subject.mandate->state.id;
    part.maximum = item.single.maximum;
    part.resource = item.single.resource;
    part.nonce = item.single.nonce;
    part.valid_after = item.single.valid_after;
    part.valid_before = item.single.valid_before;
    part.signature = item.signature;
    return part;
  }

  // Steps 5 to 11 of charges and holds.
  Status check_single(const VerifiedItem& verified, Subject& subject, ReplayKey& key, ItemResult& result) {
    const Item& item = verified.item();
    key = replay_key_single_use(subject.payer, item.single.nonce);
    if (const auto status = seen(key, verified.leaf(), Status::nonce_conflict, result)) return *status;
    subject.payee = state_.find_payee(item.single.payee);
    subject.asset = item.single.asset;
    Status status = check_payee(subject.payee);
    if (status == Status::ok) status = check_asset(subject);
    if (status == Status::ok) status = check_single_time(item.single.valid_after, item.single.valid_before);
    if (status == Status::ok) status = check_signer(item, subject);
    return status;
  }

  // Step 12 of charges and captures.
  static Status check_usage(const commitments::tab::Usage& usage, const Hash& resource, Amount maximum,
                            ItemResult& result) {
    if (!resource.is_zero() && usage.resource != resource) return Status::item_malformed;
    if (usage.amount > maximum) {
      result.limit = maximum;
      result.allowed = maximum;
      return Status::charge_above_maximum;
    }
    return Status::ok;
  }

  Status charge(const VerifiedItem& verified, Subject& subject, ItemResult& result) {
    const Item& item = verified.item();
    if (item.usages.size() != 1) return Status::item_malformed;
    const commitments::tab::Usage& usage = item.usages.front();
    ReplayKey key;
    Status status = check_single(verified, subject, key, result);
    if (status == Status::ok) status = check_usage(usage, item.single.resource, item.single.maximum, result);
    u128 expected = 0;
    if (status == Status::ok) status = check_funds(subject, usage.amount.units(), expected, result);
    if (status != Status::ok) return status;
    if (check_only_) return Status::dry_run;

    state_.ensure_window(subject.payer, subject.asset, out_);
    expected = exposure_now(subject) + usage.amount.units();
    const Charged entry{signed_part(item, subject), server_id_, usage};
    accept(key, verified, state_.commit(entry, out_), result);
    check_exposure(subject, expected, limit_now(subject));
    state_.close_at_threshold(subject.payer, subject.asset, out_);
    return Status::ok;
  }

  Status hold(const VerifiedItem& verified, Subject& subject, ItemResult& result) {
    const Item& item = verified.item();
    ReplayKey key;
    Status status = check_single(verified, subject, key, result);
    u128 expected = 0;
    if (status == Status::ok) status = check_funds(subject, item.single.maximum.units(), expected, result);
    if (status != Status::ok) return status;
    if (check_only_) return Status::dry_run;
    const HoldMade entry{signed_part(item, subject), server_id_};
    accept(key, verified, state_.commit(entry, out_), result);
    check_exposure(subject, expected, limit_now(subject));
    return Status::ok;
  }

  Status finish_hold(const VerifiedItem& verified, Subject& subject, ItemResult& result) {
    const Item& item = verified.item();
    const bool capture = item.kind == ItemKind::capture;
    if (capture && item.usages.size() != 1) return Status::item_malformed;
    const ReplayKey key = replay_key_finish(subject.payer, item.single.nonce);
    if (const std::optional<ReplayHit> hit = replay_.find(key)) return finished_before(verified, *hit, result);
    const Hold* found = state_.find_hold({subject.payer, item.single.nonce});
    if (found == nullptr) return Status::hold_unknown;
    if (found->expires <= now_) return Status::hold_expired;
    subject.payee = found->payee;
    subject.asset = found->asset;
    // A release helps the payer and needs no active payee.
    const Status payee = capture ? check_payee(subject.payee) : check_server(subject.payee);
    if (payee != Status::ok) return payee;
    if (!capture) {
      if (check_only_) return Status::dry_run;
      const HoldReleased entry{found->sequence, subject.payer, item.single.nonce, ReleaseReason::released};
      accept(key, verified, state_.commit(entry, out_), result);
      return Status::ok;
    }
    const commitments::tab::Usage& usage = item.usages.front();
    Status status = check_usage(usage, found->resource, found->maximum, result);
    if (status == Status::ok) status = check_volume(subject.asset, usage.amount.units(), exposure_now(subject));
    if (status != Status::ok) return status;
    if (check_only_) return Status::dry_run;
    const HoldCaptured entry{found->sequence, subject.payer, item.single.nonce, usage};
    const u128 maximum = found->maximum.units();
    state_.ensure_window(subject.payer, subject.asset, out_);
    const u128 expected = exposure_now(subject) - maximum + usage.amount.units();
    accept(key, verified, state_.commit(entry, out_), result);
    check_exposure(subject, expected, expected);  // a limit that was lowered meanwhile does not undo a hold
    state_.close_at_threshold(subject.payer, subject.asset, out_);
    return Status::ok;
  }

  static Status finished_before(const VerifiedItem& verified, const ReplayHit& hit, ItemResult& result) {
    if (hit.content == content_of(verified.leaf())) {
      result.sequence = hit.sequence;
      return Status::already_accepted;
    }
    if (hit.content.is_zero()) return Status::hold_expired;
    const Hash release = commitments::tab::item_leaf(ItemKind::release, verified.digest(), 0, {});
    return hit.content == content_of(release) ? Status::hold_released : Status::hold_captured;
  }

  Status voucher(const VerifiedItem& verified, Subject& subject, ItemResult& result) {
    const Item& item = verified.item();
    if (item.usages.empty()) return Status::item_malformed;
    subject.payee = state_.find_payee(item.voucher.payee);
    subject.asset = item.voucher.asset;
    TabRecord* tab = state_.find_tab(subject.payer, subject.payee, subject.asset, item.voucher.salt);
    const std::uint64_t next_index = tab == nullptr ? 0 : tab->tab.charges;
    if (tab != nullptr) result.tab = figures(tab->tab);
    if (item.first_index < next_index) {
      const ReplayKey key = replay_key_voucher(tab->tab.id, item.first_index);
      return seen(key, verified.leaf(), Status::tab_conflict, result).value_or(Status::tab_conflict);
    }
    Status status = check_payee(subject.payee);
    if (status == Status::ok) status = check_asset(subject);
    if (status == Status::ok) status = check_time(0, item.voucher.valid_before);
    if (status == Status::ok) status = check_signer(item, subject);
    if (status != Status::ok) return status;
    if (item.first_index > next_index) {
      result.expected_index = next_index;
      return Status::tab_out_of_order;
    }
    u128 total = 0;
    status = check_voucher_total(item, tab == nullptr ? 0 : tab->tab.charged.units(), total, result);
    u128 expected = 0;
    if (status == Status::ok) status = check_funds(subject, total, expected, result);
    if (status == Status::ok && tab == nullptr && state_.head.tabs >= UINT32_MAX) status = Status::limit_reached;
    if (status != Status::ok) return status;
    if (check_only_) return Status::dry_run;

    if (tab == nullptr) tab = open_tab(item, subject);
    state_.ensure_window(subject.payer, subject.asset, out_);
    expected = exposure_now(subject) + total;
    const ReplayKey key = replay_key_voucher(tab->tab.id, item.first_index);
    voucher_entry_.tab = tab->tab.id;
    voucher_entry_.server = server_id_;
    voucher_entry_.mandate = subject.mandate == nullptr ? MandateId{} : subject.mandate->state.id;
    voucher_entry_.maximum = item.voucher.maximum;
    voucher_entry_.valid_before = item.voucher.valid_before;
    voucher_entry_.signature = item.signature;
    voucher_entry_.first_index = item.first_index;
    voucher_entry_.usages.assign(item.usages.begin(), item.usages.end());
    accept(key, verified, state_.commit(voucher_entry_, out_), result);
    result.tab = figures(tab->tab);
    check_exposure(subject, expected, limit_now(subject));
    state_.close_at_threshold(subject.payer, subject.asset, out_);
    return Status::ok;
  }

  static TabFigures figures(const Tab& tab) { return {tab.charged, tab.maximum, tab.charges}; }

  // Step 12 of vouchers. Usages above what can be represented are above every maximum.
  static Status check_voucher_total(const Item& item, u128 charged, u128& total, ItemResult& result) {
    for (const commitments::tab::Usage& usage : item.usages) {
      total = std::min(total + usage.amount.units(), Amount::kUnitsMax + 1);
    }
    const u128 maximum = item.voucher.maximum.units();
    if (charged + total <= maximum) return Status::ok;
    result.limit = item.voucher.maximum;
    result.allowed = clamp_amount(charged > maximum ? 0 : maximum - charged);
    return Status::voucher_below_charged;
  }

  TabRecord* open_tab(const Item& item, const Subject& subject) {
    const TabId id(state_.head.tabs + 1);
    state_.commit(TabOpened{id, subject.payer, subject.payee, subject.asset, item.voucher.salt}, out_);
    return state_.find_tab(id);
  }

  u128 exposure_now(const Subject& subject) const {
    const TallyRecord* tally = state_.find_tally(subject.payer, subject.asset);
    return tally == nullptr ? 0 : tally->exposure();
  }
  u128 limit_now(const Subject& subject) const {
    return state_.limit_of(state_.find_tally(subject.payer, subject.asset), subject.plan);
  }

  void accept(const ReplayKey& key, const VerifiedItem& verified, Sequence sequence, ItemResult& result) {
    replay_.insert(key, {sequence, content_of(verified.leaf())});
    result.sequence = sequence;
  }

  StateMachine::State& state_;
  ReplayIndex& replay_;
  SegmentBuilder& out_;
  Time now_;
  bool check_only_;
  ServerId server_id_;
  const ServerRecord* server_;
  VoucherCharged voucher_entry_;  // reused, so that its usages are allocated once for a batch
};

}  // namespace

void StateMachine::State::decide_batch(const commitments::tab::VerifiedBatch& batch, ReplayIndex& replay,
                                       SegmentBuilder& out, std::span<ItemResult> results) {
  const std::vector<VerifiedItem>& items = batch.items();
  CHECK(results.size() == items.size());
  if (batch.status() != Status::ok) {
    for (ItemResult& result : results) {
      result = ItemResult{};
      result.status = batch.status();
    }
    return;
  }
  Admission admission(*this, replay, out, batch.header().server, batch.check_only());
  BatchSigned signed_batch;
  for (std::size_t i = 0; i < items.size(); ++i) {
    admission.decide(items[i], results[i]);
    if (results[i].status != Status::ok) {
      signed_batch.refused.push_back({static_cast<std::uint32_t>(i), items[i].leaf()});
    } else if (!signed_batch.first.valid()) {
      signed_batch.first = results[i].sequence;
    }
  }
  if (!signed_batch.first.valid()) return;
  signed_batch.server = find_server(batch.header().server);
  signed_batch.number = batch.header().number;
  signed_batch.count = batch.header().count;
  signed_batch.root = batch.header().root;
  signed_batch.signature = batch.header().signature;
  commit(signed_batch, out);
}

}  // namespace ledger::core
