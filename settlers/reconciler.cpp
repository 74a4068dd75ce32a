#include "settlers/reconciler.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <tuple>
#include <unordered_set>

#include "base/limits.h"
#include "base/thread.h"

namespace settlers {
namespace {

constexpr int kNice = 10;  // a look over a million settlements takes long; nobody's payment waits for it
constexpr std::size_t kPage = base::limits::kPageItemsMax;
constexpr std::chrono::milliseconds kStep(100);
// Movements are read from so long before, so that one that the rail dates earlier than we do is found.
constexpr std::uint64_t kMarginUs = 3ULL * 86'400 * 1'000'000;

using ledger::core::OperatorBalance;
using S = SettlementState;

base::i128 absolute(base::i128 value) { return value < 0 ? -value : value; }

// What the clearing accounts of one asset should hold.
struct Clearing {
  base::i128 in_pending = 0, in_posted = 0, out_pending = 0, out_posted = 0;
};

struct Waiting {
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<base::Result<MovementPage>> page;
};

}  // namespace

class Reconciler::Impl {
 public:
  Impl(Dispatcher& dispatcher, const ledger::api::LedgerReader& reader, const base::Clock& clock,
       ReconcilerOptions options, Report report)
      : dispatcher_(dispatcher),
        reader_(reader),
        clock_(clock),
        options_(options),
        report_(std::move(report)),
        last_(std::make_shared<Reconciliation>()),
        next_ns_(clock.monotonic_ns() + options.first_after_s * 1'000'000'000ULL),
        thread_([this] { run(); }) {}

  std::uint64_t request(ReconcileRequest request) {
    const std::lock_guard<std::mutex> lock(mutex_);
    asked_ = std::move(request);
    changed_.notify_all();
    return started_ + 1;
  }
  std::shared_ptr<const Reconciliation> last() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return last_;
  }
  void stop() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      stopping_ = true;
      changed_.notify_all();
    }
    if (thread_.joinable()) thread_.join();
  }

 private:
  void run() {
    base::give_way(kNice);
    std::unique_lock<std::mutex> lock(mutex_);
    while (!stopping_) {
      const bool by_itself = options_.every_s != 0 && clock_.monotonic_ns() >= next_ns_;
      if (!asked_ && !by_itself) {
        changed_.wait_for(lock, std::chrono::seconds(1), [this] { return stopping_ || asked_.has_value(); });
        continue;
      }
      const ReconcileRequest request = asked_.value_or(ReconcileRequest{});
      asked_.reset();
      if (by_itself) next_ns_ = clock_.monotonic_ns() + options_.every_s * 1'000'000'000ULL;
      const std::uint64_t number = ++started_;
      lock.unlock();
      auto made = std::make_shared<Reconciliation>(reconcile(request));
      made->number = number;
      lock.lock();
      if (stopping_) return;
      last_ = made;
      lock.unlock();
      if (report_) report_(*made);
      lock.lock();
    }
  }

  bool stopping() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return stopping_;
  }

  Reconciliation reconcile(const ReconcileRequest& request) {
    Reconciliation made;
    made.started = made.to = clock_.now();
    const std::uint64_t back_us = options_.lookback_s * 1'000'000;
    made.from = request.from.us != 0 ? request.from : Time{made.to.us - std::min(made.to.us, back_us)};
    std::vector<Difference> found;
    std::vector<RailComparison> rails;
    for (const std::string& rail : dispatcher_.rails()) {
      if (!request.rail.empty() && request.rail != rail) continue;
      rails.emplace_back(rail, made.from, made.to,
                         [this, rail](const Settlement& one) { return dispatcher_.keeps_record(rail, one); });
      read_rail(rail, made.from, made.to, rails.back());
    }
    for (const NoticeState state : {NoticeState::suspense, NoticeState::resolved}) explain(state, rails);
    const std::uint64_t stuck_us =
        (request.stuck_after_s != 0 ? request.stuck_after_s : options_.stuck_after_s) * 1'000'000;
    const std::string problem = read_books(request.rail, made.to, stuck_us, rails, found);
    read_suspense(request.rail, found);
    for (RailComparison& rail : rails) {
      if (!problem.empty()) rail.fail(problem);
      if (rail.counts().problem.empty()) rail.finish(found);
      made.rails.push_back(rail.counts());
    }
    sum_up(std::move(found), made);
    made.finished = clock_.now();
    return made;
  }

  void read_rail(const std::string& rail, Time from, Time to, RailComparison& comparison) {
    MovementQuery query;
    query.from = Time{from.us - std::min(from.us, kMarginUs)};
    query.to = to;
    const auto assets = reader_.assets();
    if (assets) query.assets = *assets;
    std::uint64_t count = 0;
    const std::uint64_t begun_ns = clock_.monotonic_ns();
    std::unordered_set<std::string> cursors;
    do {
      // A rail whose list has no end would never be done with; what counts nothing is not in movements_max.
      if (cursors.size() >= options_.pages_max)
        return comparison.fail("its record has more than " + std::to_string(options_.pages_max) +
                               " pages: begin at a later time");
      if (clock_.monotonic_ns() - begun_ns >= options_.rail_timeout_s * 1'000'000'000)
        return comparison.fail("its record could not be read within " + std::to_string(options_.rail_timeout_s) +
                               " s: begin at a later time");
      if (!cursors.insert(query.after).second)
        return comparison.fail("its record does not go on: a page was named twice");
      const base::Result<MovementPage> page = ask(rail, query);
      if (!page) return comparison.fail(page.error().message);
      for (const RailMovement& movement : page->movements) comparison.add(movement);
      count += page->movements.size();
      if (count > options_.movements_max)
        return comparison.fail("more than " + std::to_string(options_.movements_max) +
                               " movements: begin at a later time");
      query.after = page->next;
    } while (!query.after.empty());
  }

  base::Result<MovementPage> ask(const std::string& rail, const MovementQuery& query) {
    const auto waiting = std::make_shared<Waiting>();
    dispatcher_.movements(rail, query, [waiting](base::Result<MovementPage> page) {
      const std::lock_guard<std::mutex> lock(waiting->mutex);
      waiting->page = std::move(page);
      waiting->changed.notify_all();
    });
    std::unique_lock<std::mutex> lock(waiting->mutex);
    for (std::uint64_t left = options_.answer_timeout_s * 10; !waiting->page; --left) {
      if (left == 0 || stopping()) return base::error(base::ErrorCode::timeout, "the rail did not answer");
      waiting->changed.wait_for(lock, kStep, [&] { return waiting->page.has_value(); });
    }
    return std::move(*waiting->page);
  }

  // Every settlement once: beside the rails, against the clock, and summed for the clearing accounts. An empty text, or
  // why it could not be done.
  std::string read_books(const std::string& only, Time now, std::uint64_t stuck_us, std::vector<RailComparison>& rails,
                         std::vector<Difference>& found) {
    const std::vector<OperatorBalance> before = balances();
    std::map<ledger::core::AssetId, Clearing> clearing;
    for (SettlementId after;;) {
      if (stopping()) return "the daemon stops";
      const auto page = reader_.settlements(after, kPage);
      if (!page) return page.error().message;
      for (const Settlement& one : *page) {
        for (RailComparison& rail : rails)
          if (rail.counts().problem.empty()) rail.compare(one, found);
        if (only.empty() || only == one.rail.view()) look_for_stuck(one, now, stuck_us, found);
        add_clearing(one, clearing[one.asset]);
        after = one.id;
      }
      if (page->size() < kPage) break;
    }
    // While money moves, rows and balances are of different moments.
    if (only.empty() && before == balances()) compare_clearing(before, clearing, found);
    return {};
  }

  std::vector<OperatorBalance> balances() const {
    std::vector<OperatorBalance> all;
    const auto assets = reader_.assets();
    if (!assets) return all;
    for (const ledger::core::Asset& asset : *assets) {
      if (const auto balance = reader_.operator_balance(asset.id)) all.push_back(*balance);
    }
    return all;
  }

  static void look_for_stuck(const Settlement& one, Time now, std::uint64_t stuck_us, std::vector<Difference>& found) {
    const bool under_way =
        one.state == S::sending || one.state == S::accepted || one.state == S::unknown || one.state == S::confirmed;
    if (!under_way || one.submitted.us == 0 || now.us < one.submitted.us + stuck_us) return;
    Difference difference;
    difference.kind = DifferenceKind::stuck;
    difference.rail = std::string(one.rail.view());
    difference.settlement = one.id;
    difference.reference = one.reference;
    difference.asset = one.asset;
    difference.ours = one.amount;
    difference.incoming = one.kind == SettlementKind::collection;
    difference.since = one.submitted;
    difference.detail = one.detail;
    found.push_back(std::move(difference));
  }

  static void add_clearing(const Settlement& one, Clearing& sums) {
    if (one.kind == SettlementKind::relay) return;
    const base::i128 amount = one.amount.signed_units();
    const bool in = one.kind == SettlementKind::collection;
    if (one.state == S::sending || one.state == S::accepted || one.state == S::unknown)
      (in ? sums.in_pending : sums.out_pending) += amount;
    if (one.state == S::confirmed) (in ? sums.in_posted : sums.out_posted) += amount;
  }

  static void compare_clearing(const std::vector<OperatorBalance>& balances,
                               std::map<ledger::core::AssetId, Clearing>& clearing, std::vector<Difference>& found) {
    const auto compare = [&found](ledger::core::AssetId asset, const char* account, base::i128 is, base::i128 should) {
      if (absolute(is) == should) return;
      Difference one;
      one.kind = DifferenceKind::clearing;
      one.asset = asset;
      one.ours = Amount::from_units(static_cast<base::u128>(absolute(is)));
      one.theirs = Amount::from_units(static_cast<base::u128>(should));
      one.detail = std::string(account) + " does not hold what is under way";
      found.push_back(std::move(one));
    };
    for (const OperatorBalance& one : balances) {
      const Clearing& sums = clearing[one.asset];
      compare(one.asset, "collections in transit, pending", one.in_transit.pending, sums.in_pending);
      compare(one.asset, "collections in transit", one.in_transit.posted, sums.in_posted);
      compare(one.asset, "payouts in transit, pending", one.out_transit.pending, sums.out_pending);
      compare(one.asset, "payouts in transit", one.out_transit.posted, sums.out_posted);
    }
  }

  void explain(NoticeState state, std::vector<RailComparison>& rails) const {
    for (NoticeId after;;) {
      const auto page = reader_.notices_in(state, after, kPage);
      if (!page) return;
      for (const Notice& notice : *page) {
        after = notice.id;
        for (RailComparison& rail : rails) rail.explain(notice);
      }
      if (page->size() < kPage) return;
    }
  }

  void read_suspense(const std::string& only, std::vector<Difference>& found) const {
    for (NoticeId after;;) {
      const auto page = reader_.notices_in(NoticeState::suspense, after, kPage);
      if (!page) return;
      for (const Notice& notice : *page) {
        after = notice.id;
        if (!only.empty() && only != notice.rail.view()) continue;
        Difference one;
        one.kind = DifferenceKind::suspense;
        one.rail = std::string(notice.rail.view());
        one.notice = notice.id;
        one.settlement = notice.settlement;
        one.reference = notice.external_id;
        one.asset = notice.asset;
        one.theirs = notice.amount;
        one.incoming = notice.direction == ledger::core::Direction::in;
        one.since = notice.received;
        one.detail = notice.source + ": " + notice.detail;
        found.push_back(std::move(one));
      }
      if (page->size() < kPage) return;
    }
  }

  static void sum_up(std::vector<Difference> found, Reconciliation& made) {
    std::map<std::pair<std::string, DifferenceKind>, std::uint64_t> counts;
    for (const Difference& one : found) {
      ++counts[{one.rail, one.kind}];
      if (one.since.us != 0 && (made.oldest.us == 0 || one.since < made.oldest)) made.oldest = one.since;
    }
    for (const auto& [key, count] : counts) made.counts.push_back({key.first, key.second, count});
    std::stable_sort(found.begin(), found.end(),
                     [](const Difference& a, const Difference& b) { return a.since < b.since; });
    made.differences_total = found.size();
    if (found.size() > ledger::api::kDifferencesShownMax) found.resize(ledger::api::kDifferencesShownMax);
    made.differences = std::move(found);
  }

  Dispatcher& dispatcher_;
  const ledger::api::LedgerReader& reader_;
  const base::Clock& clock_;
  const ReconcilerOptions options_;
  const Report report_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;                       // guarded by mutex_
  std::uint64_t started_ = 0;                   // guarded by mutex_
  std::optional<ReconcileRequest> asked_;       // guarded by mutex_
  std::shared_ptr<const Reconciliation> last_;  // guarded by mutex_
  std::uint64_t next_ns_;                       // of the thread
  std::thread thread_;                          // last: it uses everything above
};

Reconciler::Reconciler(Dispatcher& dispatcher, const ledger::api::LedgerReader& reader, const base::Clock& clock,
                       ReconcilerOptions options, Report report)
    : impl_(std::make_unique<Impl>(dispatcher, reader, clock, options, std::move(report))) {}
Reconciler::~Reconciler() { impl_->stop(); }
std::uint64_t Reconciler::request(ReconcileRequest request) { return impl_->request(std::move(request)); }
std::shared_ptr<const Reconciliation> Reconciler::last() const { return impl_->last(); }
void Reconciler::stop() { impl_->stop(); }

}  // namespace settlers
