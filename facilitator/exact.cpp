#include "facilitator/exact.h"

#include <algorithm>

#include "base/uint256.h"
#include "commitments/exact/verify.h"
#include "crypto/eip3009.h"
#include "evm/eip3009.h"
#include "evm/order.h"
#include "evm/refusal.h"
#include "facilitator/fields.h"
#include "facilitator/json_text.h"

namespace facilitator {

namespace {

namespace exact = commitments::exact;
using exact::Code;

constexpr std::size_t kSignatureBytes = base::Signature::kSize;

// One payment, read and resolved; the request that it came with is not needed any more.
struct Payment {
  const crypto::TokenDomain* token = nullptr;
  exact::Item item;
  std::string payer;
};

evm::RelayOrder order_of(const Payment& payment) {
  const crypto::Authorization& a = payment.item.payment.authorization;
  evm::RelayOrder order;
  order.chain_id = payment.token->chain_id;
  order.to = payment.token->token;
  order.data = evm::call_transfer_with_authorization(a, payment.item.payment.signature);
  const std::optional<base::u128> before = a.valid_before.to_u128();
  if (before && *before <= UINT64_MAX) order.deadline_s = static_cast<std::uint64_t>(*before);
  order.proof = evm::authorized_transfer_events(order.to, a);
  order.elsewhere = order.proof;
  return order;
}

Code code_of(evm::Refusal refusal, Code otherwise) {
  switch (refusal) {
    case evm::Refusal::insufficient_balance: return Code::insufficient_funds;
    case evm::Refusal::authorization_used: return Code::nonce_used;
    case evm::Refusal::authorization_expired: return Code::valid_before;
    case evm::Refusal::authorization_not_yet_valid: return Code::valid_after;
    case evm::Refusal::signature_invalid: return Code::signature;
    case evm::Refusal::other:
    case evm::Refusal::insufficient_allowance:
    case evm::Refusal::permit_expired:
    case evm::Refusal::caller_wrong:
    case evm::Refusal::not_permitted: return otherwise;
  }
  return otherwise;
}

class ExactScheme final : public Scheme {
 public:
  explicit ExactScheme(ExactParts parts)
      : parts_(std::move(parts)), network_("eip155:" + std::to_string(parts_.chain.chain_id())) {
    for (const evm::TokenInfo& token : parts_.chain.tokens())
      domains_.emplace_back(token.name, token.version, parts_.chain.chain_id(), token.address);
  }

  std::string_view scheme() const override { return "exact"; }
  std::string_view network() const override { return network_; }
  std::string supported_extra() const override {
    JsonArray assets;
    for (const evm::TokenInfo& token : parts_.chain.tokens()) {
      JsonObject one;
      one.text("asset", base::to_hex(token.address)).text("name", token.name).text("version", token.version);
      one.number("decimals", token.decimals);
      assets.add(std::move(one).done());
    }
    JsonObject extra;
    extra.text("assetTransferMethod", "eip3009").raw("assets", std::move(assets).done());
    return std::move(extra).done();
  }
  std::vector<std::pair<std::string, std::string>> signers() const override {
    return {{"eip155:*", base::to_hex(parts_.chain.relayer())}};
  }
  void hurry() override { parts_.relays.hurry(); }

  void run(const PaymentRequest& request, Done done) override {
    Payment payment;
    const Operation operation = request.operation;
    if (std::optional<Answer> wrong = read(request, payment)) return done(std::move(*wrong));
    exact::Answer answer;
    exact::verify({&payment.item, 1}, parts_.clock.now().seconds(), {&answer, 1});
    if (is_verifying(operation))
      return answer.code == Code::ok ? ask_chain(std::move(payment), std::move(done))
                                     : done(refuse(operation, payment, answer.code, {}));
    // A settle that is asked for again must hear of its transaction also when its time is over: the rail looks at the
    // window. What can never be right is refused here.
    const bool window = answer.code == Code::valid_before || answer.code == Code::valid_after;
    if (window && payment.item.payment.authorization.value != payment.item.terms.amount)
      answer.code = Code::value_mismatch;
    else if (window)
      answer.code = Code::ok;
    if (answer.code != Code::ok) return done(refuse(operation, payment, answer.code, {}));
    settle(std::move(payment), std::move(done));
  }

 private:
  Answer refuse(Operation operation, const Payment& payment, Code code, std::string_view why) const {
    std::string message(exact::sentence(code));
    if (!why.empty()) message += " (" + std::string(why) + ")";
    return rejected(operation, network_, std::string(exact::text(code)), std::move(message), payment.payer);
  }

  std::optional<Answer> read(const PaymentRequest& request, Payment& payment) const {
    Fields fields(*request.document);
    const JsonNode* authorization = fields.object(*request.payload, "authorization");
    const std::string_view signature = fields.text(*request.payload, "signature");
    exact::Payment& read = payment.item.payment;
    if (authorization != nullptr) {
      crypto::Authorization& a = read.authorization;
      a.from = fields.bytes<20>(*authorization, "from");
      a.to = fields.bytes<20>(*authorization, "to");
      a.value = number(fields, *request.document, *authorization, "value");
      a.valid_after = number(fields, *request.document, *authorization, "validAfter");
      a.valid_before = number(fields, *request.document, *authorization, "validBefore");
      a.nonce = fields.bytes<32>(*authorization, "nonce");
      payment.payer = base::to_hex(a.from);
    }
    const std::optional<base::Bytes> bytes = base::from_hex(signature);
    if (fields.good() && !bytes)
      fields.fail(request.document->path(*request.payload, "signature"), "is not \"0x\" and hexadecimal digits");
    if (!fields.good())
      return rejected(request.operation, network_, "invalid_payload", fields.mistake().to_string(), payment.payer);
    read.signature_length_ok = bytes->size() == kSignatureBytes;
    if (read.signature_length_ok) std::copy(bytes->begin(), bytes->end(), read.signature.bytes.begin());
    payment.item.terms.pay_to = request.requirements.pay_to;
    payment.item.terms.amount = base::Uint256(request.requirements.amount);
    return resolve(request, payment);
  }

