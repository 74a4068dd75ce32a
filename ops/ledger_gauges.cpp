#include "ops/ledger_gauges.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <limits>
#include <map>
#include <mutex>
#include <thread>
#include <tuple>

#include "base/limits.h"
#include "base/thread.h"

namespace ops {
namespace {

namespace core = ledger::core;
using base::AssetId;
using base::Result;

constexpr std::size_t kPage = base::limits::kPageItemsMax;
constexpr int kNice = 10;                  // a look over a million payers takes long; nobody's payment waits for it
constexpr std::uint64_t kRestFactor = 19;  // rest at least this many times as long as the look took

// States in which a settlement still wants something from somebody.
constexpr std::array kOpenStates = {
    core::SettlementState::ready,     core::SettlementState::sending,  core::SettlementState::accepted,
    core::SettlementState::confirmed, core::SettlementState::settled,  core::SettlementState::unknown,
    core::SettlementState::failed,    core::SettlementState::returned, core::SettlementState::disputed};

constexpr std::string_view standing_name(core::Standing standing) {
  switch (standing) {
    case core::Standing::active: return "active";
    case core::Standing::suspended_by_operator: return "suspended_by_operator";
    case core::Standing::suspended_by_dunning: return "suspended_by_dunning";
  }
  return "unknown";
}

struct Looked {
  std::vector<MetricFamily> families;
  LedgerTotals totals;
};

void add(core::Amount& sum, core::Amount amount) { sum = base::add_checked(sum, amount); }

// One look over the ledger. Every step stops early when `stopping` says so.
class Look {
 public:
  Look(const ledger::api::LedgerReader& reader, base::Time now, const std::function<bool()>& stopping)
      : reader_(reader), now_(now), stopping_(stopping) {}

  Result<Looked> run() {
    ASSIGN_OR_RETURN(const core::LedgerHead head, reader_.head());
    ASSIGN_OR_RETURN(const std::vector<core::Asset> assets, reader_.assets());
    for (const core::Asset& asset : assets) assets_[asset.id] = asset;
    for (const core::Asset& asset : assets) totals_[asset.id].asset = asset;
    RETURN_IF_ERROR(payers());
    RETURN_IF_ERROR(payees());
    RETURN_IF_ERROR(settlements());
    RETURN_IF_ERROR(balances());
    RETURN_IF_ERROR(channels());
    RETURN_IF_ERROR(notices());
    describe(head);
    return Looked{std::move(families_), totals()};
  }

 private:
  // In whole units of the asset; for display, so a double will do.
  double whole(AssetId asset, base::i128 units) const {
    const auto found = assets_.find(asset);
    double scale = 1;
    if (found != assets_.end())
      for (unsigned i = 0; i < found->second.scale; ++i) scale *= 10;
    return static_cast<double>(units) / scale;
  }
  std::string symbol(AssetId asset) const {
    const auto found = assets_.find(asset);
    return found == assets_.end() ? std::to_string(asset.value) : found->second.symbol;
  }

  Result<void> payers() {
    for (core::PayerId after; !stopping_();) {
      ASSIGN_OR_RETURN(const std::vector<core::Payer> page, reader_.payers(after, kPage));
      for (const core::Payer& payer : page) {
        ++standings_[payer.standing];
        ASSIGN_OR_RETURN(const std::vector<core::Tally> tallies, reader_.tallies(payer.id));
        for (const core::Tally& tally : tallies) add_tally(tally);
      }
      if (page.size() < kPage) break;
      after = page.back().id;
    }
    return {};
  }

  void add_tally(const core::Tally& tally) {
    AssetTotals& totals = totals_[tally.asset];
    add(totals.held, tally.held);
    add(totals.unbilled, tally.unbilled);
    add(totals.billed, tally.billed);
    add(totals.credit, tally.credit);
    if (tally.window.end.us == 0) return;
    ++open_windows_;
    if (next_close_.us == 0 || tally.window.end < next_close_) next_close_ = tally.window.end;
  }

