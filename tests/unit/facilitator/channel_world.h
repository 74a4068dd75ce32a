#pragma once

// Channels on a chain that says what the test wants: requests as the official packages write them.

#include <map>

#include "evm/channel_contract.h"
#include "facilitator/channel_scheme.h"
#include "tests/support/channels.h"
#include "tests/support/silent_chain.h"
#include "tests/unit/facilitator/scheme_world.h"

namespace support {

namespace channel = commitments::channel;

class ChannelChain final : public SilentChain {
 public:
  ChannelChain() {
    evm::TokenInfo token;
    token.address = channel_token();
    token.name = "USDC";
    token.version = "2";
    token.decimals = 6;
    tokens_.push_back(token);
    chain_id_ = kChannelChain;
    relayer_ = secret_key(Role::keeper, 1).address();
    simulation.succeeds = true;
  }
  void simulate(const base::Address&, const base::Bytes&, evm::Done<evm::Simulation> done) override {
    done(simulation);
  }
  void balance(const base::Address&, const base::Address&, evm::Done<base::u128> done) override { done(wallet); }
  void channel(const base::Address&, const base::Hash& id, evm::Depth depth,
               evm::Done<evm::ChannelState> done) override {
    ++reads;
    if (down) return done(silence());
    done(state(id, depth));
  }
  void channels(const base::Address&, std::vector<base::Hash> ids, evm::Depth depth,
                evm::Done<std::vector<evm::ChannelState>> done) override {
    ++reads;
    if (down) return done(silence());
    std::vector<evm::ChannelState> states;
    for (const base::Hash& id : ids) states.push_back(state(id, depth));
    done(std::move(states));
  }
  void earnings(const base::Address&, const base::Address&, const base::Address&, evm::Depth,
                evm::Done<evm::EarningsState> done) override {
    done(evm::EarningsState{earned, block});
  }

  std::map<base::Hash, channel::Snapshot> newest, confirmed;
  void put(std::uint64_t n, const channel::Snapshot& snapshot) {
    newest[channel_key(n)] = confirmed[channel_key(n)] = snapshot;
    ++block;
  }
  evm::Earnings earned;
  base::u128 wallet = 1'000'000;
  evm::Simulation simulation;
  std::uint64_t block = 100;
  std::size_t reads = 0;
  bool down = false;

 private:
  evm::ChannelState state(const base::Hash& id, evm::Depth depth) {
    evm::ChannelState result;
    result.channel = depth == evm::Depth::newest ? newest[id] : confirmed[id];
    result.block_number = block;
    return result;
  }
};

// The verifying threads: at once, unless they are full.
class InlineIngest final : public ledger::api::IngestService {
 public:
  void submit(commitments::tab::UnverifiedBatch, ledger::api::BatchDone) override {
    FAIL() << "no batch is meant here";
  }
  bool run(std::size_t signatures, std::function<void()> work) override {
    if (full) return false;
    checked += signatures;
    work();
    return true;
  }
  const commitments::tab::Domain& domain() const override { return domain_; }
  bool full = false;
  std::size_t checked = 0;

 private:
  commitments::tab::Domain domain_{"test:tab"};
};

// JSON of the messages, with the pieces that a test bends.
inline std::string config_json(const channel::ChannelConfig& config) {
  return R"({"payer":")" + base::to_hex(config.payer) + R"(","payerAuthorizer":")" +
         base::to_hex(config.payer_authorizer) + R"(","receiver":")" + base::to_hex(config.receiver) +
         R"(","receiverAuthorizer":")" + base::to_hex(config.receiver_authorizer) + R"(","token":")" +
         base::to_hex(config.token) + R"(","withdrawDelay":)" + std::to_string(config.withdraw_delay_s) +
         R"(,"salt":")" + base::to_hex(config.salt) + R"("})";
}

struct Message {
  std::uint64_t n = 0;  // which channel
  std::string type = "voucher";
  base::u128 maximum = 1'000;
  std::string maximum_json = {};  // in the place of the digits in quotes
  std::string price = "1000";
  std::optional<base::Signature> signature = {};  // otherwise the right one
  std::string pay_to = {};                        // otherwise the receiver
  std::string more = {};                          // members of the payload, with a comma before them
  std::string extra = {};                         // of the requirements, otherwise the right one
  std::string envelope = {};                      // members beside paymentPayload
};

inline base::Signature voucher_signature(std::uint64_t n, base::u128 maximum) {
  return secret_key(Role::agent, n).sign(channel::voucher_digest(channel_domain(), channel_key(n), maximum));
}
inline std::string requirements_json(const std::string& price, const std::string& pay_to, const std::string& extra) {
  return R"({"scheme":"batch-settlement","network":"eip155:84532","amount":")" + price + R"(","asset":")" +
         base::to_hex(channel_token()) + R"(","payTo":")" + pay_to + R"(","maxTimeoutSeconds":60,"extra":)" + extra +
         "}";
}

