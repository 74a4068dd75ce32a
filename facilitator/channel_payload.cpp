#include "facilitator/channel_payload.h"

#include <algorithm>

#include "base/limits.h"
#include "facilitator/fields.h"

namespace facilitator {
namespace {

namespace channel = commitments::channel;
using channel::Code;

constexpr std::uint64_t kTimeMax = (1ULL << 40) - 1;  // uint40

// A text of 65 bytes in hexadecimal; another length is a signature that no contract takes, and not a malformed payload.
void read_signature(Fields& fields, const JsonDocument& document, const JsonNode& in, std::string_view key,
                    base::Signature& signature, bool& length_ok) {
  const std::string_view text = fields.text(in, key);
  if (!fields.good()) return;
  const std::optional<base::Bytes> bytes = base::from_hex(text);
  if (!bytes || text.substr(0, 2) != "0x")
    return fields.fail(document.path(in, key), "is not \"0x\" and hexadecimal digits");
  length_ok = bytes->size() == base::Signature::kSize;
  if (length_ok) std::copy(bytes->begin(), bytes->end(), signature.bytes.begin());
}

std::optional<base::Signature> optional_signature(Fields& fields, const JsonDocument& document, const JsonNode& in,
                                                  std::string_view key) {
  if (document.member(in, key) == nullptr) return std::nullopt;
  base::Signature signature;
  bool length_ok = false;
  read_signature(fields, document, in, key, signature, length_ok);
  return signature;  // of another length: zeros, which nobody signed
}

base::Uint256 uint256(Fields& fields, const JsonDocument& document, const JsonNode& in, std::string_view key) {
  const std::string_view digits = fields.text(in, key);
  const std::optional<base::Uint256> value = base::Uint256::parse_decimal(digits);
  if (!value && fields.good()) fields.fail(document.path(in, key), "is not a decimal number below 2^256");
  return value.value_or(base::Uint256());
}

channel::ChannelConfig read_config(Fields& fields, const JsonNode& in, std::string_view key) {
  channel::ChannelConfig config;
  const JsonNode* node = fields.object(in, key);
  if (node == nullptr) return config;
  config.payer = fields.bytes<20>(*node, "payer");
  config.payer_authorizer = fields.bytes<20>(*node, "payerAuthorizer");
  config.receiver = fields.bytes<20>(*node, "receiver");
  config.receiver_authorizer = fields.bytes<20>(*node, "receiverAuthorizer");
  config.token = fields.bytes<20>(*node, "token");
  config.withdraw_delay_s = fields.whole_number(*node, "withdrawDelay", kTimeMax, 0, true);
  config.salt = fields.bytes<32>(*node, "salt");
  return config;
}

channel::Claim read_claim(Fields& fields, const JsonDocument& document, const JsonNode& row) {
  channel::Claim claim;
  const JsonNode* voucher = fields.object(row, "voucher");
  if (voucher == nullptr) return claim;
  claim.config = read_config(fields, *voucher, "channel");
  claim.maximum = fields.u128(*voucher, "maxClaimableAmount");
  read_signature(fields, document, row, "signature", claim.signature, claim.signature_length_ok);
  claim.total_claimed = fields.u128(row, "totalClaimed");
  return claim;
}

class Reader {
 public:
  Reader(const PaymentRequest& request, const channel::Domain& domain)
      : request_(request), document_(*request.document), in_(*request.payload), fields_(document_) {
    payload_.item.domain = &domain;
  }

  std::variant<ChannelPayload, ChannelRejection> read() {
    const JsonNode* type = document_.member(in_, "type");
    const std::string_view word = type != nullptr && type->kind == JsonKind::text ? type->text : std::string_view();
    Code code = Code::ok;
    if (word == "voucher") {
      code = read_voucher(ChannelAction::voucher, Code::voucher_payload);
    } else if (word == "deposit") {
      code = read_deposit();
    } else if (word == "refund") {
      code = read_refund();
    } else if (word == "claim") {
      code = read_claims(ChannelAction::claim, Code::claim_payload);
    } else if (word == "settle") {
      code = read_settle();
    } else {
      return reject(Code::payload_type, document_.path(in_, "type") +
                                            ": allowed: \"deposit\", \"voucher\", \"refund\", \"claim\", \"settle\"");
    }
    if (code != Code::ok) return reject(code, fields_.good() ? std::string() : fields_.mistake().to_string());
    return std::move(payload_);
  }

 private:
  ChannelRejection reject(Code code, std::string message) const { return {code, std::move(message), payload_.payer}; }
  Code good_or(Code code) const { return fields_.good() ? Code::ok : code; }

  // Configuration, voucher, and what the requirements say about them.
  Code read_voucher(ChannelAction action, Code malformed) {
    payload_.action = action;
    channel::VoucherItem& item = payload_.item;
    item.config = read_config(fields_, in_, "channelConfig");
    if (const JsonNode* node = document_.member(in_, "channelConfig"))
      if (const JsonNode* payer = document_.member(*node, "payer"); payer != nullptr && payer->kind == JsonKind::text)
        payload_.payer = fields_.good() ? std::string(payer->text) : std::string();
    const JsonNode* voucher = fields_.object(in_, "voucher");
    if (voucher == nullptr) return malformed;
    if (!fields_.good()) return malformed;
    item.voucher.channel_id = fields_.bytes<32>(*voucher, "channelId");
    if (!fields_.good()) return Code::channel_id_invalid;
    item.voucher.maximum = fields_.u128(*voucher, "maxClaimableAmount");
    read_signature(fields_, document_, *voucher, "signature", item.voucher.signature, item.voucher.signature_length_ok);
    if (!fields_.good()) return malformed;
    return read_terms(item.terms);
  }

