// From a payment intent to what became of a collection.

#include "settlers/card/form.h"
#include "settlers/card/settler_impl.h"

namespace settlers::card {

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
      if (intent.charge && intent.charge->disputed) return look_at_disputes(work, intent);
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

void CardImpl::look_at_disputes(const WorkPtr& work, const Intent& intent) {
  Call call;
  call.endpoint = "GET /v1/disputes";
  call.target = "/v1/disputes?payment_intent=" + percent_encoded(intent.id) + "&limit=100";
  call.api_version = work->request.api_version;
  api_->call(std::move(call), [self = shared_from_this(), work, intent](const Reply& reply) {
    if (reply.said != Said::done) return self->unclear(work, reply);
    const base::Result<Page<Dispute>> disputes = read_disputes(reply.body);
    if (!disputes)
      return self->finish(work, unknown(disputes.error().message, work->request.created_s, self->now(), true));
    self->finish(work,
                 progress(intent, work->request, disputes->items, self->options_, work->instruction, self->now()));
  });
}

}  // namespace settlers::card
