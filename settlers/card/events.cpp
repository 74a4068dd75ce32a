// What the provider says on its own. Webhooks come at least once, in any order, and some never; so the provider's list
// of events is read beside them. An event only says that a payment is to be looked at: money moves by what the look
// finds.

#include <algorithm>
#include <boost/asio/post.hpp>
#include <chrono>

#include "base/limits.h"
#include "crypto/sha256.h"
#include "settlers/card/form.h"
#include "settlers/card/settler_impl.h"
#include "settlers/card/signature.h"

namespace settlers::card {

namespace {

// Events become visible a little late and out of order: each look begins before the end of the one before it.
constexpr std::uint64_t kOverlapSeconds = 600;
// A hundred events to a page: one look reads at most so many, and the next one goes on from there.
constexpr std::uint32_t kPagesMax = 1'000;
constexpr std::size_t kSeenMax = 20'000;
// Refused webhooks that go into the ledger in an hour; anybody can send such, and a ledger keeps what it has. Of one
// whose signature does not fit, enough to see what it is.
constexpr std::uint32_t kRefusalsKeptMax = 10;
constexpr std::uint64_t kRefusalWindowNs = 3'600ULL * 1'000'000'000;
constexpr std::size_t kForgedBytesKept = 256;

// What may concern a payment. Others are not asked for, and are answered when they come all the same.
constexpr std::string_view kTypes[] = {
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.processing",
    "payment_intent.canceled",
    "payment_intent.requires_action",
    "charge.updated",
    "charge.refunded",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
    "transfer.created",
    "transfer.reversed",
};

base::ByteView view(std::string_view text) { return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}; }

// A text of a few letters, digits and marks: what is not is left out.
std::string word(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c > ' ' && c <= '~' && c != '"' && c != '\\') result += c;
  }
  return result;
}

// What is kept of an event: enough for a person; the payment itself is read again.
base::Bytes body_of(const Event& event) {
  std::string body = "{\"type\":\"" + word(event.type) + "\",\"object\":\"" + word(event.object_id) +
                     "\",\"status\":\"" + word(event.status) + "\",\"payment_intent\":\"" + word(event.payment_intent) +
                     "\",\"api_version\":\"" + word(event.api_version) +
                     "\",\"created\":" + std::to_string(event.created_s) + "}";
  if (body.size() > base::limits::kNoticeBodyBytesMax) body.resize(base::limits::kNoticeBodyBytesMax);
  return {body.begin(), body.end()};
}

// A dispute is money that goes back: one that comes after final is for the operator.
Notice notice_of(const Event& event, const std::string& source, const Marks& marks) {
  Notice notice;
  notice.rail = *base::RailName::parse("card");
  notice.key = crypto::sha256({view("tabd card event 1 "), view(event.id)});
  notice.source = source;
  notice.external_id = event.id;
  notice.settlement = SettlementId(marks.settlement);
  notice.detail = word(event.type) + " " + word(event.object_id);
  notice.body = body_of(event);
  const bool undone = event.type == "charge.dispute.funds_reinstated" || event.status == "won";
  if (event.type.starts_with("charge.dispute.") && !undone) notice.kind = ledger::core::NoticeKind::returned;
  return notice;
}

}  // namespace

void CardImpl::receive(std::string signature, std::string body, Done<WebhookAnswer> done) {
  boost::asio::post(io_, [self = shared_from_this(), signature = std::move(signature), body = std::move(body),
                          done = std::move(done)]() mutable {
    if (!self->stopped_) self->take(signature, std::move(body), std::move(done));
  });
}

void CardImpl::take(const std::string& signature, std::string body, Done<WebhookAnswer> done) {
  const SignatureCheck check = check_signature(signature, view(body), options_.webhook_secrets, now());
  if (!check.ok) return refuse(signature, body, check.problem, false, done);
  base::Result<Event> event = read_event(body);
  if (!event) return refuse(signature, body, event.error().message, true, done);
  if (event->livemode != options_.livemode)
    return refuse(signature, body,
                  std::string("the event is of the ") + (event->livemode ? "live" : "test") +
                      " mode, and this daemon is for the other one: give it an endpoint of its own",
                  true, done);
  const auto answered = [done](const base::Result<void>& recorded) {
    if (!recorded) return done({503, recorded.error().message});
    done({});
  };
  if (seen_.count(event->id) != 0) return answered({});
  const std::string id = event->id;
  place(std::move(*event), "webhook",
        [self = shared_from_this(), answered, id](base::Result<std::optional<Notice>> notice) {
          if (!notice) return answered(tl::unexpected<base::Error>(notice.error()));
          if (!*notice) return answered({});
          self->record({std::move(**notice)}, answered);
        });
}

