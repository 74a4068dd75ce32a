// The bootstrap capability, logins, and what all sessions have in common.

#include <algorithm>

#include "base/limits.h"
#include "commitments/tab/verify.h"
#include "crypto/random.h"
#include "crypto/secp256k1.h"
#include "rpc/capnp/sessions.h"

namespace rpc {
namespace {

namespace limits = base::limits;
using base::Status;

// Logins that one connection may have begun and neither finished nor dropped.
constexpr std::size_t kChallengesMax = 16;

core::Hash random_challenge() {
  core::Hash challenge;
  crypto::random_bytes(challenge.bytes);
  return challenge;
}

// What a login needs to know about a key in a role.
struct Standing {
  ServerAccount server;
  core::Payer payer;
};

Reply<Standing> read_standing(const Reader& reader, Role role, const core::Address& key) {
  Reply<Standing> reply;
  if (role == Role::server) {
    Reply<ServerAccount> account = read_server_account(reader, key);
    reply.failure = std::move(account.failure);
    reply.status = account.status;
    if (reply.status == Status::ok && !account.value.server.active) reply.status = Status::server_suspended;
    reply.value.server = std::move(account.value);
  } else if (role == Role::payer) {
    Reply<core::Payer> payer = Reply<core::Payer>::of(reader.payer(key), Status::payer_unknown);
    reply.failure = std::move(payer.failure);
    reply.status = payer.status;
    reply.value.payer = std::move(payer.value);
  }
  return reply;
}

class LoginImpl final : public schema::Login::Server {
 public:
  LoginImpl(Context& context, Connection& connection, Role role, const core::Address& key)
      : context_(context),
        connection_(connection),
        share_(connection.challenges, kChallengesMax, "authenticate: too many logins under way on this connection"),
        role_(role),
        key_(key),
        challenge_(random_challenge()),
        made_ns_(context.deps.clock.monotonic_ns()) {}

  const core::Hash& challenge() const { return challenge_; }

  kj::Promise<void> login(LoginContext call) override {
    const Status status = check_signature(call.getParams().getSignature());
    if (status != Status::ok) return refuse(status, call);
    const Reader& reader = context_.deps.reader;
    return context_
        .read<Reply<Standing>>([&reader, role = role_, key = key_] { return read_standing(reader, role, key); })
        .then([this, call](Reply<Standing> standing) mutable -> kj::Promise<void> {
          check(standing);
          if (standing.status != Status::ok) return refuse(standing.status, call);
          grant(std::move(standing.value), call.getResults());
          return kj::READY_NOW;
        });
  }

 private:
  kj::Promise<void> refuse(Status status, LoginContext& call) {
    connection_.login_failed();
    call.getResults().setStatus(number(status));
    return kj::READY_NOW;
  }

  Status check_signature(capnp::Data::Reader bytes) {
    const std::uint64_t age_ns = context_.deps.clock.monotonic_ns() - made_ns_;
    if (std::exchange(used_, true) || age_ns > context_.options.login_ms * 1'000'000) return Status::not_permitted;
    core::Signature signature;
    if (!decode_fixed(bytes, signature)) return Status::signature_length;
    const core::Hash digest =
        commitments::tab::login_digest(context_.deps.ingest.domain(), name(role_), key_, challenge_);
    const crypto::Recovered recovered = crypto::recover(digest, signature);
    if (recovered.check != crypto::SignatureCheck::ok) return commitments::tab::to_status(recovered.check);
    if (crypto::address_of(recovered.key) != key_) return Status::signature_wrong;
    if (role_ == Role::operator_) return listed(context_.options.operators);
    if (role_ == Role::auditor) return listed(context_.options.auditors);
    if (role_ == Role::rail) return own_rail().empty() ? Status::not_permitted : Status::ok;
    return Status::ok;
  }

  std::string own_rail() const {
    return context_.deps.rails == nullptr ? std::string() : context_.deps.rails->rail_of(key_);
  }

  Status listed(const std::vector<core::Address>& keys) const {
    return std::find(keys.begin(), keys.end(), key_) != keys.end() ? Status::ok : Status::not_permitted;
  }