  static base::Uint256 number(Fields& fields, const JsonDocument& document, const JsonNode& in, std::string_view key) {
    const std::string_view digits = fields.text(in, key);
    const std::optional<base::Uint256> value = base::Uint256::parse_decimal(digits);
    if (!value && fields.good()) fields.fail(document.path(in, key), "is not a decimal number below 2^256");
    return value.value_or(base::Uint256());
  }

  // The token, and that payer and server mean its contract's domain.
  std::optional<Answer> resolve(const PaymentRequest& request, Payment& payment) const {
    const auto refused = [&](Code code) { return refuse(request.operation, payment, code, {}); };
    const std::optional<base::Address> asset = base::address_from_hex(request.requirements.asset);
    const auto at = std::find_if(domains_.begin(), domains_.end(),
                                 [&](const crypto::TokenDomain& domain) { return asset && domain.token == *asset; });
    if (at == domains_.end()) return refused(Code::not_supported);
    payment.token = &*at;
    payment.item.terms.token = &*at;
    const evm::TokenInfo& token = parts_.chain.tokens()[static_cast<std::size_t>(at - domains_.begin())];
    const JsonNode* extra = request.requirements.extra;
    const JsonNode* name = extra == nullptr ? nullptr : request.document->member(*extra, "name");
    const JsonNode* version = extra == nullptr ? nullptr : request.document->member(*extra, "version");
    if (name == nullptr || version == nullptr) return refused(Code::missing_eip712_domain);
    if (name->text != token.name) return refused(Code::token_name_mismatch);
    if (version->text != token.version) return refused(Code::token_version_mismatch);
    return std::nullopt;
  }

  void ask_chain(Payment payment, Done done) {
    const crypto::Authorization a = payment.item.payment.authorization;
    const base::Address token = payment.token->token;
    const exact::Payment& signed_payment = payment.item.payment;
    const base::Bytes call =
        evm::call_transfer_with_authorization(signed_payment.authorization, signed_payment.signature);
    parts_.chain.authorization(
        token, a.from, a.nonce, call,
        [this, payment = std::move(payment), done = std::move(done)](base::Result<evm::AuthorizationState> state) {
          parts_.post([this, payment, done, state = std::move(state)] { done(judge(payment, state)); });
        });
  }

  Answer judge(const Payment& payment, const base::Result<evm::AuthorizationState>& state) const {
    if (!state) return chain_unavailable(state.error().message);
    if (state->used) return refuse(Operation::verify, payment, Code::nonce_used, {});
    const std::optional<base::u128> value = payment.item.payment.authorization.value.to_u128();
    if (!value || state->balance < *value) return refuse(Operation::verify, payment, Code::insufficient_funds, {});
    if (!state->simulation.succeeds)
      return refuse(Operation::verify, payment,
                    code_of(evm::refusal_of(state->simulation.reason), Code::simulation_failed),
                    state->simulation.reason);
    VerifyResponse response;
    response.valid = true;
    response.payer = payment.payer;
    return response;
  }

  void settle(Payment payment, Done done) {
    const crypto::Authorization& a = payment.item.payment.authorization;
    ledger::core::PlanRelay plan;
    plan.rail = base::RailName::parse(parts_.chain.rail()).value_or(base::RailName{});
    plan.key = crypto::authorization_key(*payment.token, a.from, a.nonce);
    plan.order = evm::encode(order_of(payment));
    plan.label = "exact " + payment.payer;
    parts_.relays.run(std::move(plan), parts_.settle_wait_ms,
                      [this, payment = std::move(payment), done = std::move(done)](const RelayAnswer& answer) {
                        done(answer_of(payment, answer));
                      });
  }

  Answer answer_of(const Payment& payment, const RelayAnswer& answer) const {
    SettleResponse response;
    response.network = network_;
    response.payer = payment.payer;
    response.transaction = answer.settlement.reference;
    switch (answer.kind) {
      case RelayAnswer::Kind::done:
        response.success = true;
        response.amount = payment.item.terms.amount.to_decimal_string();
        return response;
      case RelayAnswer::Kind::pending: return pending_answer(std::move(response));
      case RelayAnswer::Kind::failed: {
        const Code code = code_of(evm::refusal_in_detail(answer.settlement.detail), Code::transaction_failed);
        response.reason = std::string(exact::text(code));
        response.message = std::string(exact::sentence(code)) + " (" + answer.settlement.detail + ")";
        return response;
      }
      case RelayAnswer::Kind::refused: break;
    }
    if (answer.status == base::Status::relay_conflict) {
      response.reason = "invalid_payload";
      response.message = "This authorisation was settled before with other terms or another signature.";
      return response;
    }
    return refusal_of(answer);
  }

  const ExactParts parts_;
  const std::string network_;
  std::vector<crypto::TokenDomain> domains_;  // in the order of chain.tokens()
};

}  // namespace

std::unique_ptr<Scheme> make_exact(ExactParts parts) { return std::make_unique<ExactScheme>(std::move(parts)); }

}  // namespace facilitator