  Code read_terms(channel::Terms& terms) {
    terms.pay_to = request_.requirements.pay_to;
    const std::optional<base::Address> asset = base::address_from_hex(request_.requirements.asset);
    if (!asset) return Code::token_mismatch;
    terms.asset = *asset;
    const JsonNode* extra = request_.requirements.extra;
    if (extra == nullptr) return Code::ok;  // the authorizer is missing: check_config says so
    if (const JsonNode* node = document_.member(*extra, "receiverAuthorizer")) {
      const auto address = node->kind == JsonKind::text ? base::address_from_hex(node->text) : std::nullopt;
      if (!address) return Code::receiver_authorizer_mismatch;
      terms.receiver_authorizer = *address;
    }
    if (document_.member(*extra, "withdrawDelay") != nullptr)
      terms.withdraw_delay_s = fields_.whole_number(*extra, "withdrawDelay", kTimeMax, 0, true);
    return good_or(Code::withdraw_delay_mismatch);
  }

  Code read_deposit() {
    if (const Code code = read_voucher(ChannelAction::deposit, Code::deposit_payload); code != Code::ok) return code;
    const JsonNode* deposit = fields_.object(in_, "deposit");
    if (deposit == nullptr) return Code::deposit_payload;
    payload_.deposit.amount = fields_.u128(*deposit, "amount");
    const JsonNode* authorization = fields_.object(*deposit, "authorization");
    if (authorization == nullptr) return Code::deposit_payload;
    const JsonNode* by_token = document_.member(*authorization, "erc3009Authorization");
    if (by_token == nullptr || by_token->kind != JsonKind::object) {
      fields_.fail(document_.path(*authorization, "erc3009Authorization"),
                   "missing; deposits by Permit2 are not served here");
      return Code::erc3009_authorization_required;
    }
    channel::Deposit& read = payload_.deposit;
    read.valid_after = uint256(fields_, document_, *by_token, "validAfter");
    read.valid_before = uint256(fields_, document_, *by_token, "validBefore");
    if (const JsonNode* salt = fields_.member(*by_token, "salt", JsonKind::text, true))
      read.salt = salt->text.substr(0, 2) == "0x" ? base::Uint256::from_word(fields_.bytes<32>(*by_token, "salt"))
                                                  : uint256(fields_, document_, *by_token, "salt");
    read_signature(fields_, document_, *by_token, "signature", read.signature, read.signature_length_ok);
    if (!fields_.good()) return Code::deposit_payload;
    const JsonNode* extra = request_.requirements.extra;
    if (extra == nullptr || document_.member(*extra, "name") == nullptr ||
        document_.member(*extra, "version") == nullptr)
      return Code::missing_eip712_domain;
    return Code::ok;
  }

  Code read_refund() {
    if (const Code code = read_voucher(ChannelAction::refund, Code::refund_payload); code != Code::ok) return code;
    if (document_.member(in_, "amount") != nullptr) {
      payload_.amount = fields_.u128(in_, "amount");
      if (!fields_.good() || *payload_.amount == 0) return Code::refund_amount_invalid;
    }
    if (document_.member(in_, "refundNonce") == nullptr) return Code::ok;
    payload_.refund_nonce = uint256(fields_, document_, in_, "refundNonce");
    payload_.refund_signature = optional_signature(fields_, document_, in_, "refundAuthorizerSignature");
    return read_claims(ChannelAction::refund, Code::refund_payload);
  }

  Code read_claims(ChannelAction action, Code malformed) {
    payload_.action = action;
    const JsonNode* rows = fields_.member(in_, "claims", JsonKind::array, true);
    if (rows == nullptr) return malformed;
    if (rows->count > base::limits::kClaimRowsMax) {
      fields_.fail(*rows, "too many rows; allowed: up to " + std::to_string(base::limits::kClaimRowsMax));
      return malformed;
    }
    payload_.claims.reserve(rows->count);
    for (const JsonNode* row = document_.first(*rows); row != nullptr && fields_.good(); row = document_.next(*row))
      payload_.claims.push_back(read_claim(fields_, document_, *row));
    payload_.claim_signature = optional_signature(fields_, document_, in_, "claimAuthorizerSignature");
    return good_or(malformed);
  }

  Code read_settle() {
    payload_.action = ChannelAction::settle;
    payload_.receiver = fields_.bytes<20>(in_, "receiver");
    payload_.token = fields_.bytes<20>(in_, "token");
    return good_or(Code::settle_payload);
  }

  const PaymentRequest& request_;
  const JsonDocument& document_;
  const JsonNode& in_;
  Fields fields_;
  ChannelPayload payload_;
};

}  // namespace

std::variant<ChannelPayload, ChannelRejection> decode_channel(const PaymentRequest& request,
                                                              const channel::Domain& domain) {
  return Reader(request, domain).read();
}

}  // namespace facilitator