  Result<void> payees() {
    for (core::PayeeId after; !stopping_();) {
      ASSIGN_OR_RETURN(const std::vector<core::Payee> page, reader_.payees(after, kPage));
      for (const core::Payee& payee : page) {
        ASSIGN_OR_RETURN(const std::vector<core::PayeeBalance> balances, reader_.payee_balances(payee.id));
        for (const core::PayeeBalance& balance : balances) {
          add(totals_[balance.asset].payable, balance.payable_now);
          add(totals_[balance.asset].paid_out, balance.paid_out);
        }
      }
      if (page.size() < kPage) break;
      after = page.back().id;
    }
    return {};
  }

  Result<void> settlements() {
    for (const core::SettlementState state : kOpenStates) {
      base::Time& oldest = oldest_[state];
      oldest = now_;
      for (core::SettlementId after; !stopping_();) {
        ASSIGN_OR_RETURN(const std::vector<core::Settlement> page, reader_.settlements_in(state, after, kPage));
        for (const core::Settlement& settlement : page) {
          ++settlements_[{std::string(settlement.rail.view()), settlement.kind, state}];
          OpenSettlements& open = open_settlements_[{settlement.kind, state, settlement.asset}];
          ++open.count;
          // Amounts of relays are not bounded by the books.
          open.amount = open.amount.add(settlement.amount).value_or(*core::Amount::from_units(core::Amount::kUnitsMax));
          oldest = std::min(oldest, settlement.submitted.us != 0 ? settlement.submitted : settlement.created);
        }
        if (page.size() < kPage) break;
        after = page.back().id;
      }
    }
    return {};
  }

  Result<void> balances() {
    MetricFamily family{"tabd_operator_balance",
                        "The operator's own accounts in whole units of the asset; debit positive.",
                        MetricKind::gauge,
                        {}};
    for (const auto& [id, asset] : assets_) {
      const Result<core::OperatorBalance> found = reader_.operator_balance(id);
      if (!found && found.error().code == base::ErrorCode::not_found) continue;
      if (!found) return tl::unexpected<base::Error>(found.error());
      totals_[id].operators = *found;
      const std::pair<const char*, core::Balance> accounts[] = {
          {"cash", found->cash},         {"in_transit", found->in_transit}, {"out_transit", found->out_transit},
          {"revenue", found->revenue},   {"bad_debt", found->bad_debt},     {"rounding", found->rounding},
          {"suspense", found->suspense}, {"rail_fees", found->rail_fees},   {"tax", found->tax},
          {"refunds", found->refunds}};
      for (const auto& [account, balance] : accounts) {
        family.samples.push_back(
            {{{"asset", asset.symbol}, {"account", account}, {"phase", "posted"}}, whole(id, balance.posted)});
        family.samples.push_back(
            {{{"asset", asset.symbol}, {"account", account}, {"phase", "pending"}}, whole(id, balance.pending)});
      }
    }
    families_.push_back(std::move(family));
    return {};
  }

  // What the operator's inbox has to be looked at for.
  Result<void> notices() {
    MetricFamily family{"tabd_notices_open",
                        "Notices of rails that wait for their settlement or the operator, or are in suspense, by rail.",
                        MetricKind::gauge,
                        {}};
    for (const core::NoticeState state : {core::NoticeState::waiting, core::NoticeState::suspense}) {
      std::map<std::string, std::size_t> by_rail;
      for (core::NoticeId after; !stopping_();) {
        ASSIGN_OR_RETURN(const std::vector<core::Notice> page, reader_.notices_in(state, after, kPage));
        for (const core::Notice& notice : page) ++by_rail[std::string(notice.rail.view())];
        if (page.size() < kPage) break;
        after = page.back().id;
      }
      const char* const name = state == core::NoticeState::waiting ? "waiting" : "suspense";
      for (const auto& [rail, count] : by_rail)
        family.samples.push_back({{{"rail", rail}, {"state", name}}, static_cast<double>(count)});
    }
    families_.push_back(std::move(family));
    return {};
  }

