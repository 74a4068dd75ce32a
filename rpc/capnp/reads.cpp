#include "rpc/capnp/reads.h"

#include <variant>

#include "base/limits.h"
#include "ledger/core/segment.h"
#include "rpc/capnp/convert.h"

namespace rpc {
namespace {

using base::Status;

// What one answer with whole segments holds at most, beside the first segment.
constexpr std::size_t kSegmentsBytesMax = 16 * 1024 * 1024;

template <typename T>
Reply<T> failed(base::Error error) {
  Reply<T> reply;
  reply.failure = std::move(error);
  return reply;
}

// Returns the enclosing function's Reply on failure.
#define TABD_READ(declaration, T, expression)                                             \
  auto TABD_CONCAT(read_, __LINE__) = (expression);                                       \
  if (!TABD_CONCAT(read_, __LINE__))                                                      \
    return Reply<T>::of(tl::unexpected(std::move(TABD_CONCAT(read_, __LINE__)).error())); \
  declaration = std::move(*TABD_CONCAT(read_, __LINE__))

TallyView view_of(const core::Tally& tally, core::Amount plan_limit) {
  TallyView out;
  out.payer = tally.payer;
  out.asset = tally.asset;
  out.plan = tally.plan;
  out.credit_limit_override = tally.credit_limit_override;
  out.credit_limit = tally.credit_limit_override.is_zero() ? plan_limit : tally.credit_limit_override;
  out.held = tally.held;
  out.unbilled = tally.unbilled;
  out.billed = tally.billed;
  out.credit = tally.credit;
  out.window = tally.window;
  out.window_number = tally.window_number;
  out.entries = tally.entries.size();
  out.lines = tally.lines.lines();
  out.carried_in = tally.carried_in;
  out.account_unbilled = tally.account_unbilled;
  out.account_receivable = tally.account_receivable;
  out.account_credit = tally.account_credit;
  return out;
}

base::Result<core::Amount> plan_limit(const Reader& reader, core::PlanId plan) {
  if (!plan.valid()) return core::Amount{};
  ASSIGN_OR_RETURN(const core::Plan row, reader.plan(plan));
  return row.credit_limit;
}

// The plan by which the payer is billed in `asset`; none if there is no such plan.
base::Result<core::Plan> plan_for(const Reader& reader, const core::Payer& payer, core::AssetId asset) {
  for (const core::PlanId id : payer.plans) {
    ASSIGN_OR_RETURN(core::Plan plan, reader.plan(id));
    if (plan.asset == asset) return plan;
  }
  return base::error(base::ErrorCode::not_found, "the payer has no plan for this asset");
}

// Fills what a charging entry says. False if the entry is of another kind.
struct DescribeCharge {
  const Reader& reader;
  ChargeRecord& out;