inline std::string envelope_json(const std::string& requirements, const std::string& payload,
                                 const std::string& more = "") {
  return R"({"x402Version":2,"paymentPayload":{"x402Version":2,"accepted":)" + requirements + R"(,"payload":)" +
         payload + R"(},"paymentRequirements":)" + requirements + more + "}";
}
inline std::string request_json(const Message& message) {
  const channel::ChannelConfig config = channel_config(message.n);
  const std::string extra = !message.extra.empty()
                                ? message.extra
                                : R"({"name":"USDC","version":"2","receiverAuthorizer":")" +
                                      base::to_hex(config.receiver_authorizer) + R"(","withdrawDelay":86400})";
  const std::string digits = "\"" + base::to_decimal_string(message.maximum) + "\"";
  const base::Signature signature = message.signature.value_or(voucher_signature(message.n, message.maximum));
  const std::string payload = R"({"type":")" + message.type + R"(","channelConfig":)" + config_json(config) +
                              R"(,"voucher":{"channelId":")" + base::to_hex(channel_key(message.n)) +
                              R"(","maxClaimableAmount":)" +
                              (message.maximum_json.empty() ? digits : message.maximum_json) + R"(,"signature":")" +
                              base::to_hex(signature.view()) + R"("})" + message.more + "}";
  const std::string pay_to = message.pay_to.empty() ? base::to_hex(config.receiver) : message.pay_to;
  return envelope_json(requirements_json(message.price, pay_to, extra), payload, message.envelope);
}

inline base::Address collector() {
  base::Address address;
  address.bytes.fill(0x41);
  return address;
}
// ,"deposit":{...} of channel n.
inline std::string deposit_json(std::uint64_t n, base::u128 amount, std::uint64_t valid_before = kNow + 300,
                                std::uint64_t salt = 1) {
  channel::Deposit deposit;
  deposit.amount = amount;
  deposit.valid_before = base::Uint256(valid_before);
  deposit.salt = base::Uint256(salt);
  const crypto::TokenDomain token("USDC", "2", kChannelChain, channel_token());
  const base::Signature signature =
      secret_key(Role::payer, support::channel_payer(n))
          .sign(crypto::receive_authorization_digest(
              token.separator,
              channel::deposit_authorization(channel_config(n), channel_key(n), deposit, collector())));
  return R"(,"deposit":{"amount":")" + base::to_decimal_string(amount) +
         R"(","authorization":{"erc3009Authorization":{"validAfter":"0","validBefore":")" +
         deposit.valid_before.to_decimal_string() + R"(","salt":")" + base::to_hex(deposit.salt.word()) +
         R"(","signature":")" + base::to_hex(signature.view()) + R"("}}})";
}
inline std::string row_json(std::uint64_t n, base::u128 maximum, base::u128 total,
                            std::optional<base::Signature> signature = std::nullopt) {
  return R"({"voucher":{"channel":)" + config_json(channel_config(n)) + R"(,"maxClaimableAmount":")" +
         base::to_decimal_string(maximum) + R"("},"signature":")" +
         base::to_hex(signature.value_or(voucher_signature(n, maximum)).view()) + R"(","totalClaimed":")" +
         base::to_decimal_string(total) + R"("})";
}
inline std::string server_request(const std::string& payload, std::uint64_t payee = 0) {
  return envelope_json(requirements_json("0", base::to_hex(secret_key(Role::payee, payee).address()), "{}"), payload);
}

class ChannelWorld : public ::testing::Test {
 protected:
  explicit ChannelWorld(const std::string& name = "channels") : world(name) { make(); }
  // `authorizer`: whether the facilitator has the channels' receiver authorizer.
  void make(bool authorizer = true) {
    world.scheme.reset();
    facilitator::ChannelSchemeParts parts{
        chain,       *world.relays, ingest,       world.ledger->service(), world.ledger->reader(),
        world.clock, world.post(),  world.after()};
    parts.contract = channel_contract();
    parts.collector = collector();
    parts.authorizer = authorizer ? &authorizer_key : nullptr;
    parts.in_step = [this] { return in_step; };
    world.scheme = facilitator::make_channel_scheme(std::move(parts));
    payees = {secret_key(Role::payee, 0).address(), secret_key(Role::payee, 1).address()};
    std::sort(payees.begin(), payees.end());
  }
  facilitator::VerifyResponse verify(const Message& message) {
    return std::get<facilitator::VerifyResponse>(
        world.answer_to(facilitator::Operation::verify, request_json(message), payees));
  }
  facilitator::VerifyResponse reserve(const Message& message) {
    return std::get<facilitator::VerifyResponse>(
        world.answer_to(facilitator::Operation::reserve, request_json(message), payees));
  }
  facilitator::SettleResponse capture(Message message, std::uint64_t reservation) {
    message.envelope = ",\"reservation\":\"" + std::to_string(reservation) + "\"";
    return std::get<facilitator::SettleResponse>(
        world.answer_to(facilitator::Operation::capture, request_json(message), payees));
  }
  facilitator::SettleResponse settle(const std::string& request) {
    return std::get<facilitator::SettleResponse>(world.answer_to(facilitator::Operation::settle, request, payees));
  }
  std::string reason(const Message& message) {
    const std::string text = verify(message).reason;
    const std::string prefix = "invalid_batch_settlement_evm_";
    return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
  }

  ChannelChain chain;
  InlineIngest ingest;
  const crypto::SecretKey authorizer_key = secret_key(Role::keeper, 0);
  bool in_step = false;
  std::vector<base::Address> payees;
  SchemeWorld world;
};

}  // namespace support
