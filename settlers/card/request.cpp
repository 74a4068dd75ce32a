#include "settlers/card/request.h"

#include <algorithm>

#include "base/codec.h"
#include "crypto/sha256.h"
#include "settlers/card/form.h"

namespace settlers::card {

namespace {

constexpr std::string_view kMagic = "tabd card request 1";
constexpr std::size_t kNameBytesMax = 255;

bool is_name(std::string_view text, std::string_view prefix) {
  return text.size() > prefix.size() && text.size() <= kNameBytesMax && text.starts_with(prefix) &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
         });
}

tl::unexpected<base::Error> refuse(std::string message) {
  return base::error(base::ErrorCode::invalid_argument, std::move(message));
}

void add_metadata(Form& form, const CardOptions& options, const Settlement& settlement, const Hash& key) {
  form.add("metadata[tabd_ledger]", options.ledger);
  form.add("metadata[tabd_settlement]", std::to_string(settlement.id.value));
  form.add("metadata[tabd_attempt]", std::to_string(settlement.attempt));
  form.add("metadata[tabd_key]", key_text(key));
  if (settlement.statement.valid()) form.add("metadata[tabd_statement]", std::to_string(settlement.statement.value));
}

std::string charge_form(const CardOptions& options, const Settlement& settlement, const Hash& key,
                        const CardMandate& mandate, const StoredRequest& request) {
  Form form;
  form.add("amount", std::to_string(request.units)).add("currency", request.currency);
  form.add("customer", mandate.customer).add("payment_method", mandate.payment_method);
  form.add("payment_method_types[]", "card").add("off_session", "true").add("confirm", "true");
  form.add("description", "Statement " + std::to_string(settlement.statement.value));
  if (!options.statement_descriptor_suffix.empty())
    form.add("statement_descriptor_suffix", options.statement_descriptor_suffix);
  add_metadata(form, options, settlement, key);
  form.add("expand[]", "latest_charge.balance_transaction");
  return form.text();
}

std::string transfer_form(const CardOptions& options, const Settlement& settlement, const Hash& key,
                          const StoredRequest& request) {
  Form form;
  form.add("amount", std::to_string(request.units)).add("currency", request.currency);
  form.add("destination", request.party).add("transfer_group", key_text(key));
  form.add("description", "Payout " + std::to_string(settlement.id.value));
  add_metadata(form, options, settlement, key);
  return form.text();
}

std::string refund_form(const CardOptions& options, const Settlement& settlement, const Hash& key,
                        const StoredRequest& request) {
  Form form;
  form.add("payment_intent", request.party).add("amount", std::to_string(request.units));
  form.add("reason", "requested_by_customer");
  add_metadata(form, options, settlement, key);
  return form.text();
}

std::string form_of(const CardOptions& options, const Settlement& settlement, const Hash& key,
                    const CardMandate& mandate, const StoredRequest& request) {
  switch (request.operation) {
    case Operation::charge: return charge_form(options, settlement, key, mandate, request);
    case Operation::transfer: return transfer_form(options, settlement, key, request);
    case Operation::refund: break;
  }
  return refund_form(options, settlement, key, request);
}

// The currency and the rate. A refund sends back what the collection charged, whatever an asset is moved as now.
base::Result<CardAsset> moved_as_of(const CardOptions& options, const Instruction& instruction) {
  const Settlement& settlement = instruction.settlement;
  if (settlement.kind == SettlementKind::refund) {
    const base::Result<StoredRequest> origin = decode_request(instruction.origin_request);
    if (!origin || origin->operation != Operation::charge)
      return refuse("what the collection was charged at is not known here; refund it on the provider's dashboard");
    return CardAsset{settlement.asset, origin->currency, origin->rate};
  }
  for (const CardAsset& one : options.assets) {
    if (one.asset == settlement.asset) return one;
  }
  return refuse(instruction.asset.symbol + " has no currency on this rail; add a [[rails.card.asset]]");
}

}  // namespace

