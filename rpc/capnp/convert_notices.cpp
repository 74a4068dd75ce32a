// What rails said on their own.

#include "rpc/capnp/convert.h"

namespace rpc {

void encode(const core::Notice& in, Detail detail, wire::Notice::Builder out) {
  out.setId(in.id.value);
  out.setRail(text(string_of(in.rail)));
  out.setKey(data(in.key));
  out.setSource(text(in.source));
  out.setExternalId(text(in.external_id));
  out.setKind(static_cast<wire::NoticeKind>(in.kind));
  out.setSettlement(in.settlement.value);
  out.setAsset(in.asset.value);
  TABD_SET_AMOUNT(out, Amount, in.amount);
  out.setDirection(static_cast<wire::Direction>(in.direction));
  out.setState(static_cast<wire::NoticeState>(in.mark.state));
  out.setRecordedAs(static_cast<wire::NoticeState>(in.recorded_as));
  out.setDetail(text(in.detail));
  if (detail == Detail::full) out.setBody(data(base::ByteView(in.body)));
  out.setReceivedUs(in.received.us);
  out.setResolution(static_cast<wire::Resolution>(in.mark.resolution));
  out.setPayer(in.mark.payer.value);
  out.setReason(text(in.mark.reason));
  out.setChangedUs(in.mark.changed.us);
}

bool decode(wire::Notice::Reader in, core::Notice& out) {
  out.id = base::NoticeId(in.getId());
  out.source = string(in.getSource());
  out.external_id = string(in.getExternalId());
  out.kind = static_cast<core::NoticeKind>(in.getKind());
  out.settlement = base::SettlementId(in.getSettlement());
  out.asset = base::AssetId(in.getAsset());
  out.direction = static_cast<core::Direction>(in.getDirection());
  out.mark.state = static_cast<core::NoticeState>(in.getState());
  out.recorded_as = static_cast<core::NoticeState>(in.getRecordedAs());
  out.detail = string(in.getDetail());
  const auto body = view(in.getBody());
  out.body.assign(body.begin(), body.end());
  out.received.us = in.getReceivedUs();
  out.mark.resolution = static_cast<core::Resolution>(in.getResolution());
  out.mark.payer = base::PayerId(in.getPayer());
  out.mark.reason = string(in.getReason());
  out.mark.changed.us = in.getChangedUs();
  return decode_rail(in.getRail(), out.rail) && decode_fixed(in.getKey(), out.key) &&
         decode_amount(in.getAmount(), out.amount);
}

}  // namespace rpc