  Result<void> channels() {
    for (core::ChannelId after; !stopping_();) {
      ASSIGN_OR_RETURN(const std::vector<core::Channel> page, reader_.channels(after, kPage));
      for (const core::Channel& channel : page) channels_.add(channel);
      if (page.size() < kPage) break;
      after = page.back().id;
    }
    ASSIGN_OR_RETURN(const std::vector<core::Earnings> all, reader_.earnings(std::numeric_limits<std::size_t>::max()));
    for (const core::Earnings& earnings : all) channels_.add(earnings);
    return {};
  }

  void gauge(std::string name, std::string help, double value) {
    families_.push_back({std::move(name), std::move(help), MetricKind::gauge, {{{}, value}}});
  }

  LedgerTotals totals() const {
    LedgerTotals result;
    result.looked = now_;
    for (const auto& [id, totals] : totals_) result.assets.push_back(totals);
    for (const auto& [key, open] : open_settlements_) {
      const auto& [kind, state, asset] = key;
      result.settlements.push_back({kind, state, asset, open.count, open.amount});
    }
    result.open_windows = open_windows_;
    result.next_close = next_close_;
    for (const auto& [standing, payers] : standings_)
      if (standing != core::Standing::active) result.payers_suspended += payers;
    result.channels = channels_.totals();
    return result;
  }

  void describe_money() {
    MetricFamily exposure{
        "tabd_exposure", "What payers owe or hold, in whole units of the asset, by component.", MetricKind::gauge, {}};
    MetricFamily payable{"tabd_payable", "Owed to payees now, in whole units of the asset.", MetricKind::gauge, {}};
    for (const auto& [id, asset] : assets_) {
      const AssetTotals& totals = totals_[id];
      const std::pair<const char*, core::Amount> components[] = {
          {"held", totals.held}, {"unbilled", totals.unbilled}, {"billed", totals.billed}, {"credit", totals.credit}};
      for (const auto& [component, amount] : components)
        exposure.samples.push_back(
            {{{"asset", asset.symbol}, {"component", component}}, whole(id, amount.signed_units())});
      payable.samples.push_back({{{"asset", asset.symbol}}, whole(id, totals.payable.signed_units())});
    }
    families_.push_back(std::move(exposure));
    families_.push_back(std::move(payable));
  }

  void describe(const core::LedgerHead& head) {
    describe_money();
    MetricFamily payers{"tabd_payers", "Registered payers by standing.", MetricKind::gauge, {}};
    for (const core::Standing standing :
         {core::Standing::active, core::Standing::suspended_by_operator, core::Standing::suspended_by_dunning})
      payers.samples.push_back(
          {{{"standing", std::string(standing_name(standing))}}, static_cast<double>(standings_[standing])});
    families_.push_back(std::move(payers));
    MetricFamily open{
        "tabd_settlements", "Settlements that are not done, by rail, kind and state.", MetricKind::gauge, {}};
    for (const auto& [key, count] : settlements_) {
      const auto& [rail, kind, state] = key;
      open.samples.push_back({{{"rail", rail}, {"kind", std::string(name(kind))}, {"state", std::string(name(state))}},
                              static_cast<double>(count)});
    }
    families_.push_back(std::move(open));
    MetricFamily age{
        "tabd_settlement_oldest_seconds", "Age of the oldest settlement in a state.", MetricKind::gauge, {}};
    for (const auto& [state, oldest] : oldest_)
      age.samples.push_back({{{"state", std::string(name(state))}}, static_cast<double>(now_.us - oldest.us) / 1e6});
    families_.push_back(std::move(age));
    gauge("tabd_open_windows", "Billing windows that hold charges.", static_cast<double>(open_windows_));
    gauge("tabd_payees", "Registered payees.", head.payees);
    gauge("tabd_statements", "Statements ever issued.", static_cast<double>(head.statements));
    gauge("tabd_journal_sequence", "The newest entry's number.", static_cast<double>(head.last_sequence.value));
    gauge("tabd_journal_time_seconds", "Ledger time of the newest entry, since 1970.",
          static_cast<double>(head.last_time.us) / 1e6);
  }

