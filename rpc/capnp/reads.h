#pragma once

// What the sessions read, as plain functions over the ledger: they run on the worker thread.

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "base/status.h"
#include "ledger/api/reader.h"
#include "rpc/capnp/views.h"

namespace rpc {

// A read's answer: a value, or a refusal (status), or a failure of the environment.
template <typename T>
struct Reply {
  std::optional<base::Error> failure;
  base::Status status = base::Status::ok;
  T value{};

  static Reply refused(base::Status why) {
    Reply reply;
    reply.status = why;
    return reply;
  }
  // not_found becomes `missing`, any other error a failure.
  static Reply of(base::Result<T> result, base::Status missing = base::Status::not_found) {
    Reply reply;
    if (result) {
      reply.value = std::move(*result);
    } else if (result.error().code == base::ErrorCode::not_found) {
      reply.status = missing;
    } else {
      reply.failure = std::move(result).error();
    }
    return reply;
  }
};

using Reader = ledger::api::LedgerReader;

// Items were read with one more than `limit`, to know whether this page is the last.
template <typename T>
PageOf<T> cut_page(std::vector<T> items, std::size_t limit, std::uint64_t (*cursor_of)(const T&)) {
  PageOf<T> page{std::move(items), 0};
  if (page.items.size() > limit) {
    page.items.resize(limit);
    page.next = cursor_of(page.items.back());
  }
  return page;
}

Reply<PayerAccount> read_payer_account(const Reader& reader, const core::Address& address);
Reply<TallyView> read_tally(const Reader& reader, const core::Address& payer, core::AssetId asset);
Reply<Exposure> read_exposure(const Reader& reader, const core::Address& payer, core::AssetId asset);
Reply<PayeeAccount> read_payee_account(const Reader& reader, const core::Address& address);
Reply<ServerAccount> read_server_account(const Reader& reader, const core::Address& key);
// The payees that exist; with `names_only` just id, address and label.
Reply<std::vector<core::Payee>> read_payees(const Reader& reader, const std::vector<core::PayeeId>& ids,
                                            bool names_only);
Reply<PageOf<ChargeRecord>> read_charges(const Reader& reader, core::PayerId payer, const Page& page);
// not_found if the entry charges or reserves nothing.
Reply<ChargeRecord> read_charge(const Reader& reader, core::Sequence sequence);
Reply<PageOf<core::MandateState>> read_mandates(const Reader& reader, core::PayerId payer, const Page& page);
Reply<PageOf<core::Statement>> read_statements(const Reader& reader, core::PayerId payer, const Page& page);
// A payer's collections and refunds.
Reply<PageOf<core::Settlement>> read_settlements(const Reader& reader, core::PayerId payer, const Page& page);
// `payer` none: of all.
Reply<PageOf<core::CreditNote>> read_credit_notes(const Reader& reader, core::PayerId payer, const Page& page);
Reply<PageOf<core::Payment>> read_payments(const Reader& reader, core::PayerId payer, const Page& page);
// The payer's statements on which something is due, oldest first; at most base::limits::kPaymentStatementsMax.
Reply<std::vector<core::StatementId>> read_open_statements(const Reader& reader, const core::Address& payer,
                                                           core::AssetId asset);
Reply<std::vector<core::OperatorBalance>> read_operator_balances(const Reader& reader);
Reply<Head> read_head(const Reader& reader);
Reply<NetworkInfo> read_info(const Reader& reader);
Reply<std::vector<RawEntry>> read_entries(const Reader& reader, core::Sequence from, std::size_t limit);
Reply<std::vector<core::Bytes>> read_segments(const Reader& reader, core::SegmentId from, std::size_t limit);
// The assets as the verifier needs them.
base::Result<commitments::tab::AssetTable> read_asset_table(const Reader& reader);

RawEntry raw(ledger::api::StoredEntry stored);

}  // namespace rpc
