#include "facilitator/channel_verify.h"

#include "evm/channel_orders.h"

namespace facilitator {

namespace channel = commitments::channel;
using base::Result;
using channel::Code;
using channel::Snapshot;

namespace {

constexpr std::string_view kNoAuthorizer =
    "channels without a payerAuthorizer are not taken: whose signatures count would depend on code at the payer's "
    "address";

std::string_view describe(crypto::SignatureCheck check) {
  using C = crypto::SignatureCheck;
  switch (check) {
    case C::ok: return {};
    case C::wrong: return "another key signed, or something else was signed";
    case C::high_s: return "s is in the upper half";
    case C::bad_v: return "v is not 27 or 28";
    case C::out_of_range: return "r or s is out of range";
  }
  return {};
}

// The chain's three answers about a deposit, as they come.
struct Views {
  Result<evm::ChannelState> channel = base::error(base::ErrorCode::unavailable, "");
  Result<base::u128> balance = base::error(base::ErrorCode::unavailable, "");
  Result<evm::Simulation> simulation = base::error(base::ErrorCode::unavailable, "");
  int missing = 3;
};

Result<DepositView> judge(const ChannelJob& job, const Views& views) {
  if (!views.channel) return tl::unexpected(views.channel.error());
  if (!views.balance) return tl::unexpected(views.balance.error());
  if (!views.simulation) return tl::unexpected(views.simulation.error());
  DepositView view;
  view.channel = views.channel->channel;
  view.code =
      channel::check_deposit(job.payload.deposit, job.payload.item.voucher.maximum, *views.balance, view.channel);
  if (view.code == Code::ok && !views.simulation->succeeds) {
    // Nothing is known of the deposit then: the payer must not hear that it was refused.
    if (!evm::is_revert(*views.simulation))
      return base::error(base::ErrorCode::unavailable, "the node does not simulate: " + views.simulation->reason);
    view.code = Code::deposit_simulation_failed;
    view.why = views.simulation->reason;
  }
  return view;
}

}  // namespace

void take_answer(ChannelJob& job, const channel::Answer& answer) {
  job.code = answer.code;
  if (answer.code == Code::voucher_signature || answer.code == Code::receive_authorization_signature)
    job.why = describe(answer.signature);
  if (answer.code == Code::ok && answer.payer_must_have_no_code) {
    job.code = Code::voucher_signature;
    job.why = kNoAuthorizer;
  }
}

void check_voucher_signature(ChannelJob& job) {
  channel::Answer answer;
  channel::verify_vouchers({&job.payload.item, 1}, {&answer, 1});
  take_answer(job, answer);
}

void check_deposit_signatures(ChannelJob& job, const base::Address& collector, std::uint64_t now_s) {
  take_answer(job, channel::verify_deposit(job.payload.item, job.payload.deposit, *job.token, collector, now_s));
}

void ChannelVerify::answer(const ChannelJob& job, const Snapshot& state) const {
  VerifyResponse response;
  response.valid = true;
  response.payer = job.payload.payer;
  response.extra = channel_state_json(job.payload.item.voucher.channel_id, state);
  job.done(std::move(response));
}

void ChannelVerify::voucher(const SharedJob& job) {
  desk_.check_voucher(job, [this, job] {
    desk_.state_of(job->payload.item.voucher.channel_id, [this, job](const Result<Snapshot>& state) {
      if (!state) return job->done(chain_unavailable(state.error().message));
      const bool refund = job->payload.action == ChannelAction::refund;
      const auto purpose = refund ? channel::Purpose::refund : channel::Purpose::charge;
      const Code code = channel::check_voucher(job->payload.item.voucher.maximum, purpose, 0, *state);
      if (code != Code::ok) return job->done(desk_.refuse(*job, code));
      answer(*job, *state);
    });
  });
}

void ChannelVerify::deposit(const SharedJob& job) {
  const auto check = [collector = desk_.parts().collector, now = desk_.parts().clock.now().seconds()](ChannelJob& one) {
    check_deposit_signatures(one, collector, now);
  };
  desk_.check(job, 2, check, [this, job] {
    look_at_deposit(job, [this, job](const Result<DepositView>& view) {
      if (!view) return job->done(chain_unavailable(view.error().message));
      if (view->code != Code::ok) return job->done(desk_.refuse(*job, view->code, view->why));
      answer(*job, view->channel);
    });
  });
}

void ChannelVerify::look_at_deposit(const SharedJob& job, DepositViewDone done) {
  const ChannelPayload& payload = job->payload;
  const evm::ChannelOrder order =
      evm::deposit_order(payload.item, payload.deposit, *job->token, desk_.parts().collector);
  auto views = std::make_shared<Views>();
  const auto arrived = [job, views, done = std::move(done)] {
    if (--views->missing == 0) done(judge(*job, *views));
  };
  evm::Chain& chain = desk_.parts().chain;
  desk_.ask_chain(payload.item.voucher.channel_id, evm::Depth::newest, [views, arrived](const auto& state) {
    views->channel = state;
    arrived();
  });
  chain.balance(job->token->token, payload.item.config.payer,
                desk_.here<base::u128>([views, arrived](const Result<base::u128>& balance) {
                  views->balance = balance;
                  arrived();
                }));
  chain.simulate(order.order.to, order.order.data,
                 desk_.here<evm::Simulation>([views, arrived](const Result<evm::Simulation>& simulation) {
                   views->simulation = simulation;
                   arrived();
                 }));
}

}  // namespace facilitator
