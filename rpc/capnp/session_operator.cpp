// The operator's commands.

#include <algorithm>
#include <cctype>

#include "base/limits.h"
#include "rpc/capnp/sessions.h"

namespace rpc {
namespace {

namespace limits = base::limits;
using base::Status;

constexpr const char* kAddressRule = "an address has 20 bytes";
constexpr const char* kChannelRule = "a channel's key has 32 bytes";
constexpr const char* kAmountRule = "an amount is below 2^127";
constexpr std::size_t kCheckpointNameMax = 64;

// One plain path component: nothing that could leave the checkpoint root.
bool checkpoint_name_ok(const std::string& name) {
  if (name.empty() || name.size() > kCheckpointNameMax || name[0] == '.') return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
  });
}

class OperatorSessionImpl final : public schema::OperatorSession::Server, public BooksImpl {
 public:
  using BooksImpl::BooksImpl;

  kj::Promise<void> setAsset(SetAssetContext call) override {
    core::SetAsset wanted;
    if (!decode(call.getParams().getAsset(), wanted.asset)) return refuse(Status::value_invalid, {}, call);
    return command(std::move(wanted), call);
  }

  kj::Promise<void> setPlan(SetPlanContext call) override {
    core::SetPlan wanted;
    if (!decode(call.getParams().getPlan(), wanted.plan)) {
      return refuse(Status::value_invalid,
                    "amounts are below 2^127, rail names have at most 16 characters, a plan has at most 4 rails and 16 "
                    "dunning steps",
                    call);
    }
    return command(std::move(wanted), call);
  }

  kj::Promise<void> setPayer(SetPayerContext call) override {
    const auto params = call.getParams();
    core::SetPayer wanted;
    if (!decode_fixed(params.getAddress(), wanted.address)) return refuse(Status::value_invalid, kAddressRule, call);
    const auto plans = params.getPlans();
    if (plans.size() > limits::kPlansPerPayerMax)
      return refuse(Status::limit_reached, "a payer has at most 16 plans", call);
    wanted.label = string(params.getLabel());
    for (auto plan : plans) wanted.plans.push_back(string(plan));
    return command(std::move(wanted), call);
  }

  kj::Promise<void> setPayee(SetPayeeContext call) override {
    core::SetPayee wanted;
    if (!decode(call.getParams().getPayee(), wanted.payee)) {
      return refuse(Status::value_invalid,
                    "an address has 20 bytes, amounts are below 2^127, a rail name has at most 16 characters", call);
    }
    return command(std::move(wanted), call);
  }

  kj::Promise<void> setServer(SetServerContext call) override {
    const auto params = call.getParams();
    core::SetServer wanted;
    if (!decode_fixed(params.getKey(), wanted.key)) return refuse(Status::value_invalid, kAddressRule, call);
    const auto payees = params.getPayees();
    if (payees.size() > limits::kServerPayeesMax)
      return refuse(Status::limit_reached, "a server has at most 1,024 payees", call);
    for (auto payee : payees) {
      if (!decode_fixed(payee, wanted.payees.emplace_back())) return refuse(Status::value_invalid, kAddressRule, call);
    }
    wanted.label = string(params.getLabel());
    wanted.active = params.getActive();
    return command(std::move(wanted), call);
  }

  kj::Promise<void> setCreditLimit(SetCreditLimitContext call) override {
    const auto params = call.getParams();
    core::SetCreditLimit wanted;
    wanted.asset = core::AssetId(params.getAsset());
    if (!decode_fixed(params.getPayer(), wanted.payer)) return refuse(Status::value_invalid, kAddressRule, call);
    if (!decode_amount(params.getLimit(), wanted.limit)) return refuse(Status::value_invalid, kAmountRule, call);
    return command(std::move(wanted), call);
  }

  kj::Promise<void> suspend(SuspendContext call) override {
    return set_standing(core::Standing::suspended_by_operator, call);
  }
  kj::Promise<void> resume(ResumeContext call) override { return set_standing(core::Standing::active, call); }

  kj::Promise<void> revokeMandate(RevokeMandateContext call) override {
    core::RevokeMandate wanted;  // its zero signature says: by the operator
    if (!decode(call.getParams().getRevocation(), wanted.revocation))
      return refuse(Status::value_invalid, kAddressRule, call);
    return command(std::move(wanted), call);
  }

  kj::Promise<void> creditNote(CreditNoteContext call) override {
    const auto params = call.getParams();
    core::CreateCreditNote wanted;
    if (!decode_fixed(params.getPayer(), wanted.payer)) return refuse(Status::value_invalid, kAddressRule, call);
    if (!decode_amount(params.getAmount(), wanted.amount)) return refuse(Status::value_invalid, kAmountRule, call);
    wanted.asset = core::AssetId(params.getAsset());
    wanted.statement = core::StatementId(params.getStatement());
    wanted.reason = string(params.getReason());
    wanted.reference = string(params.getReference());
    return command(std::move(wanted), call);
  }