  const ledger::api::LedgerReader& reader_;
  base::Time now_;
  const std::function<bool()>& stopping_;
  std::map<AssetId, core::Asset> assets_;
  std::map<AssetId, AssetTotals> totals_;
  std::map<core::Standing, std::uint64_t> standings_;
  std::map<std::tuple<std::string, core::SettlementKind, core::SettlementState>, std::uint64_t> settlements_;
  std::map<std::tuple<core::SettlementKind, core::SettlementState, AssetId>, OpenSettlements> open_settlements_;
  std::map<core::SettlementState, base::Time> oldest_;
  std::uint64_t open_windows_ = 0;
  base::Time next_close_;
  ChannelSums channels_;
  std::vector<MetricFamily> families_;
};

}  // namespace

class LedgerGauges::Impl {
 public:
  Impl(const ledger::api::LedgerReader& reader, const base::Clock& clock, std::uint64_t interval_ms)
      : reader_(reader), clock_(clock), interval_ms_(interval_ms), thread_([this] { run(); }) {}
  ~Impl() { stop(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
  }

  LedgerTotals totals() const {
    const std::lock_guard lock(mutex_);
    return looked_.totals;
  }

  std::vector<MetricFamily> collect() const {
    const std::lock_guard lock(mutex_);
    std::vector<MetricFamily> result = looked_.families;
    result.push_back({"tabd_ledger_look_seconds",
                      "How long the last look over the ledger took.",
                      MetricKind::gauge,
                      {{{}, static_cast<double>(took_ns_) / 1e9}}});
    result.push_back({"tabd_ledger_look_failures_total",
                      "Looks over the ledger that could not be read.",
                      MetricKind::counter,
                      {{{}, static_cast<double>(failures_)}}});
    return result;
  }

 private:
  bool stopping() const {
    const std::lock_guard lock(mutex_);
    return stopping_;
  }

  void run() {
    base::give_way(kNice);
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      lock.unlock();
      const std::uint64_t start = clock_.monotonic_ns();
      const std::function<bool()> stop_asked = [this] { return stopping(); };
      Result<Looked> looked = Look(reader_, clock_.now(), stop_asked).run();
      const std::uint64_t took_ns = clock_.monotonic_ns() - start;
      lock.lock();
      if (stopping_) return;
      took_ns_ = took_ns;
      if (looked) {
        looked_ = std::move(*looked);
      } else {
        ++failures_;
      }
      const std::uint64_t rest_ms = std::max(interval_ms_, took_ns / 1'000'000 * kRestFactor);
      changed_.wait_for(lock, std::chrono::milliseconds(rest_ms), [this] { return stopping_; });
    }
  }

  const ledger::api::LedgerReader& reader_;
  const base::Clock& clock_;
  const std::uint64_t interval_ms_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;       // guarded by mutex_
  std::uint64_t failures_ = 0;  // guarded by mutex_
  std::uint64_t took_ns_ = 0;   // guarded by mutex_
  Looked looked_;               // guarded by mutex_
  std::thread thread_;          // last: it uses everything above
};

LedgerGauges::LedgerGauges(const ledger::api::LedgerReader& reader, const base::Clock& clock, std::uint64_t interval_ms)
    : impl_(std::make_unique<Impl>(reader, clock, interval_ms)) {}
LedgerGauges::~LedgerGauges() = default;
std::vector<MetricFamily> LedgerGauges::collect() const { return impl_->collect(); }
LedgerTotals LedgerGauges::totals() const { return impl_->totals(); }
void LedgerGauges::stop() { impl_->stop(); }

}  // namespace ops