  void commitment(const core::SignedSingleUse& from) const {
    out.payee = from.payee;
    out.asset = from.asset;
    out.amount = from.maximum;
  }
  void usages(const std::vector<commitments::tab::Usage>& from) const {
    out.usages = from;
    out.amount = {};
    for (const commitments::tab::Usage& usage : from) out.amount = base::add_checked(out.amount, usage.amount);
  }
  void hold(core::Sequence sequence) const {
    const auto stored = reader.entry(sequence);
    if (!stored) return;
    if (const auto* made = std::get_if<core::HoldMade>(&stored->entry)) commitment(made->commitment);
  }
  bool operator()(const core::Charged& entry) const {
    out.kind = ChargeKind::charged;
    commitment(entry.commitment);
    usages({entry.usage});
    return true;
  }
  bool operator()(const core::HoldMade& entry) const {
    out.kind = ChargeKind::held;
    commitment(entry.commitment);
    return true;
  }
  bool operator()(const core::HoldCaptured& entry) const {
    out.kind = ChargeKind::captured;
    hold(entry.hold);
    usages({entry.usage});
    return true;
  }
  bool operator()(const core::HoldReleased& entry) const {
    out.kind = ChargeKind::released;
    hold(entry.hold);
    return true;
  }
  bool operator()(const core::VoucherCharged& entry) const {
    out.kind = ChargeKind::voucher;
    if (const auto tab = reader.tab(entry.tab)) {
      out.payee = tab->payee;
      out.asset = tab->asset;
    }
    usages(entry.usages);
    return true;
  }
  template <typename Other>
  bool operator()(const Other&) const {
    return false;
  }
};

}  // namespace

RawEntry raw(ledger::api::StoredEntry stored) {
  return {stored.sequence, stored.segment, stored.index, stored.time, std::move(stored.bytes)};
}

Reply<PayerAccount> read_payer_account(const Reader& reader, const core::Address& address) {
  TABD_READ(core::Payer payer, PayerAccount, reader.payer(address));
  TABD_READ(const std::vector<core::Tally> tallies, PayerAccount, reader.tallies(payer.id));
  Reply<PayerAccount> reply;
  for (const core::Tally& tally : tallies) {
    TABD_READ(const core::Amount limit, PayerAccount, plan_limit(reader, tally.plan));
    reply.value.tallies.push_back(view_of(tally, limit));
  }
  reply.value.payer = std::move(payer);
  return reply;
}

Reply<TallyView> read_tally(const Reader& reader, const core::Address& payer, core::AssetId asset) {
  TABD_READ(const core::Payer row, TallyView, reader.payer(payer));
  TABD_READ(const core::Tally tally, TallyView, reader.tally(row.id, asset));
  TABD_READ(const core::Amount limit, TallyView, plan_limit(reader, tally.plan));
  Reply<TallyView> reply;
  reply.value = view_of(tally, limit);
  return reply;
}

Reply<Exposure> read_exposure(const Reader& reader, const core::Address& payer, core::AssetId asset) {
  const auto row = reader.payer(payer);
  if (!row) return Reply<Exposure>::of(tl::unexpected(row.error()), Status::payer_unknown);
  if (const auto known = reader.asset(asset); !known)
    return Reply<Exposure>::of(tl::unexpected(known.error()), Status::asset_unknown);
  const auto plan = plan_for(reader, *row, asset);
  if (!plan) return Reply<Exposure>::of(tl::unexpected(plan.error()), Status::asset_not_enabled);
  Reply<Exposure> reply;
  reply.value.standing = row->standing;
  reply.value.limit = plan->credit_limit;
  // A payer who was never charged has no tally yet.
  const auto tally = reader.tally(row->id, asset);
  if (tally) {
    if (!tally->credit_limit_override.is_zero()) reply.value.limit = tally->credit_limit_override;
    reply.value.exposure = tally->exposure();
  } else if (tally.error().code != base::ErrorCode::not_found) {
    return failed<Exposure>(tally.error());
  }
  reply.value.available = base::subtract_to_zero(reply.value.limit, reply.value.exposure);
  return reply;
}

Reply<PayeeAccount> read_payee_account(const Reader& reader, const core::Address& address) {
  TABD_READ(core::Payee payee, PayeeAccount, reader.payee(address));
  TABD_READ(std::vector<core::PayeeBalance> balances, PayeeAccount, reader.payee_balances(payee.id));
  Reply<PayeeAccount> reply;
  reply.value = {std::move(payee), std::move(balances)};
  return reply;
}

Reply<std::vector<core::Payee>> read_payees(const Reader& reader, const std::vector<core::PayeeId>& ids,
                                            bool names_only) {
  Reply<std::vector<core::Payee>> reply;
  for (const core::PayeeId id : ids) {
    auto payee = reader.payee(id);
    if (!payee) {
      if (payee.error().code == base::ErrorCode::not_found) continue;
      return failed<std::vector<core::Payee>>(payee.error());
    }
    if (names_only) {
      core::Payee named;
      named.id = payee->id;
      named.address = payee->address;
      named.label = std::move(payee->label);
      reply.value.push_back(std::move(named));
    } else {
      reply.value.push_back(std::move(*payee));
    }
  }
  return reply;
}

Reply<ServerAccount> read_server_account(const Reader& reader, const core::Address& key) {
  auto server = reader.server(key);
  if (!server) return Reply<ServerAccount>::of(tl::unexpected(server.error()), Status::server_unknown);
  Reply<std::vector<core::Payee>> payees = read_payees(reader, server->payees, /*names_only=*/false);
  if (payees.failure) return failed<ServerAccount>(*payees.failure);
  Reply<ServerAccount> reply;
  reply.value = {std::move(*server), std::move(payees.value)};
  return reply;
}

Reply<PageOf<ChargeRecord>> read_charges(const Reader& reader, core::PayerId payer, const Page& page) {
  const std::size_t limit = page_limit(page);
  TABD_READ(std::vector<ledger::api::StoredEntry> entries, PageOf<ChargeRecord>,
            reader.payer_entries(payer, core::Sequence(page.after), limit + 1));
  std::vector<ChargeRecord> records;
  for (ledger::api::StoredEntry& stored : entries) {
    ChargeRecord record;
    if (!std::visit(DescribeCharge{reader, record}, stored.entry)) continue;
    record.entry = raw(std::move(stored));
    records.push_back(std::move(record));
  }
  Reply<PageOf<ChargeRecord>> reply;
  reply.value = cut_page<ChargeRecord>(std::move(records), limit,
                                       [](const ChargeRecord& record) { return record.entry.sequence.value; });
  return reply;
}

Reply<ChargeRecord> read_charge(const Reader& reader, core::Sequence sequence) {
  TABD_READ(ledger::api::StoredEntry stored, ChargeRecord, reader.entry(sequence));
  Reply<ChargeRecord> reply;
  if (!std::visit(DescribeCharge{reader, reply.value}, stored.entry))
    return Reply<ChargeRecord>::refused(Status::not_found);
  reply.value.entry = raw(std::move(stored));
  return reply;
}

Reply<PageOf<core::MandateState>> read_mandates(const Reader& reader, core::PayerId payer, const Page& page) {
  const std::size_t limit = page_limit(page);
  const core::MandateId after(static_cast<std::uint32_t>(page.after));
  TABD_READ(std::vector<core::MandateState> mandates, PageOf<core::MandateState>,
            reader.mandates(payer, after, limit + 1));
  Reply<PageOf<core::MandateState>> reply;
  reply.value = cut_page<core::MandateState>(
      std::move(mandates), limit, [](const core::MandateState& mandate) { return std::uint64_t{mandate.id.value}; });
  return reply;
}

Reply<PageOf<core::Statement>> read_statements(const Reader& reader, core::PayerId payer, const Page& page) {
  const std::size_t limit = page_limit(page);
  const core::StatementId after(page.after);
  TABD_READ(std::vector<core::Statement> statements, PageOf<core::Statement>,
            payer.valid() ? reader.statements_of(payer, after, limit + 1) : reader.statements(after, limit + 1));
  Reply<PageOf<core::Statement>> reply;
  reply.value = cut_page<core::Statement>(std::move(statements), limit,
                                          [](const core::Statement& statement) { return statement.id.value; });
  return reply;
}

Reply<PageOf<core::CreditNote>> read_credit_notes(const Reader& reader, core::PayerId payer, const Page& page) {
  const std::size_t limit = page_limit(page);
  const core::CreditNoteId after(page.after);
  TABD_READ(std::vector<core::CreditNote> notes, PageOf<core::CreditNote>,
            payer.valid() ? reader.credit_notes_of(payer, after, limit + 1) : reader.credit_notes(after, limit + 1));
  Reply<PageOf<core::CreditNote>> reply;
  reply.value =
      cut_page<core::CreditNote>(std::move(notes), limit, [](const core::CreditNote& note) { return note.id.value; });
  return reply;
}

Reply<PageOf<core::Payment>> read_payments(const Reader& reader, core::PayerId payer, const Page& page) {
  const std::size_t limit = page_limit(page);
  const core::PaymentId after(page.after);
  TABD_READ(std::vector<core::Payment> payments, PageOf<core::Payment>,
            payer.valid() ? reader.payments_of(payer, after, limit + 1) : reader.payments(after, limit + 1));
  Reply<PageOf<core::Payment>> reply;
  reply.value = cut_page<core::Payment>(std::move(payments), limit,
                                        [](const core::Payment& payment) { return payment.id.value; });
  return reply;
}

Reply<std::vector<core::StatementId>> read_open_statements(const Reader& reader, const core::Address& payer,
                                                           core::AssetId asset) {
  using Ids = std::vector<core::StatementId>;
  TABD_READ(const core::Payer row, Ids, reader.payer(payer));
  const base::Result<core::Tally> tally = reader.tally(row.id, asset);
  Reply<Ids> reply;
  if (!tally) {
    if (tally.error().code != base::ErrorCode::not_found) return failed<Ids>(tally.error());
    return reply;
  }
  // What is billed and not paid says when all of them are found.
  core::Amount missing = tally->billed;
  core::StatementId after;
  while (!missing.is_zero() && reply.value.size() < base::limits::kPaymentStatementsMax) {
    TABD_READ(const std::vector<core::Statement> page, Ids,
              reader.statements_of(row.id, after, base::limits::kPageItemsMax));
    for (const core::Statement& statement : page) {
      after = statement.id;
      if (statement.asset != asset || statement.mark.state != core::StatementState::open) continue;
      if (reply.value.size() == base::limits::kPaymentStatementsMax) break;
      reply.value.push_back(statement.id);
      missing = base::subtract_to_zero(missing, statement.due_amount());
    }
    if (page.size() < base::limits::kPageItemsMax) break;
  }
  return reply;
}

Reply<PageOf<core::Settlement>> read_settlements(const Reader& reader, core::PayerId payer, const Page& page) {
  const std::size_t limit = page_limit(page);
  TABD_READ(std::vector<core::Settlement> settlements, PageOf<core::Settlement>,
            reader.settlements_of(payer, core::SettlementId(page.after), limit + 1));
  Reply<PageOf<core::Settlement>> reply;
  reply.value = cut_page<core::Settlement>(std::move(settlements), limit,
                                           [](const core::Settlement& settlement) { return settlement.id.value; });
  return reply;
}

Reply<std::vector<core::OperatorBalance>> read_operator_balances(const Reader& reader) {
  using Balances = std::vector<core::OperatorBalance>;
  TABD_READ(const std::vector<core::Asset> assets, Balances, reader.assets());
  Reply<Balances> reply;
  for (const core::Asset& asset : assets) {
    auto balance = reader.operator_balance(asset.id);
    if (balance) {
      reply.value.push_back(*balance);
    } else if (balance.error().code != base::ErrorCode::not_found) {
      return failed<Balances>(balance.error());
    }
  }
  return reply;
}

Reply<Head> read_head(const Reader& reader) {
  TABD_READ(const core::LedgerHead head, Head, reader.head());
  Reply<Head> reply;
  Head& out = reply.value;
  out.network = head.network;
  out.operator_key = head.operator_key;
  out.last_sequence = head.last_sequence;
  out.last_segment = head.last_segment;
  out.segment_hash = head.last_segment_hash;
  out.time = head.last_time;
  out.payers = head.payers;
  out.payees = head.payees;
  out.servers = head.servers;
  out.plans = head.plans;
  out.mandates = head.mandates;
  out.tabs = head.tabs;
  out.statements = head.statements;
  out.settlements = head.settlements;
  out.notices = head.notices;
  if (!head.last_segment.valid()) return reply;
  TABD_READ(const core::Segment segment, Head, reader.segment(head.last_segment));
  out.header = core::encode(segment.header);
  out.signature = segment.signature;
  return reply;
}

Reply<NetworkInfo> read_info(const Reader& reader) {
  TABD_READ(const core::LedgerHead head, NetworkInfo, reader.head());
  TABD_READ(std::vector<core::Asset> assets, NetworkInfo, reader.assets());
  Reply<NetworkInfo> reply;
  reply.value.network = head.network;
  reply.value.operator_key = head.operator_key;
  reply.value.assets = std::move(assets);
  reply.value.batch_items_max = base::limits::kBatchItemsMax;
  reply.value.batch_charges_max = base::limits::kBatchChargesMax;
  return reply;
}

Reply<std::vector<RawEntry>> read_entries(const Reader& reader, core::Sequence from, std::size_t limit) {
  const core::Sequence first = from.valid() ? from : core::Sequence(1);
  TABD_READ(std::vector<ledger::api::StoredEntry> entries, std::vector<RawEntry>, reader.entries(first, limit));
  Reply<std::vector<RawEntry>> reply;
  for (ledger::api::StoredEntry& stored : entries) reply.value.push_back(raw(std::move(stored)));
  return reply;
}

Reply<std::vector<core::Bytes>> read_segments(const Reader& reader, core::SegmentId from, std::size_t limit) {
  Reply<std::vector<core::Bytes>> reply;
  std::size_t bytes = 0;
  for (core::SegmentId id = from.valid() ? from : core::SegmentId(1); reply.value.size() < limit; ++id.value) {
    const auto segment = reader.segment(id);
    if (!segment) {
      if (segment.error().code == base::ErrorCode::not_found) break;  // the journal's end
      return failed<std::vector<core::Bytes>>(segment.error());
    }
    core::Bytes encoded = core::encode(*segment);
    bytes += encoded.size();
    if (bytes > kSegmentsBytesMax && !reply.value.empty()) break;
    reply.value.push_back(std::move(encoded));
  }
  return reply;
}

base::Result<commitments::tab::AssetTable> read_asset_table(const Reader& reader) {
  ASSIGN_OR_RETURN(const std::vector<core::Asset> assets, reader.assets());
  commitments::tab::AssetTable table;
  for (const core::Asset& asset : assets) table.add(asset.id, asset.text);
  return table;
}

#undef TABD_READ

}  // namespace rpc
