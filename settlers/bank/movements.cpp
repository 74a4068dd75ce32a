// The bank's own record: its statements, read again from the archive.

#include <algorithm>

#include "settlers/bank/engine.h"

namespace settlers::bank {

base::Result<MovementPage> Engine::movements(const MovementQuery& query) const {
  MovementPage page;
  if (query.after.empty()) counted_.clear();
  const std::vector<std::string> names = spool_->archived();
  auto name = std::upper_bound(names.begin(), names.end(), query.after);
  if (name == names.end()) return page;
  page.next = *name;
  ASSIGN_OR_RETURN(const std::string bytes, spool_->read_archived(*name));
  // An order to the bank is no statement of it.
  if (spool_->is_written_here(bytes)) return page;
  const base::Result<BankReport> report = read_own_report(bytes);
  // Status reports and notifications move nothing.
  if (!report || report->type == "pain.002" || report->type == "camt.054") return page;
  Incoming incoming;
  incoming.name = *name;
  add_notices(*report, incoming);
  for (const Notice& notice : incoming.notices) {
    // The same entry in another file is the same money.
    if (counted_.emplace(notice.key, incoming.name).first->second != incoming.name) continue;
    const std::optional<NoticeBody> body = read_notice_body(notice.body);
    if (notice.direction == ledger::core::Direction::none || !body) continue;
    // Noon: a day has no hour here. Statements are dated ahead in a demonstration.
    const auto day = static_cast<std::uint64_t>(body->date.value_or(0));
    Time time = body->date ? Time::from_seconds(day * 86'400 + 43'200) : clock_.now();
    if (time >= query.to) time = Time{query.to.us - 1};
    if (time < query.from) continue;
    RailMovement& movement = page.movements.emplace_back();
    movement.reference = notice.external_id;
    movement.settlement = notice.settlement;
    // Its file is no longer kept.
    if (const auto old = parse_reference(installation_, body->reference);
        old && spool_->find_filed(body->reference) == nullptr)
      movement.settlement = old->settlement;
    movement.incoming = notice.direction == ledger::core::Direction::in;
    movement.asset = notice.asset;
    movement.amount = notice.amount;
    movement.time = time;
    movement.detail = notice.source;
  }
  return page;
}

}  // namespace settlers::bank
