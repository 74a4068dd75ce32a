// Checks against the chain before any money moves: the chain id, each token's code, decimals and signing domain.

#include "settlers/stablecoin/settler_impl.h"

namespace settlers::stablecoin {

namespace {

using base::ErrorCode;
namespace json = boost::json;

constexpr std::size_t kChainCalls = 3;  // chain id, mined and pending transaction count
constexpr std::size_t kTokenCalls = 3;  // code, DOMAIN_SEPARATOR(), decimals()

// Whether the error is a contract's word.
bool is_revert(const RpcError& error) {
  constexpr std::int64_t kExecutionReverted = 3;
  if (error.transport) return false;
  return error.code == kExecutionReverted || !error.data.empty() || error.message.find("revert") != std::string::npos;
}

// The node says nothing about the chain: no answer, or a trouble of its own, such as a limit on requests. It passes, so
// that it must not be taken for a wrong chain or token, which nobody looks at again.
const RpcError* trouble(const std::vector<RpcResult>& results) {
  for (const RpcResult& result : results) {
    if (!result && !is_revert(result.error())) return &result.error();
  }
  return nullptr;
}

std::string text_of(const RpcResult& result) {
  if (!result) return "an error (" + result.error().message + ")";
  return result->is_string() ? std::string(result->as_string()) : "no text";
}

}  // namespace

std::vector<RpcCall> StablecoinSettler::chain_calls() const {
  const std::string account = base::to_hex(account_);
  std::vector<RpcCall> calls;
  calls.push_back({"eth_chainId", {}});
  calls.push_back({"eth_getTransactionCount", {account, "latest"}});
  calls.push_back({"eth_getTransactionCount", {account, "pending"}});
  for (const Token& token : options_.tokens) {
    calls.push_back({"eth_getCode", {base::to_hex(token.address), "latest"}});
    calls.push_back(eth_call(token.address, call_domain_separator()));
    calls.push_back(eth_call(token.address, call_decimals()));
  }
  return calls;
}

base::Result<void> StablecoinSettler::judge_token(const Token& token, const RpcResult* results) const {
  const std::string named =
      "token " + base::to_hex(token.address) + " (asset " + std::to_string(token.asset.value) + ")";
  const auto code = results[0] ? data_bytes(*results[0]) : std::nullopt;
  if (!code || code->empty())
    return base::error(
        ErrorCode::invalid_argument,
        named + " has no code on chain " + std::to_string(options_.chain_id) + ": wrong address or wrong chain");
  const base::Hash expected = domain_separator(token, options_.chain_id);
  const auto actual = results[1] ? data_fixed<base::Hash>(*results[1]) : std::nullopt;
  if (actual != expected)
    return base::error(ErrorCode::invalid_argument, named + ": DOMAIN_SEPARATOR() is " + text_of(results[1]) +
                                                        ", but name \"" + token.eip712_name + "\" and version \"" +
                                                        token.eip712_version + "\" give " + base::to_hex(expected) +
                                                        ": correct eip712_name and eip712_version");
  const auto decimals_data = results[2] ? data_bytes(*results[2]) : std::nullopt;
  const auto decimals = decimals_data ? number_from_word(*decimals_data) : std::nullopt;
  if (decimals != base::u128{token.decimals})
    return base::error(ErrorCode::invalid_argument, named + ": decimals() is " + text_of(results[2]) +
                                                        ", but the configuration says " +
                                                        std::to_string(token.decimals));
  return {};
}

base::Result<void> StablecoinSettler::judge_chain(const std::vector<RpcResult>& results) {
  const auto chain_id = results[0] ? quantity64(*results[0]) : std::nullopt;
  if (chain_id != options_.chain_id)
    return base::error(ErrorCode::invalid_argument, "the node at " + url_.host_header + " is on chain " +
                                                        (chain_id ? std::to_string(*chain_id) : text_of(results[0])) +
                                                        ", but chain_id is " + std::to_string(options_.chain_id));
  for (std::size_t i = 0; i < options_.tokens.size(); ++i)
    RETURN_IF_ERROR(judge_token(options_.tokens[i], &results[kChainCalls + i * kTokenCalls]));
  const auto mined = results[1] ? quantity64(*results[1]) : std::nullopt;
  const auto pending = results[2] ? quantity64(*results[2]) : std::nullopt;
  if (!mined || !pending)
    return base::error(ErrorCode::unavailable, "the node does not tell the signer's transaction count");
  // Only here, before anything is in flight, the chain may raise the next nonce; from now on this process gives it.
  view_.mined_nonces = *mined;
  return nonces_->raise_next(std::max(*mined, *pending));
}

void StablecoinSettler::check_chain(Done<base::Result<void>> done) {
  client_->batch(chain_calls(), [this, done = std::move(done)](const std::vector<RpcResult>& results) {
    if (const RpcError* error = trouble(results)) {
      note_problem(error->message);
      return done(base::error(ErrorCode::unavailable,
                              "the node at " + url_.host_header + " does not answer: " + error->message));
    }
    base::Result<void> judged = judge_chain(results);
    if (judged) {
      checked_ = Checked::passed;
      note_problem({});
    } else if (judged.error().code != ErrorCode::unavailable) {
      checked_ = Checked::refused;
      refusal_ = judged.error().message;
      note_problem(refusal_);
    }
    done(std::move(judged));
  });
}

void StablecoinSettler::start(Done<base::Result<void>> done) {
  base::Result<std::unique_ptr<NonceStore>> nonces =
      NonceStore::open(options_.state_directory, options_.chain_id, account_);
  if (!nonces) return done(tl::unexpected<base::Error>(std::move(nonces).error()));
  nonces_ = std::move(*nonces);
  client_ = std::make_unique<JsonRpcClient>(io_, url_, options_.rpc_timeout_ms);
  *alive_ = true;
  check_chain([this, done = std::move(done)](base::Result<void> checked) {
    if (!checked && checked.error().code != ErrorCode::unavailable) return done(std::move(checked));
    schedule_watch();  // also tries the checks again when the node did not answer
    done({});
  });
}

}  // namespace settlers::stablecoin
