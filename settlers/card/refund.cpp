// From a refund to what became of it; and which refunds of a charge were made elsewhere.

#include "settlers/card/form.h"
#include "settlers/card/settler_impl.h"

namespace settlers::card {

namespace {

// A hundred to a page: a charge with more refunds than that is not one of ours.
constexpr std::uint32_t kRefundPagesMax = 10;

}  // namespace

// The provider refunds in the currency of the payment, whatever we mean. So it is looked at before anything is sent;
// the amount follows from what the collection's request had, currency and rate.
void CardImpl::check_origin(const StoredRequest& request, std::function<void(base::Result<void>)> done) {
  Call call;
  call.endpoint = "GET /v1/payment_intents/{id}";
  call.target = "/v1/payment_intents/" + percent_encoded(request.party);
  api_->call(std::move(call), [this, self = shared_from_this(), request, done = std::move(done)](const Reply& reply) {
    const auto refuse = [&](const std::string& why) {
      done(base::error(base::ErrorCode::invalid_argument, request.party + ": " + why));
    };
    if (reply.said == Said::refused) return refuse(reply.problem);
    if (reply.said != Said::done)
      return done(base::error(base::ErrorCode::unavailable, request.party + " cannot be looked at: " + reply.problem));
    const base::Result<Intent> intent = read_intent(reply.body);
    if (!intent) return done(base::error(base::ErrorCode::unavailable, intent.error().message));
    if (intent->marks.ledger != options_.ledger) return refuse("it is no payment of this ledger");
    if (intent->livemode != options_.livemode) return refuse("it is of the provider's other mode");
    if (intent->currency != request.currency)
      return refuse("it was paid in " + intent->currency + ", and was asked for in " + request.currency +
                    "; refund it on the provider's dashboard");
    if (request.units > intent->amount_received)
      return refuse("no more than what was paid can be refunded; refund it on the provider's dashboard");
    done({});
  });
}

void CardImpl::read_refund_again(const WorkPtr& work) {
  Call call;
  call.endpoint = "GET /v1/refunds/{id}";
  call.target = "/v1/refunds/" + percent_encoded(work->instruction.settlement.reference);
  call.api_version = work->request.api_version;
  api_->call(std::move(call), [self = shared_from_this(), work](const Reply& reply) {
    if (reply.said != Said::done) return self->unclear(work, reply);
    const base::Result<Refund> refund = read_refund(reply.body);
    if (refund) return self->on_refund(work, *refund);
    self->finish(work, unknown(refund.error().message, work->request.created_s, self->now(), true));
  });
}

void CardImpl::on_refunds(const WorkPtr& work, const Reply& reply) {
  const base::Result<Page<Refund>> page = read_refunds(reply.body);
  if (!page) return finish(work, unknown(page.error().message, work->request.created_s, now(), true));
  for (const Refund& refund : page->items) {
    if (refund.marks.key == key_text(work->key())) return on_refund(work, refund);
  }
  if (page->has_more && !page->last_id.empty()) return list(work, page->last_id);
  absent(work);
}

void CardImpl::on_refund(const WorkPtr& work, const Refund& refund) {
  if (const std::string wrong = mismatch(refund, work->request, work->key()); !wrong.empty())
    return finish(work, unknown(refund.id + " is not the refund that was asked for: " + wrong, work->request.created_s,
                                now(), true));
  finish(work, progress(refund, options_, work->instruction, work->request, now()));
}

// A charge says how much of it was refunded, and not by whom. What this ledger refunded is in its books already; only
// the rest tells something about the collection.
void CardImpl::look_at_refunds(const WorkPtr& work, const Intent& intent, const std::string& after) {
  if (work->pages++ >= kRefundPagesMax)
    return finish(work, unknown("there are too many refunds of " + intent.id + " to look through",
                                work->request.created_s, now(), false));
  Call call;
  call.endpoint = "GET /v1/refunds";
  call.target = "/v1/refunds?payment_intent=" + percent_encoded(intent.id) + "&limit=100";
  if (!after.empty()) call.target += "&starting_after=" + percent_encoded(after);
  call.api_version = work->request.api_version;
  api_->call(std::move(call), [self = shared_from_this(), work, intent](const Reply& reply) {
    if (reply.said != Said::done) return self->unclear(work, reply);
    const base::Result<Page<Refund>> page = read_refunds(reply.body);
    if (!page) return self->finish(work, unknown(page.error().message, work->request.created_s, self->now(), true));
    for (const Refund& refund : page->items) {
      const bool ours = refund.marks.ledger == self->options_.ledger && refund.marks.settlement != 0;
      if (!ours && refund.status != RefundStatus::failed) work->refunded_elsewhere += refund.amount;
    }
    if (page->has_more && !page->last_id.empty()) return self->look_at_refunds(work, intent, page->last_id);
    work->refunds_read = true;
    Intent told = intent;
    told.charge->amount_refunded = work->refunded_elsewhere;
    told.charge->refunded = work->refunded_elsewhere >= intent.amount;
    self->on_intent(work, told);
  });
}

}  // namespace settlers::card