// Whether one more refusal goes into the ledger. Those that do not are counted.
bool CardImpl::keeps_refusal() {
  const std::uint64_t now_ns = clock_.monotonic_ns();
  if (refusals_kept_ == 0 || now_ns - refusals_since_ns_ >= kRefusalWindowNs) {
    refusals_since_ns_ = now_ns;
    refusals_kept_ = 0;
  }
  if (inbox_ != nullptr && refusals_kept_ < kRefusalsKeptMax) {
    ++refusals_kept_;
    return true;
  }
  ++refusals_unkept_;
  const std::lock_guard<std::mutex> lock(shown_mutex_);
  ++events_unkept_;
  return false;
}

// Kept for the operator, a few: whoever does not know the secret must not fill the ledger.
void CardImpl::refuse(const std::string& signature, const std::string& body, std::string problem, bool is_signed,
                      const Done<WebhookAnswer>& done) {
  {
    const std::lock_guard<std::mutex> lock(shown_mutex_);
    ++events_refused_;
  }
  WebhookAnswer answer{400, problem};
  if (!keeps_refusal()) return done(std::move(answer));
  Notice notice;
  notice.rail = *base::RailName::parse("card");
  notice.key = crypto::sha256({view("tabd card refused 1 "), view(signature), view(body)});
  notice.source = "webhook";
  notice.recorded_as = NoticeState::refused;
  notice.detail = std::move(problem);
  if (refusals_unkept_ > 0)
    notice.detail += "; " + std::to_string(refusals_unkept_) + " more were refused before it and not kept";
  refusals_unkept_ = 0;
  const std::size_t bytes = std::min(body.size(), is_signed ? base::limits::kNoticeBodyBytesMax : kForgedBytesKept);
  notice.body.assign(body.begin(), body.begin() + static_cast<std::ptrdiff_t>(bytes));
  inbox_->record({std::move(notice)}, [done, answer](const auto&) { done(answer); });
}

// Which settlement an event is about. None: it is about nothing of this ledger. An Error: that could not be found out.
void CardImpl::place(Event event, std::string source, std::function<void(base::Result<std::optional<Notice>>)> done) {
  const auto placed = [this, done](const Event& what, const std::string& from, const Marks& marks) {
    if (marks.ledger != options_.ledger || marks.settlement == 0) return done(std::optional<Notice>());
    done(std::optional<Notice>(notice_of(what, from, marks)));
  };
  // Disputes and refunds do not carry our marks; their payment does.
  if (!event.marks.ledger.empty() || event.payment_intent.empty() || event.object_kind == "payment_intent")
    return placed(event, source, event.marks);
  Call call;
  call.endpoint = "GET /v1/payment_intents/{id}";
  call.target = "/v1/payment_intents/" + percent_encoded(event.payment_intent);
  api_->call(std::move(call), [self = shared_from_this(), event = std::move(event), source = std::move(source), done,
                               placed](const Reply& reply) {
    if (reply.said == Said::refused) return placed(event, source, {});
    if (reply.said != Said::done) return done(base::error(base::ErrorCode::unavailable, reply.problem));
    const base::Result<Intent> intent = read_intent(reply.body);
    if (!intent) return done(base::error(base::ErrorCode::unavailable, intent.error().message));
    placed(event, source, intent->marks);
  });
}

void CardImpl::record(std::vector<Notice> notices, Recorded done) {
  if (inbox_ == nullptr) return done({});
  std::vector<std::string> ids;
  for (const Notice& notice : notices) ids.push_back(notice.external_id);
  inbox_->record(std::move(notices), [self = shared_from_this(), ids = std::move(ids),
                                      done = std::move(done)](const base::Result<std::vector<NoticeAnswer>>& answers) {
    if (!answers) return done(tl::unexpected<base::Error>(answers.error()));
    for (const NoticeAnswer& answer : *answers) {
      // Anything else the ledger will say again: a settlement that it does not have, for example.
      if (answer.status == base::Status::overloaded)
        return done(base::error(base::ErrorCode::unavailable, "the inbox is full: " + answer.detail));
    }
    // On a thread of the ledger's.
    boost::asio::post(self->io_, [self, ids] {
      if (self->seen_.size() > kSeenMax) self->seen_.clear();
      self->seen_.insert(ids.begin(), ids.end());
    });
    {
      const std::lock_guard<std::mutex> lock(self->shown_mutex_);
      self->events_ += ids.size();
    }
    done({});
  });
}

