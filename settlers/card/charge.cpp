// From a payment intent to what became of a collection.

#include <boost/asio/post.hpp>

#include "base/limits.h"
#include "crypto/sha256.h"
#include "settlers/card/form.h"
#include "settlers/card/settler_impl.h"

namespace settlers::card {

namespace {

using ledger::core::Direction;
using ledger::core::NoticeKind;

// A charge with more disputes than that is not one of ours.
constexpr std::size_t kDisputesMax = 1'000;
constexpr std::size_t kToldMax = 20'000;

base::ByteView view(std::string_view text) { return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}; }

}  // namespace

void CardImpl::read_charge(const WorkPtr& work) {
  Call call;
  call.endpoint = "GET /v1/payment_intents/{id}";
  call.target = "/v1/payment_intents/" + percent_encoded(work->instruction.settlement.reference) +
                "?expand[]=latest_charge.balance_transaction";
  call.api_version = work->request.api_version;
  api_->call(std::move(call), [self = shared_from_this(), work](const Reply& reply) {
    if (reply.said != Said::done) return self->unclear(work, reply);
    const base::Result<Intent> intent = read_intent(reply.body);
    if (intent) return self->on_intent(work, *intent);
    self->finish(work, unknown(intent.error().message, work->request.created_s, self->now(), true));
  });
}

void CardImpl::on_charges(const WorkPtr& work, const Reply& reply) {
  const base::Result<Page<Intent>> page = read_intents(reply.body);
  if (!page) return finish(work, unknown(page.error().message, work->request.created_s, now(), true));
  for (const Intent& intent : page->items) {
    if (intent.marks.key == key_text(work->key())) return on_intent(work, intent);
  }
  if (page->has_more && !page->last_id.empty()) return list(work, page->last_id);
  absent(work);
}

void CardImpl::on_intent(const WorkPtr& work, const Intent& intent) {
  if (const std::string wrong = mismatch(intent, work->request, work->key(), options_.livemode); !wrong.empty())
    return finish(work, unknown(intent.id + " is not the payment that was asked for: " + wrong, work->request.created_s,
                                now(), true));
  if (work->decline.empty()) work->decline = intent.last_error;
  if (work->decline.empty() && intent.status_text == "requires_action") work->decline.code = "authentication_required";
  switch (intent.status) {
    case IntentStatus::processing:
      return finish(work, progress(intent, work->request, {}, options_, work->instruction, now()));
    case IntentStatus::succeeded:
      if (intent.charge && intent.charge->amount_refunded > 0 && !work->refunds_read)
        return look_at_refunds(work, intent, {});
      if (intent.charge && intent.charge->disputed) return look_at_disputes(work, intent, {});
      return finish(work, progress(intent, work->request, {}, options_, work->instruction, now()));
    case IntentStatus::canceled: return finish(work, declined(work->decline, intent.id));
    case IntentStatus::open: return cancel(work, intent);
  }
}

// The intent waits for something that will not come: another card, or the payer's authentication. It could still be
// paid, so it is closed before anybody asks the payer again, here or on another rail.
void CardImpl::cancel(const WorkPtr& work, const Intent& intent) {
  if (work->cancelled || !sending_) {
    Outcome outcome =
        unknown(intent.id + " is " + intent.status_text + " and not closed yet", work->request.created_s, now(), false);
    outcome.reference = intent.id;
    return finish(work, std::move(outcome));
  }
  work->cancelled = true;
  Call call;
  call.endpoint = "POST /v1/payment_intents/{id}/cancel";
  call.method = http::Method::post;
  call.target = "/v1/payment_intents/" + percent_encoded(intent.id) + "/cancel";
  call.form =
      Form().add("cancellation_reason", "abandoned").add("expand[]", "latest_charge.balance_transaction").text();
  // Cancelling twice does no harm, so the provider need not remember what it once answered.
  call.idempotency_key = key_text(work->key()) + "-cancel-" + std::to_string(now().us);
  call.api_version = work->request.api_version;
  api_->call(std::move(call), [self = shared_from_this(), work, id = intent.id](const Reply& reply) {
    base::Result<Intent> closed = base::error(base::ErrorCode::io, reply.problem);
    if (reply.said == Said::done) closed = read_intent(reply.body);
    if (closed) return self->on_intent(work, *closed);
    // It may have been paid in the meantime, or be closed: the next look tells.
    Outcome outcome = unknown(id + " could not be closed: " + closed.error().message, work->request.created_s,
                              self->now(), reply.fault);
    outcome.reference = id;
    self->finish(work, std::move(outcome));
  });
}