  kj::Promise<void> writeOff(WriteOffContext call) override {
    const auto params = call.getParams();
    return command(core::WriteOff{core::StatementId(params.getStatement()), string(params.getReason())}, call);
  }

  kj::Promise<void> closeNow(CloseNowContext call) override {
    const auto params = call.getParams();
    core::CloseNow wanted;
    wanted.asset = core::AssetId(params.getAsset());
    if (!decode_fixed(params.getPayer(), wanted.payer)) return refuse(Status::value_invalid, kAddressRule, call);
    return command(std::move(wanted), call);
  }

  kj::Promise<void> retrySettlement(RetrySettlementContext call) override {
    return command(core::RetrySettlement{core::SettlementId(call.getParams().getSettlement())}, call);
  }

  kj::Promise<void> cancelSettlement(CancelSettlementContext call) override {
    const auto params = call.getParams();
    return command(core::CancelSettlement{core::SettlementId(params.getSettlement()), string(params.getReason())},
                   call);
  }

  kj::Promise<void> releaseReservation(ReleaseReservationContext call) override {
    const auto params = call.getParams();
    core::ReleaseReservation wanted;
    wanted.reservation = core::Sequence(params.getReservation());
    if (!decode_fixed(params.getChannel(), wanted.key)) return refuse(Status::value_invalid, kChannelRule, call);
    return command(wanted, call);
  }

  kj::Promise<void> putChannelAside(PutChannelAsideContext call) override {
    const auto params = call.getParams();
    core::PutChannelAside wanted;
    wanted.reason = string(params.getReason());
    if (!decode_fixed(params.getChannel(), wanted.key)) return refuse(Status::value_invalid, kChannelRule, call);
    return command(std::move(wanted), call);
  }

  kj::Promise<void> resolveNotice(ResolveNoticeContext call) override {
    const auto params = call.getParams();
    core::ResolveNotice wanted;
    wanted.id = core::NoticeId(params.getId());
    if (params.getResolution() > schema::Resolution::PAYS_STATEMENT)
      return refuse(Status::value_invalid, "the resolution is unknown to this version", call);
    wanted.resolution = static_cast<core::Resolution>(params.getResolution());
    wanted.reason = string(params.getReason());
    wanted.statement = core::StatementId(params.getStatement());
    if (!decode_optional(params.getPayer(), wanted.payer)) return refuse(Status::value_invalid, kAddressRule, call);
    const bool oldest = wanted.resolution == core::Resolution::pays_statement && !wanted.statement.valid();
    if (!oldest) return command(std::move(wanted), call);
    using Notice = core::Notice;
    return read<Notice>([&books = reader(), id = wanted.id] { return Reply<Notice>::of(books.notice(id)); })
        .then([this, wanted = std::move(wanted), call](Reply<Notice> reply) mutable {
          check(reply);
          return with_open_statements(std::move(wanted), reply.value.asset, call);
        });
  }

  kj::Promise<void> setTax(SetTaxContext call) override {
    const auto params = call.getParams();
    core::SetTax wanted;
    if (!decode_fixed(params.getPayer(), wanted.payer)) return refuse(Status::value_invalid, kAddressRule, call);
    decode(params.getTax(), wanted.tax);
    return command(std::move(wanted), call);
  }

  kj::Promise<void> refund(RefundContext call) override {
    const auto params = call.getParams();
    core::RefundPayer wanted;
    if (!decode_fixed(params.getPayer(), wanted.payer)) return refuse(Status::value_invalid, kAddressRule, call);
    if (!decode_amount(params.getAmount(), wanted.amount)) return refuse(Status::value_invalid, kAmountRule, call);
    wanted.asset = core::AssetId(params.getAsset());
    wanted.statement = core::StatementId(params.getStatement());
    wanted.reason = string(params.getReason());
    wanted.reference = string(params.getReference());
    return command(std::move(wanted), call);
  }

  kj::Promise<void> recordPayment(RecordPaymentContext call) override {
    const auto params = call.getParams();
    core::RecordPayment wanted;
    if (!decode_fixed(params.getPayer(), wanted.payer)) return refuse(Status::value_invalid, kAddressRule, call);
    if (!decode_amount(params.getAmount(), wanted.amount)) return refuse(Status::value_invalid, kAmountRule, call);
    wanted.asset = core::AssetId(params.getAsset());
    wanted.statement = core::StatementId(params.getStatement());
    wanted.reference = string(params.getReference());
    wanted.received.us = params.getReceivedUs();
    if (wanted.statement.valid()) return command(std::move(wanted), call);
    const core::AssetId asset = wanted.asset;
    return with_open_statements(std::move(wanted), asset, call);
  }

  kj::Promise<void> setRailMandate(SetRailMandateContext call) override {
    const auto params = call.getParams();
    core::SetRailMandate wanted;
    if (!decode_fixed(params.getPayer(), wanted.payer)) return refuse(Status::value_invalid, kAddressRule, call);
    if (!decode_rail_mandate(params.getRail(), params.getMandate(), wanted))
      return refuse(Status::value_invalid, kRailMandateRule, call);
    return command(std::move(wanted), call);
  }

