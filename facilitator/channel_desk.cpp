#include "facilitator/channel_desk.h"

#include <algorithm>

#include "base/uint256.h"
#include "facilitator/channel_verify.h"
#include "facilitator/json_text.h"

namespace facilitator {

namespace channel = commitments::channel;
using base::Result;
using channel::Code;
using channel::Snapshot;

namespace {

constexpr std::uint64_t kAgainMs = 250;
constexpr unsigned kAgainTimes = 20;

}  // namespace

ChannelDesk::ChannelDesk(ChannelSchemeParts parts)
    : parts_(std::move(parts)),
      domain_(parts_.chain.chain_id(), parts_.contract),
      network_("eip155:" + std::to_string(parts_.chain.chain_id())),
      work_(parts_.ingest, parts_.post, parts_.together),
      reads_(parts_.chain, parts_.contract, parts_.clock, parts_.post) {
  for (const evm::TokenInfo& token : parts_.chain.tokens())
    tokens_.emplace_back(token.name, token.version, parts_.chain.chain_id(), token.address);
}

const crypto::TokenDomain* ChannelDesk::token(const base::Address& address) const {
  const auto at = std::find_if(tokens_.begin(), tokens_.end(),
                               [&](const crypto::TokenDomain& token) { return token.token == address; });
  return at == tokens_.end() ? nullptr : &*at;
}

void ChannelDesk::check(const SharedJob& job, std::size_t signatures, std::function<void(ChannelJob&)> check,
                        std::function<void()> next) {
  work_.add(
      signatures, [job, check = std::move(check)] { check(*job); },
      [this, job, next = std::move(next)](bool taken) { checked(*job, taken, next); });
}

void ChannelDesk::check_voucher(const SharedJob& job, std::function<void()> next) {
  work_.add_voucher(
      job->payload.item, [job](const channel::Answer& answer) { take_answer(*job, answer); },
      [this, job, next = std::move(next)](bool taken) { checked(*job, taken, next); });
}

void ChannelDesk::checked(const ChannelJob& job, bool taken, const std::function<void()>& next) const {
  if (!taken)
    return job.done(Refusal{503, "overloaded", "too many payments are waiting to be verified",
                            "Send the same request again after the time in Retry-After.", 100});
  if (job.code != Code::ok) return job.done(refuse(job, job.code, job.why));
  next();
}

void ChannelDesk::ask_chain_until(const base::Hash& id, std::function<bool(const Snapshot&)> enough,
                                  SnapshotDone done) {
  ask_again(id, kAgainTimes, std::move(enough), std::move(done));
}

void ChannelDesk::ask_again(const base::Hash& id, unsigned left, std::function<bool(const Snapshot&)> enough,
                            SnapshotDone done) {
  const auto look = [this, id, left, enough = std::move(enough),
                     done = std::move(done)](const Result<evm::ChannelState>& state) {
    if (state && enough(state->channel)) return done(state->channel);
    if (left == 0)
      return done(base::error(base::ErrorCode::unavailable, state ? "the node is behind" : state.error().message));
    parts_.after(kAgainMs, [this, id, left, enough, done] { ask_again(id, left - 1, enough, done); });
  };
  reads_.expect_block();
  ask_chain(id, evm::Depth::newest, look);
}

void ChannelDesk::state_of(const base::Hash& id, const SnapshotDone& done) {
  if (parts_.in_step && parts_.in_step()) {
    if (const Result<ledger::core::Channel> kept = parts_.reader.channel(id)) return done(kept->chain);
  }
  ask_chain(id, evm::Depth::newest, [done](const Result<evm::ChannelState>& state) {
    if (state) return done(state->channel);
    done(tl::unexpected<base::Error>(state.error()));
  });
}

Answer ChannelDesk::refuse(const ChannelJob& job, Code code, std::string_view why, std::string extra) const {
  std::string message(channel::sentence(code));
  if (!why.empty()) message += " (" + std::string(why) + ")";
  return rejected(job.operation, network_, std::string(channel::text(code)), std::move(message), job.payload.payer,
                  std::move(extra));
}

SettleResponse ChannelDesk::settle_response(const ChannelJob& job, const RelayAnswer& answer) const {
  SettleResponse response;
  response.network = network_;
  response.payer = job.payload.payer;
  response.transaction = answer.settlement.reference;
  return response;
}

ledger::core::PlanRelay ChannelDesk::plan(const evm::ChannelOrder& order) const {
  ledger::core::PlanRelay plan;
  plan.rail = base::RailName::parse(parts_.chain.rail()).value_or(base::RailName{});
  plan.key = order.key;
  plan.order = evm::encode(order.order);
  plan.label = order.label;
  return plan;
}

std::string channel_state_json(const base::Hash& id, const Snapshot& state, std::optional<base::u128> charged) {
  JsonObject json;
  json.text("channelId", base::to_hex(id)).text("balance", base::to_decimal_string(state.balance));
  json.text("totalClaimed", base::to_decimal_string(state.total_claimed));
  json.number("withdrawRequestedAt", state.withdraw_requested_at_s);
  json.text("refundNonce", state.refund_nonce.to_decimal_string());
  if (charged) json.text("chargedCumulativeAmount", base::to_decimal_string(*charged));
  return std::move(json).done();
}

}  // namespace facilitator
