// Credit notes, payments that came by themselves, and the terms of payees, for operators and auditors.

#include "base/limits.h"
#include "rpc/capnp/sessions.h"

namespace rpc {

using base::Status;

core::Address optional_address(capnp::Data::Reader in, const char* what) {
  return in.size() == 0 ? core::Address{} : address_param(in, what);
}

Reply<core::PayerId> payer_id(const Reader& books, const core::Address& address) {
  Reply<core::PayerId> reply;
  if (address.is_zero()) return reply;
  const auto payer = books.payer(address);
  if (!payer) return Reply<core::PayerId>::of(tl::unexpected(payer.error()), Status::payer_unknown);
  reply.value = payer->id;
  return reply;
}

kj::Promise<void> BooksImpl::creditNotes(CreditNotesContext call) {
  using Notes = PageOf<core::CreditNote>;
  const core::Address payer = optional_address(call.getParams().getPayer(), "creditNotes: payer");
  const Page page = decode(call.getParams().getPage());
  return read<Notes>([&books = reader(), payer, page] {
           return with_payer<Notes>(books, payer, [&](core::PayerId id) { return read_credit_notes(books, id, page); });
         })
      .then([call](Reply<Notes> reply) mutable {
        check(reply);
        auto results = call.getResults();
        results.setStatus(number(reply.status));
        results.setNext(reply.value.next);
        encode_list(reply.value.items, results.initNotes(list_size(reply.value.items.size())));
      });
}

kj::Promise<void> BooksImpl::creditNotesOn(CreditNotesOnContext call) {
  using Notes = std::vector<core::CreditNote>;
  const core::StatementId statement(call.getParams().getStatement());
  return read<Notes>([&books = reader(), statement] {
           return Reply<Notes>::of(books.credit_notes_on(statement, base::limits::kPageItemsMax));
         })
      .then([call](Reply<Notes> reply) mutable {
        check(reply);
        encode_list(reply.value, call.getResults().initNotes(list_size(reply.value.size())));
      });
}

kj::Promise<void> BooksImpl::creditNoteById(CreditNoteByIdContext call) {
  const core::CreditNoteId wanted(call.getParams().getId());
  return read<core::CreditNote>(
             [&books = reader(), wanted] { return Reply<core::CreditNote>::of(books.credit_note(wanted)); })
      .then([call](Reply<core::CreditNote> reply) mutable {
        check(reply);
        call.getResults().setStatus(number(reply.status));
        if (reply.status == Status::ok) encode(reply.value, call.getResults().initNote());
      });
}

kj::Promise<void> BooksImpl::payments(PaymentsContext call) {
  using Payments = PageOf<core::Payment>;
  const core::Address payer = optional_address(call.getParams().getPayer(), "payments: payer");
  const Page page = decode(call.getParams().getPage());
  return read<Payments>([&books = reader(), payer, page] {
           return with_payer<Payments>(books, payer, [&](core::PayerId id) { return read_payments(books, id, page); });
         })
      .then([call](Reply<Payments> reply) mutable {
        check(reply);
        auto results = call.getResults();
        results.setStatus(number(reply.status));
        results.setNext(reply.value.next);
        encode_list(reply.value.items, results.initPayments(list_size(reply.value.items.size())));
      });
}

kj::Promise<void> BooksImpl::releaseDefaults(ReleaseDefaultsContext call) {
  return read<core::ReleaseDefaults>(
             [&books = reader()] { return Reply<core::ReleaseDefaults>::of(books.release_defaults()); })
      .then([call](Reply<core::ReleaseDefaults> reply) mutable {
        check(reply);
        encode(reply.value, call.getResults().initDefaults());
      });
}

}  // namespace rpc
