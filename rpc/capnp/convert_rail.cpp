// What passes between the dispatcher and a settler outside the process (rpc/schema/settler.capnp).

#include "rpc/capnp/convert_rail.h"
#include "base/limits.h"

namespace rpc {
namespace {

namespace limits = base::limits;

// A number of the ledger's enumerations, all of which have 8 bits. One that does not fit stays one that nobody knows.
template <typename Enum, typename Wire>
Enum narrowed(Wire value) {
  const auto number = static_cast<std::uint16_t>(value);
  return static_cast<Enum>(number > 0xFF ? 0xFF : number);
}

bool copy_text(capnp::Text::Reader in, std::size_t bytes_max, std::string& out) {
  if (in.size() > bytes_max) return false;
  out = string(in);
  return true;
}

// Longer ones are cut: only people read them.
std::string cut_text(capnp::Text::Reader in) {
  return {in.begin(), std::min<std::size_t>(in.size(), limits::kRailDetailBytesMax)};
}

}  // namespace

void encode(const rail::Opening& in, wire::RailOpening::Builder out) {
  out.setRail(text(in.rail));
  out.setNetwork(text(in.network));
  out.setInFlightMax(static_cast<std::uint32_t>(in.in_flight_max));
  out.setCallMs(in.call_ms);
  out.setHeartbeatMs(in.heartbeat_ms);
  out.setSending(in.sending);
}

void encode(const rail::Instruction& in, wire::RailInstruction::Builder out) {
  encode(in.settlement, Detail::full, out.initSettlement());
  encode(in.asset, out.initAsset());
  if (!in.payer_address.is_zero()) out.setPayerAddress(data(in.payer_address));
  out.setMandate(data(base::ByteView(in.payer_rail_mandate)));
  out.setPayeeAccount(text(in.payee_account));
  encode_list(in.notices, out.initNotices(list_size(in.notices.size())), Detail::full);
  out.setDryRun(in.dry_run);
  out.setOriginReference(text(in.origin_reference));
}

const char* decode(wire::RailCapabilities::Reader in, rail::Capabilities& out) {
  out.pull = in.getPull();
  out.push = in.getPush();
  out.refunds = in.getRefunds();
  out.request = in.getRequest();
  out.can_probe = in.getCanProbe();
  out.deduplicates = in.getDeduplicates();
  out.in_flight_max = in.getInFlightMax();
  out.finality_s = in.getFinalityS();
  return nullptr;
}

const char* decode(wire::RailPrepared::Reader in, rail::Prepared& out) {
  out.failure = narrowed<core::FailureClass>(in.getFailure());
  if (!copy_text(in.getCode(), limits::kRailCodeBytesMax, out.code)) return "the code is longer than 64 bytes";
  out.detail = cut_text(in.getDetail());
  if (out.failure != core::FailureClass::none) return nullptr;  // what is left is unused
  if (!decode_optional(in.getIdempotencyKey(), out.idempotency_key)) return "an idempotency key has 32 bytes";
  const base::ByteView request = view(in.getRequest());
  if (request.size() > limits::kSettlementRequestBytesMax) return "the request is longer than 192 KiB";
  out.request.assign(request.begin(), request.end());
  if (!copy_text(in.getReference(), limits::kRailReferenceBytesMax, out.reference))
    return "the reference is longer than 256 bytes";
  return nullptr;
}

const char* decode(wire::RailOutcome::Reader in, rail::Outcome& out) {
  out.state = narrowed<core::SettlementState>(in.getState());
  out.failure = narrowed<core::FailureClass>(in.getFailure());
  if (!copy_text(in.getReference(), limits::kRailReferenceBytesMax, out.reference))
    return "the reference is longer than 256 bytes";
  if (!copy_text(in.getCode(), limits::kRailCodeBytesMax, out.code)) return "the code is longer than 64 bytes";
  if (in.getHasFee()) {
    core::Amount fee;
    if (!decode_amount(in.getFee(), fee)) return "the fee is not below 2^127";
    out.fee = fee;
  }
  if (in.getHasMoved()) {
    core::Amount moved;
    if (!decode_amount(in.getMoved(), moved)) return "what was moved is not below 2^127";
    out.moved = moved;
  }
  out.detail = cut_text(in.getDetail());
  out.next_probe_ms = in.getNextProbeMs();
  out.rail_fault = in.getRailFault();
  return nullptr;
}

const char* decode(wire::Settler::ReportResults::Reader in, rail::Report& out) {
  out.description = cut_text(in.getDescription());
  for (auto gauge : in.getGauges()) {
    if (out.gauges.size() == limits::kRailGaugesMax) break;
    rail::Gauge& own = out.gauges.emplace_back();
    own.name = cut_text(gauge.getName());
    own.value = gauge.getValue();
  }
  return nullptr;
}

const char* decode(wire::RailNotice::Reader in, core::Notice& out) {
  if (!decode_fixed(in.getKey(), out.key)) return "a key has 32 bytes";
  if (!decode_amount(in.getAmount(), out.amount)) return "an amount is below 2^127";
  if (!copy_text(in.getSource(), limits::kNoticeTextBytesMax, out.source)) return "the source is longer than 256 bytes";
  if (!copy_text(in.getExternalId(), limits::kNoticeTextBytesMax, out.external_id))
    return "the external id is longer than 256 bytes";
  if (!copy_text(in.getDetail(), limits::kRailDetailBytesMax, out.detail)) return "the detail is longer than 512 bytes";
  const base::ByteView body = view(in.getBody());
  if (body.size() > limits::kNoticeBodyBytesMax) return "the body is longer than 4,096 bytes";
  out.body.assign(body.begin(), body.end());
  out.kind = narrowed<core::NoticeKind>(in.getKind());
  out.direction = narrowed<core::Direction>(in.getDirection());
  out.settlement = core::SettlementId(in.getSettlement());
  out.asset = core::AssetId(in.getAsset());
  if (in.getRefused()) out.recorded_as = core::NoticeState::refused;
  return nullptr;
}

void encode(const core::NoticeAnswer& in, wire::RailNoticeAnswer::Builder out) {
  out.setStatus(number(in.status));
  out.setId(in.id.value);
  out.setDetail(text(in.detail));
}

}  // namespace rpc
