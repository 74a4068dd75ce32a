// Invoices and credit notes as documents: their numbers, and the tax on them.

#include <algorithm>

#include "crypto/sha256.h"
#include "ledger/core/decide.h"
#include "ledger/core/state.h"

namespace ledger::core {
namespace {

using base::Status;

constexpr std::uint32_t kMillion = 1'000'000;
constexpr std::size_t kTaxNoteBytesMax =
    512;  // "Reverse charge: Article 196, Council Directive 2006/112/EC" and the like

}  // namespace

std::string document_number(const SeriesName& series, std::uint64_t number) {
  if (number == 0) return {};
  std::string digits = std::to_string(number);
  if (digits.size() < 6) digits.insert(0, 6 - digits.size(), '0');
  return std::string(series.view()) + "-" + digits;
}

std::string check_series(std::string_view field, const SeriesName& series) {
  const std::string_view text = series.view();
  const bool fits = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
  return fits ? std::string() : std::string(field) + ": 1 to 16 letters, digits and '-'";
}

ClosedStatement closed_of(const Statement& statement, const Settlement* collection) {
  ClosedStatement closed;
  closed.statement = statement.id;
  closed.payer = statement.payer;
  closed.asset = statement.asset;
  closed.plan = statement.plan;
  closed.net = statement.net;
  closed.tax = statement.tax;
  closed.shares = statement.shares;
  closed.mark = statement.mark;
  if (collection != nullptr) {
    closed.collection = collection->id;
    closed.rail = collection->rail;
    if (collection->state == SettlementState::final) closed.collected = collection->amount;
  }
  return closed;
}

// ---- what is made once for each reference ----

StateMachine::ReplayRecord StateMachine::State::replay_record(Referenced what, PayerId payer, AssetId asset,
                                                              std::string_view reference, std::uint64_t number,
                                                              const base::FixedBytes<16>& content) {
  Bytes bytes;
  base::Encoder out(bytes);
  out.id(payer);
  out.id(asset);
  out.string(reference);
  return {replay_key_reference(what, crypto::sha256(bytes)), {Sequence(number), content}};
}

base::FixedBytes<16> StateMachine::State::asked_content(StatementId statement, Amount amount, std::string_view reason) {
  Bytes bytes;
  base::Encoder out(bytes);
  out.id(statement);
  out.amount(amount);
  out.string(reason);
  const Hash digest = crypto::sha256(bytes);
  base::FixedBytes<16> content;
  std::copy_n(digest.bytes.begin(), content.bytes.size(), content.bytes.begin());
  return content;
}

std::optional<CommandResult> StateMachine::State::first_result(std::string_view what, const ReplayRecord& asked,
                                                               ReplayIndex& replay) {
  const std::optional<ReplayHit> first = replay.find(asked.key);
  if (!first) return std::nullopt;
  const bool same = first->content == asked.hit.content;
  CommandResult result = refuse(same ? Status::already_accepted : Status::reference_conflict,
                                "reference: it is of " + std::string(what) + " " +
                                    std::to_string(first->sequence.value) + (same ? "" : ", which has other content"));
  result.id = first->sequence.value;
  return result;
}

// ---- tax ----

// Half up, in units that the rails can move. `net` is a multiple of `unit`. At most `net`, as the rate is at most one.
Amount tax_on(Amount net, std::uint32_t rate_ppm, Amount unit) {
  const u128 units = net.units() / unit.units();
  const u128 tax = units / kMillion * rate_ppm + (units % kMillion * rate_ppm + kMillion / 2) / kMillion;
  return *Amount::from_units(tax * unit.units());
}

// A part's tax: cumulative, so that the taxes of any parts that sum to the whole sum to its tax.
Amount tax_in(Amount part, Amount net, Amount tax) {
  if (tax.is_zero()) return Amount{};
  const std::array<Amount, 2> weights = {net, tax};
  return aggregator::split_largest_remainder(part, weights)[1];
}

Tax StateMachine::State::tax_of(PayerId payer) const {
  return payers[payer.value - 1].taxed ? unpack(payer).tax : Tax{};
}

std::uint64_t StateMachine::State::next_number(const SeriesName& name) const {
  for (const SeriesRecord& record : series) {
    if (record.series.name == name) return record.series.last + 1;
  }
  return 1;
}

void StateMachine::State::take_number(const SeriesName& name) {
  auto at = std::find_if(series.begin(), series.end(), [&](const auto& one) { return one.series.name == name; });
  if (at == series.end()) at = series.insert(at, {Series{name, 0}, false});
  ++at->series.last;
  at->dirty = true;
  ++changes;
}

Outcome StateMachine::State::apply(const TaxSet& entry, const At&) {
  PayerRecord* record = find_payer(entry.payer);
  if (record == nullptr) return mismatch("the payer is unknown");
  if (entry.tax.rate_ppm > kMillion) return mismatch("the tax is above the net amount");
  Payer payer = unpack(entry.payer);
  payer.tax = entry.tax;
  pack(payer, *record);
  touch(*record, entry.payer);
  return {};
}

CommandResult StateMachine::State::decide(const SetTax& command, SegmentBuilder& out) {
  const PayerId payer = find_payer(command.payer);
  if (!payer.valid()) return refuse(Status::payer_unknown, "there is no payer " + base::to_hex(command.payer));
  if (command.tax.rate_ppm > kMillion) {
    return refuse(Status::value_invalid,
                  "rate: " + std::to_string(command.tax.rate_ppm) + " millionths is above 1,000,000, which is 100 %");
  }
  for (std::string wrong : {check_text("label", command.tax.label, base::limits::kLabelBytesMax),
                            check_text("note", command.tax.note, kTaxNoteBytesMax)}) {
    if (!wrong.empty()) return refuse(Status::value_invalid, std::move(wrong));
  }
  if (tax_of(payer) == command.tax) return unchanged(payer.value);
  return changed(commit(TaxSet{payer, command.tax}, out), payer.value);
}

}  // namespace ledger::core