void CardImpl::poll_later() {
  if (inbox_ == nullptr || options_.events_poll_ms == 0 || stopped_) return;
  poll_timer_.expires_after(std::chrono::milliseconds(options_.events_poll_ms));
  poll_timer_.async_wait([self = shared_from_this()](const boost::system::error_code& cancelled) {
    if (cancelled || self->stopped_) return;
    if (!self->verified_) return self->poll_later();
    if (self->poll_rest_.empty()) self->poll_newest_s_ = 0;
    self->poll(self->poll_rest_, 0);
  });
}

// Newest first, back to where the look before ended. One that had to stop in between goes on where it stopped.
void CardImpl::poll(const std::string& after, std::uint32_t pages) {
  const std::uint64_t until_s = polled_until_s_ != 0 ? polled_until_s_ : now().seconds();
  const std::uint64_t back_s = polled_until_s_ != 0 ? kOverlapSeconds : options_.events_lookback_s;
  Call call;
  call.endpoint = "GET /v1/events";
  call.target = "/v1/events?limit=100&created[gte]=" + std::to_string(until_s > back_s ? until_s - back_s : 0);
  for (const std::string_view type : kTypes) call.target += "&types[]=" + std::string(type);
  if (!after.empty()) call.target += "&starting_after=" + percent_encoded(after);
  api_->call(std::move(call),
             [self = shared_from_this(), after, pages](const Reply& reply) { self->on_events(reply, after, pages); });
}

void CardImpl::poll_failed(std::string problem) {
  {
    const std::lock_guard<std::mutex> lock(shown_mutex_);
    events_problem_ = std::move(problem);
  }
  poll_later();
}

void CardImpl::on_events(const Reply& reply, const std::string& after, std::uint32_t pages) {
  // An event to go on from that the provider no longer has: from the newest again.
  if (reply.said == Said::refused) poll_rest_.clear();
  if (reply.said != Said::done) return poll_failed(reply.problem);
  base::Result<Page<Event>> page = read_events(reply.body);
  if (!page) return poll_failed(page.error().message);
  if (page->has_more && (page->last_id.empty() || page->last_id == after)) {
    poll_rest_.clear();
    return poll_failed("the provider's list of events does not go on after \"" + printable(after) + "\"");
  }
  auto fresh = std::make_shared<std::vector<Event>>();
  for (Event& event : page->items) {
    // A date in the future must not hide what comes until then.
    poll_newest_s_ = std::max(poll_newest_s_, std::min(event.created_s, now().seconds()));
    if (seen_.count(event.id) == 0) fresh->push_back(std::move(event));
  }
  record_page(fresh, 0, std::make_shared<std::vector<Notice>>(),
              [self = shared_from_this(), more = page->has_more, last = page->last_id, pages] {
                if (more && pages + 1 < kPagesMax) return self->poll(last, pages + 1);
                self->poll_rest_ = more ? last : std::string();
                if (more) return self->poll_later();
                // Only when everything since is recorded; after a failure the next look begins where this one did.
                self->polled_until_s_ =
                    std::max({self->polled_until_s_, self->poll_newest_s_,
                              self->polled_until_s_ == 0 ? self->now().seconds() : std::uint64_t{0}});
                {
                  const std::lock_guard<std::mutex> lock(self->shown_mutex_);
                  self->events_problem_.clear();
                }
                self->poll_later();
              });
}

// One event after another, because some need a question; then all in one command.
void CardImpl::record_page(std::shared_ptr<std::vector<Event>> events, std::size_t next,
                           std::shared_ptr<std::vector<Notice>> notices, std::function<void()> done) {
  if (stopped_) return;
  if (next < events->size()) {
    const Event event = (*events)[next];
    return place(event, "events", [=, self = shared_from_this()](base::Result<std::optional<Notice>> notice) {
      if (!notice) return self->poll_failed(notice.error().message);
      if (*notice)
        notices->push_back(std::move(**notice));
      else
        self->seen_.insert(event.id);  // of no concern, and not to be looked up again
      self->record_page(events, next + 1, notices, done);
    });
  }
  if (notices->empty()) return done();
  record(std::move(*notices), [self = shared_from_this(), done](const base::Result<void>& recorded) {
    boost::asio::post(self->io_, [self, done, problem = recorded ? std::string() : recorded.error().message] {
      if (self->stopped_) return;
      if (!problem.empty()) return self->poll_failed(problem);
      done();
    });
  });
}

}  // namespace settlers::card
