#include "facilitator/channel_store.h"

#include <algorithm>

#include "base/uint256.h"
#include "facilitator/json_text.h"

namespace facilitator {

namespace channel = commitments::channel;
namespace core = ledger::core;
using base::Result;
using base::Status;
using channel::Code;

namespace {

// How long a voucher stays reserved: what the server allows for an answer, within these bounds. Seconds.
constexpr std::uint64_t kReserveSecondsMin = 5;
constexpr std::uint64_t kReserveSecondsMax = 600;

const base::Hash& id_of(const ChannelJob& job) { return job.payload.item.voucher.channel_id; }

std::string voucher_state_json(const core::Channel& kept) {
  JsonObject json;
  json.text("signedMaxClaimable", base::to_decimal_string(kept.signed_maximum));
  json.text("signature", base::to_hex(kept.signature.view()));
  return std::move(json).done();
}

base::Hash refund_relay_key(const channel::Domain& domain, const ChannelJob& job) {
  // A refund's own digest with the reservation in the place of the nonce: no contract would take it.
  return evm::refund_key(domain, {job.payload.item.config, id_of(job), 0, base::Uint256(job.reservation), {}});
}

}  // namespace

void ChannelStore::submit(core::Command command, ReceiptDone done) const {
  desk_.parts().ledger.submit(std::move(command), [post = desk_.parts().post, done = std::move(done)](Receipt receipt) {
    post([done, receipt = std::move(receipt)] { done(receipt); });
  });
}

Answer ChannelStore::refused(const ChannelJob& job, const core::CommandResult& result) const {
  constexpr std::uint32_t kRetryAfterMs = 100;
  const base::StatusInfo& info = base::info(result.status);
  if (result.status == Status::overloaded || result.status == Status::shutting_down)
    return Refusal{503, std::string(info.name), std::string(info.sentence),
                   "Send the same request again after the time in Retry-After.", kRetryAfterMs};
  JsonObject extra;
  extra.number("status", static_cast<std::uint64_t>(result.status)).text("statusName", info.name);
  extra.text("next", base::name(info.next_step));
  if (result.status == Status::channel_amount_mismatch) {
    // What a client needs to sign the next voucher rightly.
    if (const Result<core::Channel> kept = desk_.parts().reader.channel(id_of(job))) {
      extra.raw("channelState", channel_state_json(kept->key, kept->chain, kept->charged));
      if (kept->signed_maximum != 0) extra.raw("voucherState", voucher_state_json(*kept));
    }
  }
  const std::string reason =
      info.x402_code.empty() ? "invalid_batch_settlement_evm_" + std::string(info.name) : std::string(info.x402_code);
  std::string message(info.sentence);
  if (!result.detail.empty()) message += " (" + result.detail + ")";
  return rejected(job.operation, desk_.network(), reason, std::move(message), job.payload.payer,
                  std::move(extra).done());
}

void ChannelStore::sync(const SharedJob& job, bool may_open, Next next) {
  const auto look = [this, job, may_open, next = std::move(next)](const Result<evm::ChannelState>& state) {
    if (!state) return job->done(chain_unavailable(state.error().message));
    if (!may_open && state->channel.balance == 0) return job->done(desk_.refuse(*job, Code::channel_not_found));
    core::SyncChannel command;
    command.chain_id = desk_.domain().chain_id;
    command.contract = desk_.domain().contract;
    command.config = job->payload.item.config;
    command.key = id_of(*job);
    command.snapshot = state->channel;
    command.block = state->block_number;
    submit(std::move(command), [this, job, next](const Receipt& receipt) {
      if (!base::accepted(receipt.result.status)) return job->done(refused(*job, receipt.result));
      next();
    });
  };
  desk_.ask_chain(id_of(*job), evm::Depth::confirmed, look);
}

// ---- Reserve.

void ChannelStore::reserve(const SharedJob& job) {
  const base::Address& authorizer = job->payload.item.config.receiver_authorizer;
  if (desk_.parts().authorizer == nullptr) return job->done(desk_.refuse(*job, Code::authorizer_not_configured));
  if (!desk_.is_authorizer(authorizer))
    return job->done(desk_.refuse(*job, Code::authorizer_address_mismatch,
                                  "only channels that name this facilitator's key are kept here, as it claims them"));
  if (job->payload.action == ChannelAction::deposit) return reserve_deposit(job);
  desk_.check_voucher(job, [this, job] {
    const ChannelSchemeParts& parts = desk_.parts();
    if (parts.in_step && parts.in_step() && parts.reader.channel(id_of(*job))) return reserve_now(job, false);
    sync(job, false, [this, job] { reserve_now(job, true); });
  });
}

void ChannelStore::reserve_deposit(const SharedJob& job) {
  const auto check = [collector = desk_.parts().collector, now = desk_.parts().clock.now().seconds()](ChannelJob& one) {
    check_deposit_signatures(one, collector, now);
  };
  desk_.check(job, 2, check, [this, job] {
    verify_.look_at_deposit(job, [this, job](const Result<DepositView>& view) {
      if (!view) return job->done(chain_unavailable(view.error().message));
      if (view->code != Code::ok) return job->done(desk_.refuse(*job, view->code, view->why));
      if (!may_open(*job, view->channel)) {
        core::CommandResult result;
        result.status = Status::limit_reached;
        result.detail = "this payer opened " + std::to_string(base::limits::kUnfundedChannelsMax) +
                        " channels whose deposits did not come; pay on one of them";
        return job->done(refused(*job, result));
      }
      sync(job, true, [this, job] { reserve_now(job, true); });
    });
  });
}

bool ChannelStore::may_open(const ChannelJob& job, const channel::Snapshot& newest) {
  const ledger::api::LedgerReader& reader = desk_.parts().reader;
  if (newest.balance != 0 || reader.channel(id_of(job))) return true;
  return unfunded_.admit(job.payload.item.config.payer, id_of(job), [&reader](const base::Hash& id) {
    const Result<core::Channel> kept = reader.channel(id);
    return kept && kept->chain.balance != 0;
  });
}

void ChannelStore::reserve_now(const SharedJob& job, bool synced) {
  const ChannelPayload& payload = job->payload;
  core::ReserveVoucher command;
  command.key = id_of(*job);
  command.refund = payload.action == ChannelAction::refund;
  command.maximum = payload.item.voucher.maximum;
  command.signature = payload.item.voucher.signature;
  command.request = job->request_id;
  command.amount = job->price;
  if (payload.action == ChannelAction::deposit) command.deposit = payload.deposit.amount;
  if (command.refund) {
    const Result<core::Channel> kept = desk_.parts().reader.channel(command.key);
    if (!kept) return job->done(chain_unavailable(kept.error().message));
    // The ledger takes it only if the voucher stands at what was charged then; that may be more than at this look.
    const base::u128 left = kept->chain.balance > command.maximum ? kept->chain.balance - command.maximum : 0;
    command.amount = payload.amount.value_or(left);
    if (left == 0) return job->done(desk_.refuse(*job, Code::refund_no_balance));
  } else {
    command.ttl_s = std::clamp(job->max_timeout_s, kReserveSecondsMin, kReserveSecondsMax);
  }
  submit(std::move(command), [this, job, synced](const Receipt& receipt) {
    // The payer may have put money in since the last look.
    if (!synced && receipt.result.status == Status::channel_exceeds_balance)
      return sync(job, false, [this, job] { reserve_now(job, true); });
    reserved(job, receipt);
  });
}

void ChannelStore::reserved(const SharedJob& job, const Receipt& receipt) {
  if (!base::accepted(receipt.result.status)) return job->done(refused(*job, receipt.result));
  const Result<core::Channel> kept = desk_.parts().reader.channel(id_of(*job));
  if (!kept) return job->done(chain_unavailable(kept.error().message));
  std::string extra = channel_state_json(kept->key, kept->chain, kept->charged);
  extra.pop_back();
  extra += ",\"reservation\":\"" + std::to_string(receipt.result.sequence.value) + "\"";
  if (kept->reservation.sequence == receipt.result.sequence && kept->reservation.expires.us != 0)
    extra += ",\"expiresAt\":" + std::to_string(kept->reservation.expires.seconds());
  if (receipt.result.status == Status::already_accepted) extra += ",\"repeated\":true";
  extra += "}";
  VerifyResponse response;
  response.valid = true;
  response.payer = job->payload.payer;
  response.extra = std::move(extra);
  job->done(std::move(response));
}

// ---- Capture.

void ChannelStore::capture(const SharedJob& job) {
  const channel::VoucherItem& item = job->payload.item;
  // The receiver is payTo, for whom the caller may charge: that is what gives the right to the reservation.
  const Code code = channel::check_config(desk_.domain(), item.config, item.voucher.channel_id, item.terms);
  if (code != Code::ok) return job->done(desk_.refuse(*job, code));
  const bool refund = job->payload.action == ChannelAction::refund;
  if (job->price == 0) return refund ? release_refund(job) : release(job);
  if (refund) return capture_refund(job);
  if (job->payload.action == ChannelAction::deposit) return capture_deposit(job);
  capture_now(job, {});
}

void ChannelStore::capture_deposit(const SharedJob& job) {
  settle_.send_deposit(job, [this, job](const RelayAnswer& answer) {
    if (answer.kind == RelayAnswer::Kind::failed)
      submit(core::ReleaseReservation{id_of(*job), core::Sequence(job->reservation)}, [](const Receipt&) {});
    if (answer.kind != RelayAnswer::Kind::done) return job->done(settle_.unfinished(*job, answer));
    sync(job, true, [this, job, transaction = answer.settlement.reference] { capture_now(job, transaction); });
  });
}

void ChannelStore::capture_now(const SharedJob& job, const std::string& transaction) {
  const std::optional<base::Amount> amount = base::Amount::from_units(job->price);
  if (!amount)
    return job->done(desk_.refuse(*job, Code::charge_exceeds_signed_cumulative, "amount: allowed: 0 to 2^127 - 1"));
  core::CaptureReservation command;
  command.key = id_of(*job);
  command.reservation = core::Sequence(job->reservation);
  command.usage.amount = *amount;
  command.usage.quantity = 1;
  command.usage.unit = *base::Unit::parse("request");
  command.usage.resource = job->resource;
  submit(std::move(command), [this, job, transaction](const Receipt& receipt) { captured(job, transaction, receipt); });
}

void ChannelStore::captured(const SharedJob& job, const std::string& transaction, const Receipt& receipt) {
  // The deposit is in its block, and the node that was asked for the channel does not have that block yet.
  if (receipt.result.status == Status::channel_exceeds_balance && !transaction.empty()) {
    SettleResponse response;
    response.network = desk_.network();
    response.payer = job->payload.payer;
    response.transaction = transaction;
    return job->done(pending_answer(std::move(response)));
  }
  if (!base::accepted(receipt.result.status)) return job->done(refused(*job, receipt.result));
  const Result<core::Channel> kept = desk_.parts().reader.channel(id_of(*job));
  const Result<ledger::api::StoredEntry> stored = desk_.parts().reader.entry(receipt.result.sequence);
  const auto* charge = stored ? std::get_if<core::ChannelCharged>(&stored->entry) : nullptr;
  if (!kept || charge == nullptr) return job->done(chain_unavailable("the channel's row cannot be read"));
  SettleResponse response;
  response.success = true;
  response.network = desk_.network();
  response.payer = job->payload.payer;
  response.transaction = transaction;
  const bool deposit = job->payload.action == ChannelAction::deposit;
  response.amount = deposit ? base::to_decimal_string(job->payload.deposit.amount) : std::string();
  JsonObject extra;
  extra.raw("channelState", channel_state_json(kept->key, kept->chain, charge->charged));
  extra.text("chargedAmount", base::to_decimal_string(job->price));
  extra.text("commitmentId", std::to_string(receipt.result.sequence.value));
  response.extra = std::move(extra).done();
  job->done(std::move(response));
}

void ChannelStore::release(const SharedJob& job) {
  submit(core::ReleaseReservation{id_of(*job), core::Sequence(job->reservation)}, [this, job](const Receipt& receipt) {
    if (!base::accepted(receipt.result.status)) return job->done(refused(*job, receipt.result));
    SettleResponse response;
    response.success = true;
    response.network = desk_.network();
    response.payer = job->payload.payer;
    response.amount = std::string();
    JsonObject extra;
    if (const Result<core::Channel> kept = desk_.parts().reader.channel(id_of(*job)))
      extra.raw("channelState", channel_state_json(kept->key, kept->chain, kept->charged));
    extra.text("chargedAmount", "0");
    response.extra = std::move(extra).done();
    job->done(std::move(response));
  });
}

// Not while its transaction may be on its way: what goes back would be promised to vouchers again.
void ChannelStore::release_refund(const SharedJob& job) {
  const base::Hash key = refund_relay_key(desk_.domain(), *job);
  desk_.parts().relays.find(key, 0, [this, job](const RelayAnswer& answer) {
    const bool under_way = answer.kind == RelayAnswer::Kind::done || answer.kind == RelayAnswer::Kind::pending;
    under_way ? refunded(job, answer) : release(job);
  });
}

// ---- Capture of a refund: a claim of what is owed, and the refund, in one transaction.

void ChannelStore::capture_refund(const SharedJob& job) {
  const base::Hash key = refund_relay_key(desk_.domain(), *job);
  desk_.parts().relays.find(key, desk_.parts().settle_wait_ms, [this, job, key](const RelayAnswer& answer) {
    if (answer.kind == RelayAnswer::Kind::done || answer.kind == RelayAnswer::Kind::pending)
      return refunded(job, answer);
    const Result<core::Channel> kept = desk_.parts().reader.channel(id_of(*job));
    if (!kept || kept->reservation.sequence.value != job->reservation || !kept->reservation.refund) {
      core::CommandResult result;
      result.status = kept ? Status::reservation_ended : Status::channel_unknown;
      return job->done(refused(*job, result));
    }
    send_refund(job, key, *kept);
  });
}

void ChannelStore::send_refund(const SharedJob& job, const base::Hash& key, const core::Channel& kept) {
  if (!desk_.is_authorizer(kept.config.receiver_authorizer))
    return job->done(desk_.refuse(*job, Code::authorizer_address_mismatch));
  const auto look = [this, job, key, kept](const Result<evm::ChannelState>& state) {
    if (!state) return job->done(chain_unavailable(state.error().message));
    const channel::Snapshot& now = state->channel;
    std::vector<channel::Claim> rows;
    if (kept.charged > now.total_claimed)
      rows.push_back({kept.config, kept.reservation.maximum, kept.reservation.signature, true, kept.charged});
    const base::u128 claimed = std::max(kept.charged, now.total_claimed);
    if (claimed >= now.balance) return job->done(desk_.refuse(*job, Code::refund_no_balance));
    evm::ChannelRefund refund{kept.config, kept.key, std::min(kept.reservation.amount, now.balance - claimed),
                              now.refund_nonce, rows};
    const crypto::SecretKey& authorizer = *desk_.parts().authorizer;
    const base::Signature refund_signature =
        authorizer.sign(channel::refund_digest(desk_.domain(), kept.key, refund.nonce, refund.amount));
    base::Signature claim_signature;
    if (!rows.empty()) claim_signature = authorizer.sign(evm::claim_key(desk_.domain(), rows));
    const evm::ChannelOrder order =
        evm::refund_order(desk_.domain(), key, refund, refund_signature, claim_signature, desk_.parts().claim_gas_max);
    desk_.parts().relays.run(desk_.plan(order), Relays::Same::key, desk_.parts().settle_wait_ms,
                             [this, job](const RelayAnswer& answer) { refunded(job, answer); });
  };
  desk_.ask_chain(kept.key, evm::Depth::newest, look);
}

void ChannelStore::refunded(const SharedJob& job, const RelayAnswer& answer) {
  if (answer.kind != RelayAnswer::Kind::done) return job->done(settle_.unfinished(*job, answer));
  sync(job, true, [this, job, answer] {
    const Result<core::Channel> kept = desk_.parts().reader.channel(id_of(*job));
    const Result<ledger::api::StoredEntry> stored = desk_.parts().reader.entry(core::Sequence(job->reservation));
    const auto* reserved = stored ? std::get_if<core::ChannelReserved>(&stored->entry) : nullptr;
    SettleResponse response = desk_.settle_response(*job, answer);
    // Without its mark on the channel the node that was asked is behind.
    if (!kept || reserved == nullptr || kept->reservation.sequence.value == job->reservation)
      return job->done(pending_answer(std::move(response)));
    response.success = true;
    response.amount = base::to_decimal_string(reserved->amount);
    JsonObject extra;
    extra.raw("channelState", channel_state_json(kept->key, kept->chain, kept->charged));
    response.extra = std::move(extra).done();
    job->done(std::move(response));
  });
}

}  // namespace facilitator
