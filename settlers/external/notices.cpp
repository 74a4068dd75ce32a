// What the rail says on its own: whose it is, how much of it, and then the ledger.

#include <algorithm>

#include "settlers/external/stand_in.h"

namespace settlers::external {

namespace {

using base::error;
using base::ErrorCode;

constexpr std::size_t kCountPage = 256;

}  // namespace

// Empty, or why the settlement is not this rail's to speak of. A settlement that went on to the next rail of its plan
// may still be spoken of: money that comes late is exactly what has to be heard.
std::string Rails::StandIn::not_of_this_rail(const Notice& notice) const {
  if (!notice.settlement.valid()) return {};
  const std::string what = "settlement " + std::to_string(notice.settlement.value);
  const base::Result<Settlement> settlement = parts_->reader.settlement(notice.settlement);
  if (!settlement) return what + " is none of this rail's";
  if (settlement->rail == name_) return {};
  if (settlement->statement.valid()) {
    const base::Result<ledger::core::Statement> statement = parts_->reader.statement(settlement->statement);
    if (statement) {
      const base::Result<ledger::core::Plan> plan = parts_->reader.plan(statement->plan);
      if (plan && std::find(plan->rails.begin(), plan->rails.end(), name_) != plan->rails.end()) return {};
    }
  }
  return what + " is none of this rail's";
}

void Rails::StandIn::record(const std::shared_ptr<Peer>& peer, std::vector<Notice> notices,
                            Done<base::Result<Answers>> done) {
  if (stopped_ || peer_ != peer) return done(error(ErrorCode::permission, "this settler is not registered"));
  if (notices.empty() || notices.size() > base::limits::kRailNoticesPerCallMax)
    return done(error(ErrorCode::invalid_argument, std::to_string(notices.size()) +
                                                       " notices in one call; allowed: 1 to " +
                                                       std::to_string(base::limits::kRailNoticesPerCallMax)));
  if (notice_calls_ >= base::limits::kRailNoticeCallsMax)
    return done(error(ErrorCode::unavailable, "earlier notices wait for the ledger: await their answers first"));
  const std::uint64_t now_ns = parts_->clock.monotonic_ns();
  if (quota_.is_full(notices.size())) {
    recount();
    return done(error(ErrorCode::unavailable, "more than " + std::to_string(quota_.open_max()) +
                                                  " notices of this rail are open: the operator resolves them first "
                                                  "(tabctl inbox)"));
  }
  if (const std::uint64_t wait_ms = quota_.take(now_ns, notices.size()); wait_ms != 0)
    return done(error(ErrorCode::unavailable, "more than " + std::to_string(options_.notices_per_s) +
                                                  " notices a second: try again in " + std::to_string(wait_ms) +
                                                  " ms"));
  auto answers = std::make_shared<Answers>(notices.size());
  std::vector<Notice> kept;
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < notices.size(); ++i) {
    Notice& notice = notices[i];
    notice.rail = name_;
    NoticeAnswer& answer = (*answers)[i];
    answer.detail = flaw_of(notice);
    if (answer.detail.empty()) answer.detail = not_of_this_rail(notice);
    if (!answer.detail.empty()) continue;  // value_invalid
    kept.push_back(std::move(notice));
    places.push_back(i);
  }
  if (kept.empty()) return done(std::move(*answers));
  ++notice_calls_;
  parts_->inbox.record(std::move(kept), [self = shared_from_this(), answers, places,
                                         done = std::move(done)](base::Result<Answers> recorded) {
    boost::asio::post(self->parts_->io, [self, answers, places, done, recorded = std::move(recorded)]() mutable {
      --self->notice_calls_;
      if (!recorded) return done(tl::unexpected<base::Error>(std::move(recorded).error()));
      std::size_t fresh = 0;
      for (std::size_t i = 0; i < places.size() && i < recorded->size(); ++i) {
        if ((*recorded)[i].status == base::Status::ok) ++fresh;
        (*answers)[places[i]] = std::move((*recorded)[i]);
      }
      self->quota_.add(fresh);
      done(std::move(*answers));
    });
  });
}

// Counts what is really open, a page at a time, so that nothing else waits for it.
void Rails::StandIn::recount() {
  if (quota_.begin_recount(parts_->clock.monotonic_ns())) count_page(NoticeState::waiting, {}, 0);
}

void Rails::StandIn::count_page(NoticeState state, NoticeId after, std::size_t open) {
  const base::Result<std::vector<Notice>> page = parts_->reader.notices_in(state, after, kCountPage);
  if (!page || stopped_) return;
  for (const Notice& notice : *page) {
    after = notice.id;
    if (notice.rail == name_) ++open;
  }
  const bool ended = page->size() < kCountPage;
  if (open > quota_.open_max() || (ended && state == NoticeState::suspense)) return quota_.set_open(open);
  if (ended) {
    state = NoticeState::suspense;
    after = {};
  }
  boost::asio::post(parts_->io,
                    [self = shared_from_this(), state, after, open] { self->count_page(state, after, open); });
}

}  // namespace settlers::external
