#include "settlers/external/judge.h"

#include <algorithm>

#include "base/limits.h"
#include "base/text.h"

namespace settlers::external {

namespace {

using base::error;
using base::ErrorCode;
namespace limits = base::limits;

constexpr std::size_t kGaugeNameBytesMax = 40;

bool is_failure(FailureClass failure) {
  switch (failure) {
    case FailureClass::insufficient_funds:
    case FailureClass::no_mandate:
    case FailureClass::rejected:
    case FailureClass::technical:
    case FailureClass::needs_action: return true;
    case FailureClass::none: return false;
  }
  return false;
}

// A rail's answer; whether it can have been given to `asked`.
bool is_answer(SettlementState state, Asked asked) {
  switch (state) {
    case SettlementState::accepted:
    case SettlementState::confirmed:
    case SettlementState::settled:
    case SettlementState::final:
    case SettlementState::failed:
    case SettlementState::unknown: return true;
    case SettlementState::returned:
    case SettlementState::disputed: return asked == Asked::probe;
    case SettlementState::ready:
    case SettlementState::sending:
    case SettlementState::written_off:
    case SettlementState::cancelled: return false;
  }
  return false;
}

// Empty, or what is wrong with a reference or code: they are compared and shown, so they come as they are or not at
// all.
std::string flaw_of_word(const char* what, const std::string& word, std::size_t bytes_max) {
  if (word.size() > bytes_max)
    return std::string(what) + " has " + std::to_string(word.size()) + " bytes, at most " + std::to_string(bytes_max) +
           " are allowed";
  const std::string_view flaw = base::flaw_of_text(word);
  return flaw.empty() ? std::string() : std::string(what) + ": " + std::string(flaw);
}

std::string number(std::size_t value) { return std::to_string(value); }

bool is_gauge_name(const std::string& name) {
  if (name.empty() || name.size() > kGaugeNameBytesMax || name[0] < 'a' || name[0] > 'z') return false;
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

// Empty, or why what a rail says it moved cannot be.
std::string flaw_of_moved(const Outcome& said, const Settlement& settlement) {
  if (!said.moved) return {};
  const bool success = said.state == SettlementState::confirmed || said.state == SettlementState::settled ||
                       said.state == SettlementState::final;
  if (settlement.kind != SettlementKind::collection || !success)
    return "what was moved is told of successful collections alone";
  if (said.moved->is_zero()) return "it is a success, and nothing was moved";
  // More is credit of the payer, and paid back on request: beyond this somebody looks at it first.
  if (*said.moved > base::add_checked(settlement.amount, settlement.amount))
    return "more than twice the amount was moved: tell of the rest by a notice";
  return {};
}

}  // namespace

std::string missing(const Capabilities& can, const Options& promised) {
  if (promised.collects && !can.pull && !can.request)
    return "the configuration says that it collects; the settler cannot";
  if (promised.pays && !can.push) return "the configuration says that it pays out; the settler cannot";
  if (promised.refunds && !can.refunds) return "the configuration says that it refunds; the settler cannot";
  if (!can.can_probe) return "it cannot probe: what became of a payment whose answer is lost could never be found out";
  if (can.in_flight_max < promised.in_flight_max)
    return "the configuration gives it " + number(promised.in_flight_max) + " settlements at a time, it takes " +
           number(can.in_flight_max) + ": set in_flight_max to that or less";
  return {};
}

base::Result<Prepared> judged(Prepared said, const Instruction& instruction) {
  if (said.failure != FailureClass::none && !is_failure(said.failure))
    return error(ErrorCode::io, "failure class " + number(static_cast<std::size_t>(said.failure)) + " is not one");
  said.detail = base::without_flaws(said.detail, limits::kRailDetailBytesMax);
  if (std::string flaw = flaw_of_word("code", said.code, limits::kRailCodeBytesMax); !flaw.empty())
    return error(ErrorCode::io, std::move(flaw));
  if (said.failure != FailureClass::none || instruction.dry_run) return said;
  if (said.idempotency_key.is_zero()) return error(ErrorCode::io, "the idempotency key is zero");
  if (said.request.empty()) return error(ErrorCode::io, "the request is empty: it is what send() gets after a restart");
  if (said.request.size() > limits::kSettlementRequestBytesMax)
    return error(ErrorCode::io, "the request has " + number(said.request.size()) + " bytes, at most " +
                                    number(limits::kSettlementRequestBytesMax) + " are allowed");
  if (std::string flaw = flaw_of_word("reference", said.reference, limits::kRailReferenceBytesMax); !flaw.empty())
    return error(ErrorCode::io, std::move(flaw));
  return said;
}

base::Result<Outcome> judged(Outcome said, const Instruction& instruction, Asked asked) {
  const Settlement& settlement = instruction.settlement;
  if (!is_answer(said.state, asked))
    return error(ErrorCode::io, "state " + number(static_cast<std::size_t>(said.state)) + " is no answer to this call");
  const bool failed = said.state == SettlementState::failed;
  if (failed && !is_failure(said.failure))
    return error(ErrorCode::io, "it failed without a failure class that is one (" +
                                    number(static_cast<std::size_t>(said.failure)) + ")");
  if (!failed && said.failure != FailureClass::none)
    return error(ErrorCode::io, "a failure class, and it did not fail");
  if (std::string flaw = flaw_of_word("reference", said.reference, limits::kRailReferenceBytesMax); !flaw.empty())
    return error(ErrorCode::io, std::move(flaw));
  if (std::string flaw = flaw_of_word("code", said.code, limits::kRailCodeBytesMax); !flaw.empty())
    return error(ErrorCode::io, std::move(flaw));
  // What is kept comes out of what is moved; a rail that keeps more than that is not to be believed by itself.
  if (said.fee && *said.fee > settlement.amount) return error(ErrorCode::io, "the fee is more than the amount");
  if (std::string flaw = flaw_of_moved(said, settlement); !flaw.empty()) return error(ErrorCode::io, std::move(flaw));
  said.detail = base::without_flaws(said.detail, limits::kRailDetailBytesMax);
  said.next_probe_ms = std::clamp(said.next_probe_ms, limits::kRailProbeMsMin, limits::kRailProbeMsMax);
  return said;
}

ledger::api::rail::Report judged(ledger::api::rail::Report said) {
  said.description = base::without_flaws(said.description, limits::kRailDetailBytesMax);
  std::vector<Gauge> kept;
  for (Gauge& gauge : said.gauges) {
    if (kept.size() == limits::kRailGaugesMax) break;
    const auto same = [&](const Gauge& other) { return other.name == "settler_" + gauge.name; };
    // With a prefix: none of the daemon's own figures can be spoken for. One of each name: metrics have no two.
    if (!is_gauge_name(gauge.name) || std::any_of(kept.begin(), kept.end(), same)) continue;
    kept.push_back({"settler_" + gauge.name, gauge.value});
  }
  said.gauges = std::move(kept);
  return said;
}

std::string flaw_of(const Notice& notice) {
  if (std::string flaw = flaw_of_word("source", notice.source, limits::kNoticeTextBytesMax); !flaw.empty()) return flaw;
  if (std::string flaw = flaw_of_word("external id", notice.external_id, limits::kNoticeTextBytesMax); !flaw.empty())
    return flaw;
  if (std::string flaw = flaw_of_word("detail", notice.detail, limits::kRailDetailBytesMax); !flaw.empty()) return flaw;
  if (notice.body.size() > limits::kNoticeBodyBytesMax)
    return "the body has " + number(notice.body.size()) + " bytes, at most " + number(limits::kNoticeBodyBytesMax) +
           " are allowed";
  return {};
}

}  // namespace settlers::external
