// Tax, credit notes, refunds and payments.

#include "clients/cpp/internal.h"

namespace tabd {
namespace {

namespace wire = rpc::schema;
using detail::call;
using detail::command;
using detail::decode_found;
using detail::fits;
using Books = wire::Books;

}  // namespace

Result<rpc::PageOf<core::CreditNote>> BooksSession::credit_notes(const core::Address& payer, rpc::Page page) {
  auto request = state_->as<Books>().creditNotesRequest();
  if (!payer.is_zero()) request.setPayer(rpc::data(payer));
  rpc::encode(page, request.initPage());
  return call<rpc::PageOf<core::CreditNote>>(
      *state_->connection, kj::mv(request),
      [](Books::CreditNotesResults::Reader results, rpc::PageOf<core::CreditNote>& out) {
        const base::Status status = rpc::decode_status(results.getStatus());
        if (status != base::Status::ok) return status;
        out.next = results.getNext();
        return fits(rpc::decode_list(results.getNotes(), out.items));
      });
}

Result<std::vector<core::CreditNote>> BooksSession::credit_notes_on(core::StatementId statement) {
  auto request = state_->as<Books>().creditNotesOnRequest();
  request.setStatement(statement.value);
  return call<std::vector<core::CreditNote>>(
      *state_->connection, kj::mv(request),
      [](Books::CreditNotesOnResults::Reader results, std::vector<core::CreditNote>& out) {
        return fits(rpc::decode_list(results.getNotes(), out));
      });
}

Result<core::CreditNote> BooksSession::credit_note_by_id(core::CreditNoteId id) {
  auto request = state_->as<Books>().creditNoteByIdRequest();
  request.setId(id.value);
  return call<core::CreditNote>(*state_->connection, kj::mv(request),
                                [](Books::CreditNoteByIdResults::Reader results, core::CreditNote& out) {
                                  return decode_found(results, out, [](auto found) { return found.getNote(); });
                                });
}

Result<rpc::PageOf<core::Payment>> BooksSession::payments(const core::Address& payer, rpc::Page page) {
  auto request = state_->as<Books>().paymentsRequest();
  if (!payer.is_zero()) request.setPayer(rpc::data(payer));
  rpc::encode(page, request.initPage());
  return call<rpc::PageOf<core::Payment>>(*state_->connection, kj::mv(request),
                                          [](Books::PaymentsResults::Reader results, rpc::PageOf<core::Payment>& out) {
                                            const base::Status status = rpc::decode_status(results.getStatus());
                                            if (status != base::Status::ok) return status;
                                            out.next = results.getNext();
                                            return fits(rpc::decode_list(results.getPayments(), out.items));
                                          });
}

Result<core::ReleaseDefaults> BooksSession::release_defaults() {
  auto request = state_->as<Books>().releaseDefaultsRequest();
  return call<core::ReleaseDefaults>(*state_->connection, kj::mv(request),
                                     [](Books::ReleaseDefaultsResults::Reader results, core::ReleaseDefaults& out) {
                                       return fits(rpc::decode(results.getDefaults(), out));
                                     });
}

Result<rpc::PageOf<core::CreditNote>> PayerSession::credit_notes(rpc::Page page) {
  auto request = state_->as<wire::PayerSession>().creditNotesRequest();
  rpc::encode(page, request.initPage());
  return call<rpc::PageOf<core::CreditNote>>(
      *state_->connection, kj::mv(request),
      [](wire::PayerSession::CreditNotesResults::Reader results, rpc::PageOf<core::CreditNote>& out) {
        out.next = results.getNext();
        return fits(rpc::decode_list(results.getNotes(), out.items));
      });
}

Result<core::CreditNote> PayerSession::credit_note_by_id(core::CreditNoteId id) {
  auto request = state_->as<wire::PayerSession>().creditNoteByIdRequest();
  request.setId(id.value);
  return call<core::CreditNote>(*state_->connection, kj::mv(request),
                                [](wire::PayerSession::CreditNoteByIdResults::Reader results, core::CreditNote& out) {
                                  return decode_found(results, out, [](auto found) { return found.getNote(); });
                                });
}

Result<CommandReceipt> OperatorSession::set_tax(const core::SetTax& tax) {
  auto request = state_->as<wire::OperatorSession>().setTaxRequest();
  request.setPayer(rpc::data(tax.payer));
  rpc::encode(tax.tax, request.initTax());
  return command(*state_->connection, kj::mv(request));
}

Result<CommandReceipt> OperatorSession::refund(const core::RefundPayer& refund) {
  auto request = state_->as<wire::OperatorSession>().refundRequest();
  request.setPayer(rpc::data(refund.payer));
  request.setAsset(refund.asset.value);
  request.setStatement(refund.statement.value);
  TABD_SET_AMOUNT(request, Amount, refund.amount);
  request.setReason(rpc::text(refund.reason));
  request.setReference(rpc::text(refund.reference));
  return command(*state_->connection, kj::mv(request));
}

Result<CommandReceipt> OperatorSession::record_payment(const core::RecordPayment& payment) {
  auto request = state_->as<wire::OperatorSession>().recordPaymentRequest();
  request.setPayer(rpc::data(payment.payer));
  request.setAsset(payment.asset.value);
  request.setStatement(payment.statement.value);
  TABD_SET_AMOUNT(request, Amount, payment.amount);
  request.setReference(rpc::text(payment.reference));
  request.setReceivedUs(payment.received.us);
  return command(*state_->connection, kj::mv(request));
}

}  // namespace tabd