  kj::Promise<void> setRail(SetRailContext call) override {
    const auto params = call.getParams();
    return read<std::string>([&hooks = context_.deps.hooks, name = string(params.getName()),
                              enabled = params.getEnabled()]() -> Reply<std::string> {
             const base::Result<void> done = hooks.set_rail(name, enabled);
             if (!done) return answer_of(done.error());
             return {};
           })
        .then([call](Reply<std::string> reply) mutable {
          check(reply);
          call.getResults().setStatus(number(reply.status));
          call.getResults().setDetail(text(reply.value));
        });
  }

  kj::Promise<void> reconcile(ReconcileContext call) override {
    const auto params = call.getParams();
    ledger::api::ReconcileRequest wanted;
    wanted.rail = string(params.getRail());
    wanted.from.us = params.getFromUs();
    wanted.stuck_after_s = params.getStuckAfterSeconds();
    return read<std::uint64_t>([&hooks = context_.deps.hooks, wanted = std::move(wanted)] {
             return Reply<std::uint64_t>::of(hooks.reconcile(wanted));
           })
        .then([call](Reply<std::uint64_t> reply) mutable {
          check(reply);
          call.getResults().setStatus(number(reply.status));
          call.getResults().setNumber(reply.value);
        });
  }

  kj::Promise<void> answerBank(AnswerBankContext call) override {
    const auto answer = static_cast<FileAnswer>(call.getParams().getAnswer());
    if (answer < FileAnswer::release || answer > FileAnswer::clear_alarm) {
      call.getResults().setStatus(number(Status::value_invalid));
      call.getResults().setDetail("the answers are release, resend, sent, void and clearAlarm");
      return kj::READY_NOW;
    }
    return read<std::string>([&hooks = context_.deps.hooks, file = string(call.getParams().getFile()),
                              answer]() -> Reply<std::string> {
             const base::Result<void> done = hooks.answer_bank(file, answer);
             if (done) return {};
             Reply<std::string> reply;
             reply.status = done.error().code == base::ErrorCode::not_found ? Status::not_found : Status::wrong_state;
             reply.value = done.error().message;
             return reply;
           })
        .then([call](Reply<std::string> reply) mutable {
          check(reply);
          call.getResults().setStatus(number(reply.status));
          call.getResults().setDetail(text(reply.value));
        });
  }

  kj::Promise<void> checkpoint(CheckpointContext call) override {
    std::string name = string(call.getParams().getName());
    if (!checkpoint_name_ok(name)) {
      call.getResults().setStatus(number(Status::value_invalid));
      call.getResults().setDetail("a name has 1 to 64 letters, digits, '-', '_' and '.', and does not start with '.'");
      return kj::READY_NOW;
    }
    return read<std::string>([&hooks = context_.deps.hooks, name = std::move(name)]() -> Reply<std::string> {
             base::Result<std::string> directory = hooks.checkpoint(name);
             if (!directory) return answer_of(directory.error());
             return Reply<std::string>::of(std::move(directory));
           })
        .then([call](Reply<std::string> reply) mutable {
          check(reply);
          auto results = call.getResults();
          results.setStatus(number(reply.status));
          if (reply.status == Status::ok) {
            results.setDirectory(text(reply.value));
          } else {
            results.setDetail(text(reply.value));
          }
        });
  }

 private:
  // What a hook refused becomes a status with its sentence; what failed stays a failure.
  static Reply<std::string> answer_of(const base::Error& error) {
    Reply<std::string> reply;
    if (error.code == base::ErrorCode::not_found) {
      reply = Reply<std::string>::refused(Status::not_found);
    } else if (error.code == base::ErrorCode::invalid_argument) {
      reply = Reply<std::string>::refused(Status::already_exists);
    } else {
      reply.failure = error;
    }
    reply.value = error.message;
    return reply;
  }

  // Submits the command with the payer's open statements, oldest first. Who the payer is, the ledger judges.
  template <typename Command, typename Call>
  kj::Promise<void> with_open_statements(Command wanted, core::AssetId asset, Call call) {
    using Ids = std::vector<core::StatementId>;
    return read<Ids>(
               [&books = reader(), payer = wanted.payer, asset] { return read_open_statements(books, payer, asset); })
        .then([this, wanted = std::move(wanted), call](Reply<Ids> reply) mutable {
          check(reply);
          wanted.oldest_first = std::move(reply.value);
          return command(std::move(wanted), call);
        });
  }

  template <typename Call>
  kj::Promise<void> set_standing(core::Standing standing, Call call) {
    const auto params = call.getParams();
    core::SetStanding wanted;
    if (!decode_fixed(params.getPayer(), wanted.payer)) return refuse(Status::value_invalid, kAddressRule, call);
    wanted.standing = standing;
    wanted.reason = string(params.getReason());
    return command(std::move(wanted), call);
  }
};

}  // namespace

schema::OperatorSession::Client make_operator_session(Context& context, Connection& connection) {
  return kj::heap<OperatorSessionImpl>(context, connection);
}

}  // namespace rpc
