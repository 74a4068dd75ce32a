#pragma once

// Between the wire (rpc/schema/*.capnp) and the ledger's types, and nothing else. encode_* fills a builder, decode_*
// reads a reader that may come from anyone: a wrong length or an unknown number makes it return false or skip, never
// throw. KJ's own exceptions (traversal limit) pass through.

#include <capnp/message.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "ledger/api/reconciliation.h"
#include "rpc/capnp/views.h"
#include "rpc/schema/tabd.capnp.h"

namespace rpc {

namespace wire = schema;

// ---- small values -----------------------------------------------------------------------------------------------

inline base::ByteView view(capnp::Data::Reader data) { return {data.begin(), data.size()}; }
inline capnp::Data::Reader data(base::ByteView bytes) { return {bytes.data(), bytes.size()}; }
template <std::size_t N>
capnp::Data::Reader data(const base::FixedBytes<N>& value) {
  return {value.data(), N};
}
inline std::string string(capnp::Text::Reader text) { return {text.begin(), text.size()}; }
inline capnp::Text::Reader text(const std::string& value) { return {value.c_str(), value.size()}; }

// False on another length; then `out` stays as it was.
template <typename Fixed>
bool decode_fixed(capnp::Data::Reader in, Fixed& out) {
  if (in.size() != Fixed::kSize) return false;
  std::memcpy(out.data(), in.begin(), Fixed::kSize);
  return true;
}
// As decode_fixed; empty gives zero.
template <typename Fixed>
bool decode_optional(capnp::Data::Reader in, Fixed& out) {
  if (in.size() == 0) {
    out = {};
    return true;
  }
  return decode_fixed(in, out);
}

// False for more than N characters, or one that is not printable ASCII.
template <std::size_t N>
bool decode_text(capnp::Text::Reader in, base::ShortText<N>& out) {
  const std::optional<base::ShortText<N>> value = base::ShortText<N>::parse({in.begin(), in.size()});
  if (!value) return false;
  out = *value;
  return true;
}
inline bool decode_rail(capnp::Text::Reader in, base::RailName& out) { return decode_text(in, out); }
template <std::size_t N>
std::string string_of(const base::ShortText<N>& value) {
  return std::string(value.view());
}

inline base::u128 decode_wide(wire::UInt128::Reader in) {
  return static_cast<base::u128>(in.getHigh()) << 64 | in.getLow();
}
inline void encode_wide(base::u128 value, wire::UInt128::Builder out) {
  out.setLow(static_cast<std::uint64_t>(value));
  out.setHigh(static_cast<std::uint64_t>(value >> 64));
}
// False above 2^127 - 1.
bool decode_amount(wire::UInt128::Reader in, base::Amount& out);
// Zero is an absent pointer: use as `if (!amount.is_zero()) encode_wide(amount.units(), out.initX())`.
#define TABD_SET_AMOUNT(builder, Field, amount)                                             \
  do {                                                                                      \
    if (!(amount).is_zero()) ::rpc::encode_wide((amount).units(), (builder).init##Field()); \
  } while (false)

inline std::uint16_t number(base::Status status) { return static_cast<std::uint16_t>(status); }
// A number that this build does not know becomes `not_permitted`: a refusal all the same.
base::Status decode_status(std::uint16_t number);

Page decode(wire::Page::Reader in);
// 1 .. kPageItemsMax.
std::size_t page_limit(const Page& page);
void encode(const Page& in, wire::Page::Builder out);

// ---- submitting -------------------------------------------------------------------------------------------------

struct MalformedItem {
  std::uint32_t index = 0;
  const char* what = "";  // static text: which field, and the rule that it broke
};
struct DecodedBatch {
  // Other than ok: the batch is refused as a whole, before anyone looks at its items.
  base::Status status = base::Status::ok;
  std::string detail;
  commitments::tab::UnverifiedBatch batch;
  std::vector<MalformedItem> malformed;  // ascending; their payers are zero, so that the verifier refuses them
};
// `server`: the session's key, which becomes the header's. `network`: what the batch must name. The order of the
// refusals is that of docs/bindings/tab.md, section 6.
DecodedBatch decode_batch(wire::Batch::Reader in, const base::Address& server, std::string_view network);
// "item 3: payer: an address has 20 bytes; ...", shortened after a few.
std::string describe(const std::vector<MalformedItem>& malformed);
void encode(const commitments::tab::UnverifiedBatch& in, wire::Batch::Builder out);

void encode(const ledger::api::BatchReceipt& in, std::string_view detail, wire::BatchReceipt::Builder out);
BatchAnswer decode(wire::BatchReceipt::Reader in);
void encode(const StreamSummary& in, wire::StreamSummary::Builder out);
StreamSummary decode(wire::StreamSummary::Reader in);
void encode(const ledger::api::CommandReceipt& in, wire::CommandReceipt::Builder out);
ledger::api::CommandReceipt decode(wire::CommandReceipt::Reader in);

void encode(const commitments::tab::Usage& in, wire::Usage::Builder out);
// Which rule a usage broke, or null. An empty resource becomes `default_resource`.
const char* decode_usage(wire::Usage::Reader in, const base::Hash& default_resource, commitments::tab::Usage& out);
void encode(const commitments::tab::Mandate& in, wire::Mandate::Builder out);
bool decode(wire::Mandate::Reader in, commitments::tab::Mandate& out);
void encode(const commitments::tab::MandateRevocation& in, wire::MandateRevocation::Builder out);
bool decode(wire::MandateRevocation::Reader in, commitments::tab::MandateRevocation& out);

// ---- objects ----------------------------------------------------------------------------------------------------
// The decoders return false when a fixed field has a wrong length or a text does not fit.

enum class Detail : std::uint8_t { brief, full };  // brief: without what the schema leaves out of lists

void encode(const aggregator::Line& in, wire::Line::Builder out);
bool decode(wire::Line::Reader in, aggregator::Line& out);
void encode(const aggregator::PayeeShare& in, wire::PayeeShare::Builder out);
bool decode(wire::PayeeShare::Reader in, aggregator::PayeeShare& out);
void encode(const core::Asset& in, wire::Asset::Builder out);
bool decode(wire::Asset::Reader in, core::Asset& out);
void encode(const aggregator::WindowBounds& in, wire::WindowBounds::Builder out);
aggregator::WindowBounds decode_bounds(wire::WindowBounds::Reader in);
void encode(const aggregator::WindowSpec& in, wire::WindowSpec::Builder out);
bool decode(wire::WindowSpec::Reader in, aggregator::WindowSpec& out);
void encode(const core::Tax& in, wire::Tax::Builder out);
bool decode(wire::Tax::Reader in, core::Tax& out);
void encode(const core::ReleaseRule& in, wire::ReleaseRule::Builder out);
bool decode(wire::ReleaseRule::Reader in, core::ReleaseRule& out);
void encode(const core::ReleaseDefaults& in, wire::ReleaseDefaults::Builder out);
bool decode(wire::ReleaseDefaults::Reader in, core::ReleaseDefaults& out);
void encode(const core::Plan& in, wire::Plan::Builder out);
bool decode(wire::Plan::Reader in, core::Plan& out);
void encode(const core::Payer& in, wire::Payer::Builder out);
bool decode(wire::Payer::Reader in, core::Payer& out);
void encode(const TallyView& in, wire::Tally::Builder out);
bool decode(wire::Tally::Reader in, TallyView& out);
void encode(const Exposure& in, wire::Exposure::Builder out);
bool decode(wire::Exposure::Reader in, Exposure& out);
void encode(const core::Payee& in, wire::Payee::Builder out);
bool decode(wire::Payee::Reader in, core::Payee& out);
void encode(const core::PayeeBalance& in, wire::PayeeBalance::Builder out);
bool decode(wire::PayeeBalance::Reader in, core::PayeeBalance& out);
void encode(const core::OperatorBalance& in, wire::OperatorBalance::Builder out);
bool decode(wire::OperatorBalance::Reader in, core::OperatorBalance& out);
void encode(const core::Server& in, wire::Server::Builder out);
bool decode(wire::Server::Reader in, core::Server& out);
void encode(const core::MandateState& in, wire::MandateState::Builder out);
bool decode(wire::MandateState::Reader in, core::MandateState& out);
void encode(const core::Statement& in, Detail detail, wire::Statement::Builder out);
bool decode(wire::Statement::Reader in, core::Statement& out);
void encode(const core::Settlement& in, Detail detail, wire::Settlement::Builder out);
bool decode(wire::Settlement::Reader in, core::Settlement& out);
void encode(const core::CreditNote& in, wire::CreditNote::Builder out);
bool decode(wire::CreditNote::Reader in, core::CreditNote& out);
void encode(const core::Payment::Part& in, wire::Payment::Part::Builder out);
bool decode(wire::Payment::Part::Reader in, core::Payment::Part& out);
void encode(const core::Payment& in, wire::Payment::Builder out);
bool decode(wire::Payment::Reader in, core::Payment& out);
void encode(const core::Relay& in, wire::Relay::Builder out);
bool decode(wire::Relay::Reader in, core::Relay& out);
void encode(const core::Notice& in, Detail detail, wire::Notice::Builder out);
bool decode(wire::Notice::Reader in, core::Notice& out);

void encode(const core::Channel& in, wire::Channel::Builder out);
bool decode(wire::Channel::Reader in, core::Channel& out);
void encode(const core::Earnings& in, wire::Earnings::Builder out);
bool decode(wire::Earnings::Reader in, core::Earnings& out);

void encode(const RawEntry& in, wire::Entry::Builder out);
bool decode(wire::Entry::Reader in, RawEntry& out);
void encode(const ChargeRecord& in, wire::ChargeRecord::Builder out);
bool decode(wire::ChargeRecord::Reader in, ChargeRecord& out);
void encode(const Head& in, wire::Head::Builder out);
bool decode(wire::Head::Reader in, Head& out);
void encode(const Event& in, wire::Event::Builder out);
bool decode(wire::Event::Reader in, Event& out);
void encode(const EventFilter& in, wire::EventFilter::Builder out);
bool decode(wire::EventFilter::Reader in, EventFilter& out);
void encode(const DaemonStatus& in, wire::DaemonStatus::Builder out);
bool decode(wire::DaemonStatus::Reader in, DaemonStatus& out);
void encode(const RailStatus& in, wire::RailStatus::Builder out);
bool decode(wire::RailStatus::Reader in, RailStatus& out);
void encode(const BankFile& in, wire::BankFile::Builder out);
bool decode(wire::BankFile::Reader in, BankFile& out);
void encode(const ledger::api::Difference& in, wire::Difference::Builder out);
bool decode(wire::Difference::Reader in, ledger::api::Difference& out);
void encode(const ledger::api::Reconciliation& in, wire::Reconciliation::Builder out);
bool decode(wire::Reconciliation::Reader in, ledger::api::Reconciliation& out);
void encode(const NetworkInfo& in, wire::Info::Builder out);
bool decode(wire::Info::Reader in, NetworkInfo& out);

// ---- lists ------------------------------------------------------------------------------------------------------

// encode_list(values, results.initPayers(size)).
template <typename T, typename ListBuilder, typename... Extra>
void encode_list(const std::vector<T>& in, ListBuilder out, Extra... extra) {
  for (std::size_t i = 0; i < in.size(); ++i) encode(in[i], extra..., out[static_cast<capnp::uint>(i)]);
}
inline capnp::uint list_size(std::size_t size) { return static_cast<capnp::uint>(size); }
template <typename T, typename ListReader>
bool decode_list(ListReader in, std::vector<T>& out) {
  out.clear();
  out.reserve(in.size());
  for (auto element : in) {
    if (!decode(element, out.emplace_back())) return false;
  }
  return true;
}

}  // namespace rpc
