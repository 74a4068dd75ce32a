// Reconciliations, and files for the bank.

#include "rpc/capnp/convert.h"

namespace rpc {

void encode(const BankFile& in, wire::BankFile::Builder out) {
  out.setName(text(in.name));
  out.setState(text(in.state));
  out.setReason(text(in.reason));
  out.setCollection(in.collection);
  out.setDue(text(in.due));
  out.setCents(in.cents);
  out.setPayments(in.payments);
  out.setSha256(data(in.sha256));
}

bool decode(wire::BankFile::Reader in, BankFile& out) {
  out.name = string(in.getName());
  out.state = string(in.getState());
  out.reason = string(in.getReason());
  out.collection = in.getCollection();
  out.due = string(in.getDue());
  out.cents = in.getCents();
  out.payments = in.getPayments();
  return decode_fixed(in.getSha256(), out.sha256);
}

void encode(const ledger::api::Difference& in, wire::Difference::Builder out) {
  out.setKind(static_cast<wire::DifferenceKind>(in.kind));
  out.setRail(text(in.rail));
  out.setSettlement(in.settlement.value);
  out.setNotice(in.notice.value);
  out.setReference(text(in.reference));
  out.setAsset(in.asset.value);
  out.setHasOurs(in.ours.has_value());
  if (in.ours) TABD_SET_AMOUNT(out, Ours, *in.ours);
  out.setHasTheirs(in.theirs.has_value());
  if (in.theirs) TABD_SET_AMOUNT(out, Theirs, *in.theirs);
  out.setIncoming(in.incoming);
  out.setSinceUs(in.since.us);
  out.setDetail(text(in.detail));
}

bool decode(wire::Difference::Reader in, ledger::api::Difference& out) {
  out.kind = static_cast<ledger::api::DifferenceKind>(in.getKind());
  out.rail = string(in.getRail());
  out.settlement = base::SettlementId(in.getSettlement());
  out.notice = base::NoticeId(in.getNotice());
  out.reference = string(in.getReference());
  out.asset = base::AssetId(in.getAsset());
  if (in.getHasOurs() && !decode_amount(in.getOurs(), out.ours.emplace())) return false;
  if (in.getHasTheirs() && !decode_amount(in.getTheirs(), out.theirs.emplace())) return false;
  out.incoming = in.getIncoming();
  out.since.us = in.getSinceUs();
  out.detail = string(in.getDetail());
  return true;
}

void encode(const ledger::api::Reconciliation& in, wire::Reconciliation::Builder out) {
  out.setNumber(in.number);
  out.setStartedUs(in.started.us);
  out.setFinishedUs(in.finished.us);
  out.setFromUs(in.from.us);
  out.setToUs(in.to.us);
  auto rails = out.initRails(list_size(in.rails.size()));
  for (std::size_t i = 0; i < in.rails.size(); ++i) {
    auto rail = rails[list_size(i)];
    rail.setName(text(in.rails[i].rail));
    rail.setMovements(in.rails[i].movements);
    rail.setSettlements(in.rails[i].settlements);
    rail.setMatched(in.rails[i].matched);
    rail.setUncompared(in.rails[i].uncompared);
    rail.setProblem(text(in.rails[i].problem));
  }
  encode_list(in.differences, out.initDifferences(list_size(in.differences.size())));
  out.setDifferencesTotal(in.differences_total);
  auto counts = out.initCounts(list_size(in.counts.size()));
  for (std::size_t i = 0; i < in.counts.size(); ++i) {
    auto count = counts[list_size(i)];
    count.setRail(text(in.counts[i].rail));
    count.setKind(static_cast<wire::DifferenceKind>(in.counts[i].kind));
    count.setCount(in.counts[i].count);
  }
  out.setOldestUs(in.oldest.us);
}

bool decode(wire::Reconciliation::Reader in, ledger::api::Reconciliation& out) {
  out.number = in.getNumber();
  out.started.us = in.getStartedUs();
  out.finished.us = in.getFinishedUs();
  out.from.us = in.getFromUs();
  out.to.us = in.getToUs();
  for (auto rail : in.getRails())
    out.rails.push_back({string(rail.getName()), rail.getMovements(), rail.getSettlements(), rail.getMatched(),
                         rail.getUncompared(), string(rail.getProblem())});
  out.differences_total = in.getDifferencesTotal();
  for (auto count : in.getCounts())
    out.counts.push_back(
        {string(count.getRail()), static_cast<ledger::api::DifferenceKind>(count.getKind()), count.getCount()});
  out.oldest.us = in.getOldestUs();
  return decode_list(in.getDifferences(), out.differences);
}

}  // namespace rpc
