#include <boost/asio/post.hpp>

#include "base/check.h"
#include "settlers/stablecoin/settler_impl.h"

namespace settlers::stablecoin {

namespace {

namespace json = boost::json;
using base::ErrorCode;

constexpr std::size_t kTokensMax = 16;
constexpr std::size_t kInFlightMax = 16;  // what pools keep of one account
constexpr unsigned kWeiScale = 18;

tl::unexpected<base::Error> bad(const std::string& message) {
  return base::error(ErrorCode::invalid_argument, message);
}

std::int64_t to_gauge(base::u128 value) {
  constexpr base::u128 kMax = static_cast<base::u128>(INT64_MAX);
  return static_cast<std::int64_t>(value > kMax ? kMax : value);
}

}  // namespace

StablecoinSettler::StablecoinSettler(boost::asio::io_context& io, StablecoinOptions options, RpcUrl url,
                                     crypto::SecretKey signer, const base::Clock& clock)
    : io_(io),
      options_(std::move(options)),
      url_(std::move(url)),
      signer_(std::move(signer)),
      account_(signer_.address()),
      clock_(clock),
      alive_(std::make_shared<bool>(false)),
      watch_timer_(io) {}

StablecoinSettler::~StablecoinSettler() { stop(); }

void StablecoinSettler::stop() {
  *alive_ = false;
  watch_timer_.cancel();
  client_.reset();  // its completions are dropped
  nonces_.reset();  // and the lock released
}

Capabilities StablecoinSettler::capabilities() const {
  Capabilities capabilities;
  capabilities.pull = true;
  capabilities.push = true;
  capabilities.refunds = true;  // by a transfer of its own
  capabilities.can_probe = true;
  capabilities.deduplicates = true;
  capabilities.in_flight_max = options_.in_flight_max;
  capabilities.finality_s = options_.finality.kind == BlockRule::Kind::depth ? options_.finality.depth * 2 : 1800;
  return capabilities;
}

const Token* StablecoinSettler::token_of(ledger::core::AssetId asset) const {
  for (const Token& token : options_.tokens) {
    if (token.asset == asset) return &token;
  }
  return nullptr;
}

RpcCall StablecoinSettler::eth_call(const base::Address& to, const base::Bytes& data) const {
  json::object call;
  call["from"] = base::to_hex(account_);
  call["to"] = base::to_hex(to);
  call["data"] = base::to_hex(data);
  return {"eth_call", {std::move(call), "latest"}};
}

// The nonces of a settlement that the ledger has between sending and final belong to it, whatever the store knew.
void StablecoinSettler::adopt(const Settlement& settlement) {
  if (decode_seen(settlement.request)) return;  // not ours: it has no nonce of ours
  const auto transactions = decode_request(settlement.request);
  const base::Result<void> armed = transactions ? arm(*transactions, settlement.idempotency_key)
                                                : base::Result<void>(tl::unexpected<base::Error>(transactions.error()));
  if (armed) return;
  checked_ = Checked::refused;
  refusal_ = "settlement " + std::to_string(settlement.id.value) + ": " + armed.error().message;
  note_problem(refusal_);
}

base::Result<void> StablecoinSettler::arm(const std::vector<SignedTransaction>& transactions, const base::Hash& key) {
  std::vector<Slot> slots;
  for (const SignedTransaction& signed_transaction : transactions) {
    ASSIGN_OR_RETURN(const DecodedTransaction decoded, decode_transaction(signed_transaction.raw));
    const std::uint64_t nonce = decoded.transaction.nonce;
    if (decoded.sender != account_ || decoded.transaction.chain_id != options_.chain_id)
      return bad("it was signed by " + base::to_hex(decoded.sender) + " for chain " +
                 std::to_string(decoded.transaction.chain_id) +
                 "; finish or cancel it with that signer before changing signer or chain");
    Slot slot;
    if (const Slot* known = nonces_->find(nonce)) slot = *known;
    if (!slot.variants.empty() && slot.key != key)
      return base::error(ErrorCode::corruption, "nonce " + std::to_string(nonce) +
                                                    " is given to two payments: the nonce file is older than the "
                                                    "ledger or not its own");
    if (slot.state == SlotState::armed && !slot.variants.empty()) continue;
    slot.nonce = nonce;
    slot.key = key;
    slot.state = SlotState::armed;
    if (slot.variants.empty()) slot.variants.push_back(signed_transaction);
    slots.push_back(std::move(slot));
  }
  if (slots.empty()) return {};
  return nonces_->put(slots);
}

void StablecoinSettler::abandon(const Prepared& prepared) {
  if (!nonces_) return;
  std::vector<Slot> slots;
  for (const auto& [nonce, slot] : nonces_->slots()) {
    if (slot.key != prepared.idempotency_key || slot.state != SlotState::reserved) continue;
    preparing_.erase(nonce);
    slots.push_back(slot);
    slots.back().state = SlotState::abandoned;
  }
  if (slots.empty()) return;
  const base::Result<void> put = nonces_->put(slots);
  if (!put) note_problem(put.error().to_string());
}

void StablecoinSettler::send(const Instruction& instruction, Done<Outcome> done) {
  if (decode_seen(instruction.settlement.request)) return probe(instruction, std::move(done));
  Outcome failed;
  failed.state = SettlementState::failed;
  failed.failure = FailureClass::technical;
  auto transactions = decode_request(instruction.settlement.request);
  if (!transactions || !sending_allowed_) {
    failed.detail = transactions ? "sending is switched off; nothing was sent" : transactions.error().message;
    Prepared prepared;
    prepared.idempotency_key = instruction.settlement.idempotency_key;
    abandon(prepared);
    return done(failed);
  }
  const base::Result<void> armed = arm(*transactions, instruction.settlement.idempotency_key);
  if (!armed) {
    failed.detail = "nothing was sent: " + armed.error().to_string();
    note_problem(failed.detail);
    return done(failed);
  }
  for (const auto& [nonce, slot] : nonces_->slots()) {
    if (slot.key == instruction.settlement.idempotency_key) {
      preparing_.erase(nonce);
      ages_[nonce] = {now_ns(), now_ns()};
    }
  }
  broadcast(std::make_shared<std::vector<SignedTransaction>>(std::move(*transactions)), 0, instruction,
            std::move(done));
}

// One after the other, in the order of their nonces.
void StablecoinSettler::broadcast(std::shared_ptr<std::vector<SignedTransaction>> transactions, std::size_t index,
                                  const Instruction& instruction, Done<Outcome> done) {
  const SignedTransaction& transaction = (*transactions)[index];
  client_->call("eth_sendRawTransaction", {base::to_hex(transaction.raw)},
                [this, transactions, index, instruction, done = std::move(done)](const RpcResult& result) mutable {
                  Outcome outcome;
                  outcome.next_probe_ms = options_.poll_ms;
                  outcome.reference = base::to_hex(transactions->back().hash);
                  const BroadcastReply reply = result || result.error().transport
                                                   ? BroadcastReply::known
                                                   : broadcast_reply(result.error().message);
                  if (!result && (result.error().transport || reply == BroadcastReply::refused)) {
                    outcome.state = SettlementState::unknown;
                    outcome.rail_fault = true;
                    outcome.detail = (result.error().transport ? "" : "the node refused the transaction for now: ") +
                                     result.error().message;
                    return done(outcome);
                  }
                  if (reply == BroadcastReply::nonce_too_low) return probe(instruction, std::move(done));
                  if (index + 1 < transactions->size())
                    return broadcast(transactions, index + 1, instruction, std::move(done));
                  outcome.state = SettlementState::accepted;
                  done(outcome);
                });
}

void StablecoinSettler::note_problem(std::string problem) {
  view_.problem = std::move(problem);
  show();
}

void StablecoinSettler::show() {
  if (nonces_) view_.next_nonce = nonces_->next();
  const std::lock_guard<std::mutex> lock(shown_mutex_);
  shown_ = view_;
}

std::string StablecoinSettler::describe() const {
  View view;
  {
    const std::lock_guard<std::mutex> lock(shown_mutex_);
    view = shown_;
  }
  std::string text = "chain " + std::to_string(options_.chain_id);
  if (!view.seen) {
    text += ", node not seen yet";
  } else {
    const std::uint64_t now_s = clock_.now().seconds();
    const std::uint64_t lag_s = now_s > view.head.timestamp_s ? now_s - view.head.timestamp_s : 0;
    text += " block " + std::to_string(view.head.number) + " (" + std::to_string(lag_s) + " s old), signer " +
            base::to_hex(account_) + " has " +
            base::Amount::from_units(view.gas_balance_wei).value_or(base::Amount{}).to_decimal_string(kWeiScale) +
            " for gas, nonce " + std::to_string(view.next_nonce) + ", " +
            std::to_string(view.next_nonce > view.mined_nonces ? view.next_nonce - view.mined_nonces : 0) +
            " not mined";
    if (view.gas_balance_wei < options_.gas_balance_min_wei) text += "; WARNING: little gas money left";
  }
  if (!view.problem.empty()) text += "; " + view.problem;
  return text;
}

std::vector<Gauge> StablecoinSettler::gauges() const {
  View view;
  {
    const std::lock_guard<std::mutex> lock(shown_mutex_);
    view = shown_;
  }
  const std::uint64_t now_s = clock_.now().seconds();
  const std::uint64_t lag_s = view.seen && now_s > view.head.timestamp_s ? now_s - view.head.timestamp_s : 0;
  const std::uint64_t unmined = view.next_nonce > view.mined_nonces ? view.next_nonce - view.mined_nonces : 0;
  return {{"signer_balance_gwei", to_gauge(view.gas_balance_wei / 1'000'000'000)},
          {"signer_next_nonce", to_gauge(view.next_nonce)},
          {"signer_unmined_transactions", to_gauge(unmined)},
          {"chain_head_block", to_gauge(view.head.number)},
          {"chain_lag_seconds", to_gauge(lag_s)},
          {"fee_bumps_total", to_gauge(view.bumps)},
          {"nonce_gaps_filled_total", to_gauge(view.fillers)},
          {"reorganisations_total", to_gauge(view.reorganisations)}};
}

base::Result<std::unique_ptr<Settler>> make_stablecoin(boost::asio::io_context& io, StablecoinOptions options,
                                                       crypto::SecretKey signer, const base::Clock& clock) {
  ASSIGN_OR_RETURN(RpcUrl url, parse_rpc_url(options.rpc_url));
  if (!base::RailName::parse(options.rail) || options.rail.empty())
    return bad("rail \"" + options.rail + "\" is not a name of 1 to 16 printable characters");
  if (options.chain_id == 0) return bad("chain_id is missing");
  if (options.state_directory.empty()) return bad("state_directory is missing");
  if (options.tokens.empty() || options.tokens.size() > kTokensMax) return bad("tokens: 1 to 16 are needed");
  for (std::size_t i = 0; i < options.tokens.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (options.tokens[i].asset == options.tokens[j].asset)
        return bad("tokens: asset " + std::to_string(options.tokens[i].asset.value) + " is listed twice");
    }
  }
  for (const BlockRule& rule : {options.confirmed, options.finality}) {
    if (rule.kind == BlockRule::Kind::depth && rule.depth == 0) return bad("a depth of confirmations is at least 1");
  }
  if (options.in_flight_max == 0 || options.in_flight_max > kInFlightMax)
    return bad("in_flight_max is from 1 to " + std::to_string(kInFlightMax));
  if (options.poll_ms == 0 || options.rpc_timeout_ms == 0) return bad("poll_ms and rpc_timeout_ms must not be 0");
  return std::make_unique<StablecoinSettler>(io, std::move(options), std::move(url), std::move(signer), clock);
}

}  // namespace settlers::stablecoin
