#include "facilitator/channel_scheme.h"

#include "crypto/keccak.h"
#include "facilitator/channel_settle.h"
#include "facilitator/channel_store.h"
#include "facilitator/channel_verify.h"
#include "facilitator/json_text.h"
#include "facilitator/tab_scheme.h"

namespace facilitator {
namespace {

namespace channel = commitments::channel;
using channel::Code;

class ChannelScheme final : public Scheme {
 public:
  explicit ChannelScheme(ChannelSchemeParts parts)
      : desk_(std::move(parts)), verify_(desk_), settle_(desk_), store_(desk_, verify_, settle_) {}

  std::string_view scheme() const override { return kTabScheme; }
  std::string_view network() const override { return desk_.network(); }
  std::string supported_extra() const override {
    const ChannelSchemeParts& parts = desk_.parts();
    JsonObject extra;
    if (parts.authorizer != nullptr) extra.text("receiverAuthorizer", base::to_hex(parts.authorizer->address()));
    extra.number("withdrawDelay", parts.withdraw_delay_s).text("assetTransferMethod", "eip3009");
    extra.text("contract", base::to_hex(parts.contract)).text("collector", base::to_hex(parts.collector));
    JsonArray assets;
    for (const evm::TokenInfo& token : parts.chain.tokens()) {
      JsonObject one;
      one.text("asset", base::to_hex(token.address)).text("name", token.name).text("version", token.version);
      one.number("decimals", token.decimals);
      assets.add(std::move(one).done());
    }
    extra.raw("assets", std::move(assets).done());
    return std::move(extra).done();
  }
  std::vector<std::pair<std::string, std::string>> signers() const override {
    return {{"eip155:*", base::to_hex(desk_.parts().chain.relayer())}};
  }

  void run(const PaymentRequest& request, Done done) override;
  void flush() override { desk_.flush(); }
  void hurry() override { desk_.parts().relays.hurry(); }

 private:
  void run(const SharedJob& job, const PaymentRequest& request);

  ChannelDesk desk_;
  ChannelVerify verify_;
  ChannelSettle settle_;
  ChannelStore store_;
};

void ChannelScheme::run(const PaymentRequest& request, Done done) {
  auto job = std::make_shared<ChannelJob>();
  job->operation = request.operation;
  job->done = std::move(done);
  std::variant<ChannelPayload, ChannelRejection> decoded = decode_channel(request, desk_.domain());
  if (auto* rejection = std::get_if<ChannelRejection>(&decoded)) {
    job->payload.payer = std::move(rejection->payer);
    return job->done(desk_.refuse(*job, rejection->code, rejection->message));
  }
  job->payload = std::move(std::get<ChannelPayload>(decoded));
  if (request.operation == Operation::capture && request.reservation == 0)
    return job->done(Refusal{400, "invalid_request", "reservation: missing; it is in the answer to `reserve`",
                             "Send the request as /openapi.json describes it."});
  job->price = request.requirements.amount;
  job->max_timeout_s = request.requirements.max_timeout_s;
  job->request_id = request.request_id;
  job->reservation = request.reservation;
  const std::string_view url = request.resource_url;
  if (request.operation == Operation::capture && !url.empty())
    job->resource = crypto::keccak256(base::ByteView(reinterpret_cast<const std::uint8_t*>(url.data()), url.size()));
  const ChannelAction action = job->payload.action;
  const bool of_payer = action != ChannelAction::claim && action != ChannelAction::settle;
  if (of_payer) {
    job->token = desk_.token(job->payload.item.terms.asset);
    if (job->token == nullptr) {
      // What does not fit together is said first, in the order of docs/bindings/channel.md.
      const channel::VoucherItem& item = job->payload.item;
      const Code code = channel::check_config(desk_.domain(), item.config, item.voucher.channel_id, item.terms);
      return job->done(code != Code::ok ? desk_.refuse(*job, code)
                                        : desk_.refuse(*job, Code::token_mismatch, "the asset is not served here"));
    }
  }
  run(job, request);
}

void ChannelScheme::run(const SharedJob& job, const PaymentRequest& request) {
  const ChannelAction action = job->payload.action;
  const auto wrong_type = [&] {
    const bool verifying = is_verifying(job->operation);
    job->done(desk_.refuse(*job, Code::payload_type,
                           verifying ? "a deposit, a voucher or a refund is verified"
                                     : "a deposit, a claim, a settle or a refund is settled"));
  };
  const bool of_server = action == ChannelAction::claim || action == ChannelAction::settle;
  switch (job->operation) {
    case Operation::reserve: return of_server ? wrong_type() : store_.reserve(job);
    case Operation::capture: return of_server ? wrong_type() : store_.capture(job);
    case Operation::verify:
      if (action == ChannelAction::deposit) return verify_.deposit(job);
      if (action == ChannelAction::voucher || action == ChannelAction::refund) return verify_.voucher(job);
      return wrong_type();
    case Operation::settle:
      switch (action) {
        case ChannelAction::deposit: return settle_.deposit(job);
        case ChannelAction::claim: return settle_.claim(job, request.payees);
        case ChannelAction::settle: return settle_.settle(job, request.payees);
        case ChannelAction::refund: return settle_.refund(job);
        case ChannelAction::voucher: return wrong_type();
      }
  }
}

}  // namespace

std::unique_ptr<Scheme> make_channel_scheme(ChannelSchemeParts parts) {
  return std::make_unique<ChannelScheme>(std::move(parts));
}

}  // namespace facilitator
