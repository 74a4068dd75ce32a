// Settlers outside the process: registration, and what they say on their own.

#include "base/limits.h"
#include "rpc/capnp/rail_line.h"
#include "rpc/capnp/sessions.h"

namespace rpc {
namespace {

using base::ErrorCode;
using base::Status;
using Answers = std::vector<core::NoticeAnswer>;

// Registrations that one connection may have, or have under way.
constexpr std::size_t kRegistrationsMax = 4;

Status status_of(const base::Error& error) {
  switch (error.code) {
    case ErrorCode::unavailable: return Status::overloaded;
    case ErrorCode::invalid_argument:
    case ErrorCode::permission: return Status::not_permitted;
    default: return Status::value_invalid;
  }
}

class RegistrationImpl final : public schema::RailRegistration::Server {
 public:
  RegistrationImpl(Context& context, Connection& connection, rail::Desk& desk, std::string rail,
                   schema::Settler::Client settler)
      : context_(context),
        share_(connection.registrations, kRegistrationsMax, "registerSettler: too many on this connection"),
        desk_(desk),
        rail_(std::move(rail)),
        line_(context, connection, kj::mv(settler)),
        peer_(std::make_shared<WirePeer>(context, line_.number())) {}
  ~RegistrationImpl() noexcept(false) { desk_.leave(rail_, peer_, "the registration or its connection was dropped"); }
  KJ_DISALLOW_COPY(RegistrationImpl);

  kj::Promise<base::Result<void>> enter() {
    return context_.hop<base::Result<void>>([this](auto done) {
      desk_.enter(rail_, peer_, std::move(done));
      return true;
    });
  }

  kj::Promise<void> record(RecordContext call) override {
    const auto list = call.getParams().getNotices();
    if (list.size() > base::limits::kRailNoticesPerCallMax)
      return refuse(Status::value_invalid, "at most 256 notices in one call", call);
    std::vector<core::Notice> notices;
    notices.reserve(list.size());
    for (auto notice : list) {
      if (const char* flaw = decode(notice, notices.emplace_back())) {
        return refuse(Status::value_invalid, "notice " + std::to_string(notices.size() - 1) + ": " + flaw, call);
      }
    }
    if (context_.stopping) return refuse(Status::overloaded, "the daemon is stopping", call);
    return context_
        .hop<base::Result<Answers>>([&](auto done) {
          desk_.record(rail_, peer_, std::move(notices), std::move(done));
          return true;
        })
        .then([this, call](base::Result<Answers> answers) mutable -> kj::Promise<void> {
          if (!answers) {
            const Status refused = answers.error().code == ErrorCode::invalid_argument ? Status::value_invalid
                                                                                       : status_of(answers.error());
            return refuse(refused, answers.error().message, call);
          }
          auto results = call.getResults();
          results.setStatus(number(Status::ok));
          auto out = results.initAnswers(list_size(answers->size()));
          for (std::size_t i = 0; i < answers->size(); ++i) encode((*answers)[i], out[list_size(i)]);
          return kj::READY_NOW;
        });
  }

 private:
  static kj::Promise<void> refuse(Status status, const std::string& detail, RecordContext& call) {
    auto results = call.getResults();
    results.setStatus(number(status));
    results.setDetail(text(detail));
    return kj::READY_NOW;
  }

  Context& context_;
  Share share_;
  rail::Desk& desk_;
  const std::string rail_;
  RailLine line_;
  const std::shared_ptr<rail::Peer> peer_;
};

class RailSessionImpl final : public schema::RailSession::Server {
 public:
  RailSessionImpl(Context& context, Connection& connection, std::string rail)
      : context_(context), connection_(connection), rail_(std::move(rail)) {}

  kj::Promise<void> rail(RailContext call) override {
    call.getResults().setRail(text(rail_));
    return kj::READY_NOW;
  }

  kj::Promise<void> registerSettler(RegisterSettlerContext call) override {
    if (context_.stopping) {
      call.getResults().setStatus(number(Status::overloaded));
      call.getResults().setDetail("the daemon is stopping");
      return kj::READY_NOW;
    }
    auto registration =
        kj::heap<RegistrationImpl>(context_, connection_, *context_.deps.rails, rail_, call.getParams().getSettler());
    kj::Promise<base::Result<void>> entered = registration->enter();
    return entered.then([call, registration = kj::mv(registration)](base::Result<void> result) mutable {
      auto results = call.getResults();
      if (result) {
        results.setStatus(number(Status::ok));
        results.setRegistration(kj::mv(registration));
      } else {
        results.setStatus(number(status_of(result.error())));
        results.setDetail(text(result.error().message));
      }
    });
  }

 private:
  Context& context_;
  Connection& connection_;
  const std::string rail_;
};

}  // namespace

schema::RailSession::Client make_rail_session(Context& context, Connection& connection, std::string rail) {
  return kj::heap<RailSessionImpl>(context, connection, std::move(rail));
}

}  // namespace rpc