void CardImpl::look_at_disputes(const WorkPtr& work, const Intent& intent, const std::string& after) {
  if (work->disputes.size() >= kDisputesMax)
    return finish(work, unknown("there are too many disputes of " + intent.id + " to look through",
                                work->request.created_s, now(), false));
  Call call;
  call.endpoint = "GET /v1/disputes";
  call.target = "/v1/disputes?payment_intent=" + percent_encoded(intent.id) + "&limit=100";
  if (!after.empty()) call.target += "&starting_after=" + percent_encoded(after);
  call.api_version = work->request.api_version;
  api_->call(std::move(call), [self = shared_from_this(), work, intent](const Reply& reply) {
    if (reply.said != Said::done) return self->unclear(work, reply);
    base::Result<Page<Dispute>> page = read_disputes(reply.body);
    if (!page) return self->finish(work, unknown(page.error().message, work->request.created_s, self->now(), true));
    for (Dispute& one : page->items) work->disputes.push_back(std::move(one));
    if (page->has_more && !page->last_id.empty()) return self->look_at_disputes(work, intent, page->last_id);
    self->tell_lost_parts(
        work, progress(intent, work->request, work->disputes, self->options_, work->instruction, self->now()));
  });
}

// A dispute of a part of the charge that is lost: the collection stands, and money has left the provider's balance. It
// goes to suspense, where the operator says what becomes of it; the notice names no settlement, because this one is not
// undone. Before the outcome is told: a settlement that is final is not looked at again.
void CardImpl::tell_lost_parts(const WorkPtr& work, Outcome outcome) {
  std::vector<Notice> notices;
  const bool stands = outcome.state == SettlementState::confirmed || outcome.state == SettlementState::settled ||
                      outcome.state == SettlementState::final;
  for (const Dispute& one : work->disputes) {
    if (notices.size() == base::limits::kNoticesPerCommandMax) break;
    if (!stands || inbox_ == nullptr || one.status != DisputeStatus::lost || told_lost_.count(one.id) != 0) continue;
    const Settlement& settlement = work->instruction.settlement;
    Notice notice;
    notice.rail = *base::RailName::parse("card");
    notice.kind = NoticeKind::returned;
    notice.key = crypto::sha256({view("tabd card lost dispute 1 "), view(one.id)});
    notice.source = "dispute";
    notice.external_id = one.id;
    notice.asset = settlement.asset;
    notice.amount = lost_part(one, work->request, settlement.amount);
    notice.direction = Direction::out;
    notice.detail = "a part of the collection " + std::to_string(settlement.id.value) + " (" + outcome.reference +
                    ") was lost in a dispute (" + one.reason + ")";
    if (!notice.amount.is_zero()) notices.push_back(std::move(notice));
  }
  if (notices.empty()) return finish(work, std::move(outcome));
  std::vector<std::string> ids;
  for (const Notice& one : notices) ids.push_back(one.external_id);
  inbox_->record(
      std::move(notices), [self = shared_from_this(), work, ids = std::move(ids),
                           outcome = std::move(outcome)](const base::Result<std::vector<NoticeAnswer>>& answers) {
        std::string problem = answers ? std::string() : answers.error().message;
        for (std::size_t i = 0; answers && i < answers->size(); ++i) {
          const NoticeAnswer& one = (*answers)[i];
          if (one.status != base::Status::ok && one.status != base::Status::already_accepted) problem = one.detail;
        }
        // On a thread of the ledger's.
        boost::asio::post(self->io_, [self, work, ids, outcome, problem] {
          if (self->stopped_) return;
          if (!problem.empty())
            return self->finish(work, unknown("what a dispute took cannot be put into the ledger: " + problem,
                                              work->request.created_s, self->now(), false));
          if (self->told_lost_.size() > kToldMax) self->told_lost_.clear();
          self->told_lost_.insert(ids.begin(), ids.end());
          self->tell_lost_parts(work, outcome);
        });
      });
}

}  // namespace settlers::card