base::Result<CardMandate> parse_mandate(base::ByteView bytes) {
  constexpr std::string_view kExpected = "; expected \"cus_...;pm_...\", the provider's customer and payment method";
  const std::string text(bytes.begin(), bytes.end());
  if (text.empty()) return refuse("the payer has no card on file");
  const std::size_t semicolon = text.find(';');
  if (semicolon == std::string::npos) return refuse("the card mandate has no semicolon" + std::string(kExpected));
  CardMandate mandate{text.substr(0, semicolon), text.substr(semicolon + 1)};
  if (!is_name(mandate.customer, "cus_"))
    return refuse("the card mandate does not begin with a customer" + std::string(kExpected));
  if (!is_name(mandate.payment_method, "pm_") && !is_name(mandate.payment_method, "card_"))
    return refuse("the card mandate does not end with a payment method" + std::string(kExpected));
  return mandate;
}

base::Bytes encode(const StoredRequest& request) {
  base::Bytes bytes;
  base::Encoder out(bytes);
  out.string(kMagic);
  out.u8(static_cast<std::uint8_t>(request.operation));
  out.u64(request.created_s);
  out.string(request.api_version);
  out.string(request.currency);
  out.u64(request.units);
  out.string(request.party);
  out.string(request.rate);
  out.string(request.form);
  return bytes;
}

base::Result<StoredRequest> decode_request(base::ByteView bytes) {
  base::Decoder in(bytes);
  StoredRequest request;
  const bool ours = in.string() == kMagic;
  const std::uint8_t operation = in.u8();
  request.created_s = in.u64();
  request.api_version = in.string();
  request.currency = in.string();
  request.units = in.u64();
  request.party = in.string();
  request.rate = in.string();
  request.form = in.string();
  if (!ours || !in.complete() || operation < 1 || operation > 3)
    return base::error(base::ErrorCode::corruption, "the ledger's request is not one of the card rail");
  request.operation = static_cast<Operation>(operation);
  return request;
}

Hash key_of(const CardOptions& options, const Settlement& settlement) {
  base::Bytes bytes;
  base::Encoder out(bytes);
  out.string("tabd card key 1");
  out.string(options.ledger);
  out.id(settlement.id);
  out.u8(static_cast<std::uint8_t>(settlement.kind));
  out.time(settlement.created);
  out.u32(settlement.attempt);
  return crypto::sha256(bytes);
}

std::string key_text(const Hash& key) { return base::to_hex(key).substr(2); }

base::Result<StoredRequest> build_request(const CardOptions& options, const Instruction& instruction, const Hash& key,
                                          base::Time now, std::string& unmovable, std::string& note) {
  const Settlement& settlement = instruction.settlement;
  StoredRequest request;
  ASSIGN_OR_RETURN(const CardAsset moved_as, moved_as_of(options, instruction));
  CardMandate mandate;
  if (settlement.kind == SettlementKind::collection) {
    request.operation = Operation::charge;
    ASSIGN_OR_RETURN(mandate, parse_mandate(instruction.payer_rail_mandate));
    request.party = mandate.customer;
  } else if (settlement.kind == SettlementKind::payout) {
    request.operation = Operation::transfer;
    if (!is_name(instruction.payee_account, "acct_"))
      return refuse("the payee's account \"" + instruction.payee_account +
                    "\" is no connected account of the card provider; expected acct_...");
    request.party = instruction.payee_account;
  } else if (settlement.kind == SettlementKind::refund) {
    request.operation = Operation::refund;
    if (!is_name(instruction.origin_reference, "pi_"))
      return refuse("the collection's reference \"" + instruction.origin_reference +
                    "\" is no payment of the card provider; expected pi_...");
    request.party = instruction.origin_reference;
  } else {
    return refuse("the card rail relays nothing");
  }
  const std::optional<Rate> rate = parse_rate(moved_as.rate);
  if (!rate) return refuse("the rate \"" + moved_as.rate + "\" is not a decimal above zero");
  const base::Result<MinorAmount> minor =
      to_minor(settlement.amount, instruction.asset.scale, moved_as.currency, *rate, request.operation);
  if (!minor) {
    unmovable = minor.error().message;
    return request;
  }
  request.created_s = now.seconds();
  request.api_version = options.api_version;
  request.currency = moved_as.currency;
  request.units = minor->units;
  request.rate = moved_as.rate;
  request.form = form_of(options, settlement, key, mandate, request);
  if (!rate->is_one()) note = "at " + moved_as.rate + " " + moved_as.currency + " for one " + instruction.asset.symbol;
  if (!minor->rounding.empty()) note += ", " + minor->rounding;
  return request;
}

}  // namespace settlers::card
