// From a transfer to what became of a payout.

#include "settlers/card/form.h"
#include "settlers/card/settler_impl.h"

namespace settlers::card {

void CardImpl::read_transfer_again(const WorkPtr& work) {
  Call call;
  call.endpoint = "GET /v1/transfers/{id}";
  call.target = "/v1/transfers/" + percent_encoded(work->instruction.settlement.reference);
  call.api_version = work->request.api_version;
  api_->call(std::move(call), [self = shared_from_this(), work](const Reply& reply) {
    if (reply.said != Said::done) return self->unclear(work, reply);
    const base::Result<Transfer> transfer = read_transfer(reply.body);
    if (transfer) return self->on_transfer(work, *transfer);
    self->finish(work, unknown(transfer.error().message, work->request.created_s, self->now(), true));
  });
}

void CardImpl::on_transfers(const WorkPtr& work, const Reply& reply) {
  const base::Result<Page<Transfer>> page = read_transfers(reply.body);
  if (!page) return finish(work, unknown(page.error().message, work->request.created_s, now(), true));
  for (const Transfer& transfer : page->items) {
    if (transfer.marks.key == key_text(work->key())) return on_transfer(work, transfer);
  }
  if (page->has_more && !page->last_id.empty()) return list(work, page->last_id);
  absent(work);
}

void CardImpl::on_transfer(const WorkPtr& work, const Transfer& transfer) {
  if (const std::string wrong = mismatch(transfer, work->request, work->key(), options_.livemode); !wrong.empty())
    return finish(work, unknown(transfer.id + " is not the transfer that was asked for: " + wrong,
                                work->request.created_s, now(), true));
  finish(work, progress(transfer, work->request));
}

}  // namespace settlers::card