  void grant(Standing standing, LoginResults::Builder results) {
    count(context_.counters.logins_total);
    context_.log(LogLevel::info, "rpc connection " + std::to_string(connection_.number()) + ": " +
                                     std::string(name(role_)) + " " + base::to_hex(key_) + " logged in");
    connection_.logged_in();
    results.setStatus(number(Status::ok));
    schema::Session::Builder session = results.initSession();
    switch (role_) {
      case Role::server:
        session.setServer(make_server_session(context_, connection_, std::move(standing.server)));
        return;
      case Role::payer: session.setPayer(make_payer_session(context_, connection_, std::move(standing.payer))); return;
      case Role::operator_: session.setOperator(make_operator_session(context_, connection_)); return;
      case Role::auditor: session.setAuditor(make_auditor_session(context_, connection_)); return;
      case Role::rail: session.setRail(make_rail_session(context_, connection_, own_rail())); return;
    }
  }

  Context& context_;
  Connection& connection_;
  Share share_;
  const Role role_;
  const core::Address key_;
  const core::Hash challenge_;
  const std::uint64_t made_ns_;
  bool used_ = false;
};

class TabdImpl final : public schema::Tabd::Server {
 public:
  TabdImpl(Context& context, Connection& connection) : context_(context), connection_(connection) {}

  kj::Promise<void> info(InfoContext call) override {
    const Reader& reader = context_.deps.reader;
    return context_.read<Reply<NetworkInfo>>([&reader] { return read_info(reader); })
        .then([this, call](Reply<NetworkInfo> reply) mutable {
          check(reply);
          reply.value.version = context_.options.version;
          reply.value.now = context_.deps.clock.now();
          encode(reply.value, call.getResults().initInfo());
        });
  }

  kj::Promise<void> authenticate(AuthenticateContext call) override {
    const auto params = call.getParams();
    const schema::Role role = params.getRole();
    if (role > schema::Role::RAIL) throw_invalid("authenticate: the role is unknown to this version");
    const core::Address key = address_param(params.getKey(), "authenticate: key");
    auto login = kj::heap<LoginImpl>(context_, connection_, static_cast<Role>(role), key);
    auto results = call.getResults();
    results.setChallenge(data(login->challenge()));
    results.setLogin(kj::mv(login));
    return kj::READY_NOW;
  }

  kj::Promise<void> statuses(StatusesContext call) override {
    auto list = call.getResults().initStatuses(base::kStatusCount);
    for (int i = 0; i < base::kStatusCount; ++i) {
      const base::StatusInfo& row = base::all_statuses()[i];
      auto out = list[static_cast<capnp::uint>(i)];
      out.setNumber(number(row.status));
      out.setName(text(std::string(row.name)));
      out.setSentence(text(std::string(row.sentence)));
      out.setX402(text(std::string(row.x402_code)));
      out.setNextStep(text(std::string(base::name(row.next_step))));
    }
    return kj::READY_NOW;
  }

 private:
  Context& context_;
  Connection& connection_;
};

}  // namespace

schema::Tabd::Client make_bootstrap(Context& context, Connection& connection) {
  return kj::heap<TabdImpl>(context, connection);
}

void throw_invalid(const char* what) {
  kj::throwFatalException(kj::Exception(kj::Exception::Type::FAILED, __FILE__, __LINE__, kj::heapString(what)));
}

bool decode_rail_mandate(capnp::Text::Reader rail, capnp::Data::Reader mandate, core::SetRailMandate& out) {
  const base::ByteView bytes = view(mandate);
  if (rail.size() == 0 || bytes.size() > base::limits::kRailMandateBytesMax) return false;
  out.mandate.assign(bytes.begin(), bytes.end());
  return decode_rail(rail, out.rail);
}

core::Address address_param(capnp::Data::Reader in, const char* what) {
  core::Address address;
  if (!decode_fixed(in, address)) {
    throw_invalid((std::string(what) + ": an address has 20 bytes, not " + std::to_string(in.size())).c_str());
  }
  return address;
}

kj::Promise<void> SessionBase::subscribe(SubscribeContext call) {
  const auto params = call.getParams();
  EventFilter filter;
  if (!decode(params.getFilter(), filter)) throw_invalid("subscribe: filter: an address has 20 bytes");
  auto share = kj::heap<Share>(connection_.subscriptions, limits::kSubscriptionsPerSessionMax,
                               "subscribe: too many subscriptions on this connection");
  schema::Subscription::Client subscription =
      context_.events.subscribe(audience_, filter, params.getListener(), kj::mv(share));
  call.getResults().setSubscription(kj::mv(subscription));
  return kj::READY_NOW;
}

}  // namespace rpc
