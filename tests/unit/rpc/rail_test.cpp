// The wire between a settler outside the process and whoever drives it (session_rail.cpp, rail_line.cpp): what is asked
// arrives whole, what is answered comes back, and what is no answer is an Error in time. The desk is one of this
// test's.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/check.h"
#include "tests/unit/rpc/raw_client.h"

namespace rpc {
namespace {

namespace rail = ledger::api::rail;
namespace wire = schema;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Answers = std::vector<core::NoticeAnswer>;

template <typename Condition>
bool run_until(Condition condition) {
  for (int i = 0; i < 1000 && !condition(); ++i) tabd::Client::run_for(10'000);
  return condition();
}

// Takes whoever comes, unless it was told not to.
class FakeDesk final : public rail::Desk {
 public:
  explicit FakeDesk(const core::Address& key) : key_(key) {}
  std::string rail_of(const core::Address& key) const override { return key == key_ ? "outside" : ""; }
  void enter(const std::string& rail, std::shared_ptr<rail::Peer> peer, rail::Done<base::Result<void>> done) override {
    const std::lock_guard lock(mutex_);
    EXPECT_EQ(rail, "outside");
    if (!refusal_) peers_.push_back(std::move(peer));
    done(refusal_ ? base::Result<void>(tl::unexpected<base::Error>(*refusal_)) : base::Result<void>());
  }
  void leave(const std::string&, const std::shared_ptr<rail::Peer>&, const std::string& reason) override {
    const std::lock_guard lock(mutex_);
    left_.push_back(reason);
  }
  void record(const std::string& rail, const std::shared_ptr<rail::Peer>&, std::vector<core::Notice> notices,
              rail::Done<base::Result<Answers>> done) override {
    const std::lock_guard lock(mutex_);
    EXPECT_EQ(rail, "outside");
    if (refusal_) return done(tl::unexpected<base::Error>(*refusal_));
    Answers answers;
    for (core::Notice& notice : notices) {
      recorded_.push_back(std::move(notice));
      answers.push_back({Status::ok, core::NoticeId(recorded_.size()), "kept"});
    }
    done(std::move(answers));
  }

  void refuse(std::optional<base::Error> error) {
    const std::lock_guard lock(mutex_);
    refusal_ = std::move(error);
  }
  std::shared_ptr<rail::Peer> peer() const {
    const std::lock_guard lock(mutex_);
    return peers_.empty() ? nullptr : peers_.back();
  }
  std::vector<std::string> left() const {
    const std::lock_guard lock(mutex_);
    return left_;
  }
  std::vector<core::Notice> recorded() const {
    const std::lock_guard lock(mutex_);
    return recorded_;
  }

 private:
  const core::Address key_;
  mutable std::mutex mutex_;
  std::optional<base::Error> refusal_;
  std::vector<std::shared_ptr<rail::Peer>> peers_;
  std::vector<std::string> left_;
  std::vector<core::Notice> recorded_;
};

// What the settler heard, and how it is to answer.
struct Script {
  std::vector<std::string> heard;
  bool throws = false, silent = false;
  std::function<void(wire::RailPrepared::Builder)> prepared;
  std::function<void(wire::RailOutcome::Builder)> outcome;
  std::function<void(wire::Settler::ReportResults::Builder)> report;
};

class WireSettler final : public wire::Settler::Server {
 public:
  explicit WireSettler(Script& script) : script_(script) {}
  kj::Promise<void> capabilities(CapabilitiesContext call) override {
    auto out = call.getResults().initCapabilities();
    out.setPull(true);
    out.setRefunds(true);
    out.setCanProbe(true);
    out.setInFlightMax(7);
    out.setFinalityS(86'400);
    return answer("capabilities");
  }
  kj::Promise<void> start(StartContext call) override {
    const auto opening = call.getParams().getOpening();
    return answer("start " + string(opening.getRail()) + " " + string(opening.getNetwork()));
  }
  kj::Promise<void> adopt(AdoptContext call) override {
    std::string ids = "adopt";
    for (auto settlement : call.getParams().getSettlements())
      ids += " " + std::to_string(settlement.getId()) + ":" + std::to_string(settlement.getRequest().size());
    return answer(ids);
  }
  kj::Promise<void> setSending(SetSendingContext call) override {
    return answer(call.getParams().getAllowed() ? "sending" : "not sending");
  }
  kj::Promise<void> stop(StopContext) override { return answer("stop"); }
  kj::Promise<void> prepare(PrepareContext call) override {
    if (script_.prepared) script_.prepared(call.getResults().initPrepared());
    return answer("prepare " + seen(call.getParams().getInstruction()));
  }
  kj::Promise<void> abandon(AbandonContext call) override {
    return answer("abandon " + std::to_string(call.getParams().getIdempotencyKey().size()));
  }
  kj::Promise<void> send(SendContext call) override {
    if (script_.outcome) script_.outcome(call.getResults().initOutcome());
    return answer("send " + seen(call.getParams().getInstruction()));
  }
  kj::Promise<void> probe(ProbeContext call) override {
    if (script_.outcome) script_.outcome(call.getResults().initOutcome());
    return answer("probe " + seen(call.getParams().getInstruction()));
  }
  kj::Promise<void> report(ReportContext call) override {
    if (script_.report) script_.report(call.getResults());
    return answer("report");
  }

 private:
  static std::string seen(wire::RailInstruction::Reader in) {
    return std::to_string(in.getSettlement().getId()) + " " + std::to_string(in.getSettlement().getAmount().getLow()) +
           " request " + std::to_string(in.getSettlement().getRequest().size()) + " mandate " +
           std::to_string(in.getMandate().size()) + " to " + string(in.getPayeeAccount()) + " of " +
           string(in.getOriginReference()) + " notices " + std::to_string(in.getNotices().size());
  }
  kj::Promise<void> answer(std::string what) {
    script_.heard.push_back(std::move(what));
    if (script_.throws) return KJ_EXCEPTION(FAILED, "the provider burns");
    if (script_.silent) return kj::NEVER_DONE;
    return kj::READY_NOW;
  }
  Script& script_;
};

class RpcRail : public ::testing::Test {
 protected:
  RpcRail() : desk_(key_.address()) {
    // The world's server once more, with a desk. The first is what the ledger tells its news to, so it stays.
    world_.server->stop();
    without_desk_ = std::move(world_.server);
    RpcServerOptions options;
    options.unix_path = world_.socket_path;
    options.operators = {world_.operator_key.address()};
    options.log = [this](LogLevel, std::string_view message) {
      const std::lock_guard lock(log_mutex_);
      log_.append(message).append("\n");
    };
    world_.server = std::make_unique<RpcServer>(std::move(options));
    const auto started = world_.server->start(
        {*world_.ingest, world_.store->service(), world_.store->reader(), world_.clock, *world_.hooks, &desk_});
    CHECK_MSG(started.has_value(), started ? "" : started.error().message.c_str());
    raw_ = std::make_unique<RawClient>(world_);
  }
  ~RpcRail() override {
    registrations_.clear();
    raw_.reset();
    world_.server->stop();
  }
  std::string log() const {
    const std::lock_guard lock(log_mutex_);
    return log_;
  }

  wire::RailSession::Client session() {
    auto [challenge, login] = raw_->authenticate(Role::rail, key_.address());
    auto request = login.loginRequest();
    request.setSignature(data(commitments::tab::sign_login(key_, world_.actors.domain(), "rail", challenge)));
    return request.send().wait(raw_->loop->io.waitScope).getSession().getRail();
  }
  // The status, and what it said; with ok it is registered until it is dropped.
  std::pair<Status, std::string> enter(wire::RailSession::Client session) {
    auto request = session.registerSettlerRequest();
    request.setSettler(kj::heap<WireSettler>(script_));
    auto response = request.send().wait(raw_->loop->io.waitScope);
    const Status status = decode_status(response.getStatus());
    if (status == Status::ok) registrations_.push_back(response.getRegistration());
    return {status, string(response.getDetail())};
  }
  std::shared_ptr<rail::Peer> entered() {
    EXPECT_EQ(enter(session()).first, Status::ok);
    return desk_.peer();
  }
  // Calls the settler, as the rails' thread would, and waits for what comes back.
  template <typename T, typename Call>
  std::optional<base::Result<T>> asked(Call call) {
    struct Said {
      std::mutex mutex;
      std::optional<base::Result<T>> result;
    };
    const auto said = std::make_shared<Said>();
    call([said](base::Result<T> result) {
      const std::lock_guard lock(said->mutex);
      said->result = std::move(result);
    });
    const auto there = [&] {
      const std::lock_guard lock(said->mutex);
      return said->result.has_value();
    };
    run_until(there);
    const std::lock_guard lock(said->mutex);
    return said->result;
  }
  base::Result<rail::Outcome> sent(rail::Peer& peer) {
    const auto result = asked<rail::Outcome>([&](auto done) { peer.send(instruction(), done); });
    EXPECT_TRUE(result.has_value()) << "no answer";
    return result.value_or(base::error(base::ErrorCode::timeout, "nothing"));
  }
  static rail::Instruction instruction() {
    rail::Instruction one;
    one.settlement.id = core::SettlementId(17);
    one.settlement.amount = base::Amount(1'250);
    one.settlement.request = {1, 2, 3};
    one.payer_rail_mandate = {4, 5};
    one.payee_account = "there";
    one.origin_reference = "origin";
    one.notices.resize(2);
    return one;
  }
  std::pair<Status, std::string> told(std::size_t count, const std::function<void(wire::RailNotice::Builder)>& change) {
    auto request = registrations_.back().recordRequest();
    auto notices = request.initNotices(static_cast<unsigned>(count));
    for (unsigned i = 0; i < count; ++i) {
      notices[i].setKey(data(support::test_hash(i)));
      notices[i].setKind(wire::NoticeKind::EVENT);
      if (change) change(notices[i]);
    }
    auto response = request.send().wait(raw_->loop->io.waitScope);
    return {decode_status(response.getStatus()), string(response.getDetail())};
  }

  crypto::SecretKey key_ = support::secret_key(support::Role::keeper, 7);
  FakeDesk desk_;
  mutable std::mutex log_mutex_;
  std::string log_;
  std::unique_ptr<RpcServer> without_desk_;
  RpcWorld world_;
  std::unique_ptr<RawClient> raw_;
  Script script_;
  std::vector<wire::RailRegistration::Client> registrations_;
};

TEST_F(RpcRail, OnlyTheKeyOfARailIsASettlersAndItIsToldWhich) {
  auto answer = session().railRequest().send().wait(raw_->loop->io.waitScope);
  EXPECT_EQ(string(answer.getRail()), "outside");
  const crypto::SecretKey stranger = support::secret_key(support::Role::keeper, 8);
  auto [challenge, login] = raw_->authenticate(Role::rail, stranger.address());
  EXPECT_EQ(
      raw_->login(login, commitments::tab::sign_login(stranger, world_.actors.domain(), "rail", challenge).view()),
      Status::not_permitted);
}

TEST_F(RpcRail, CallsCarryTheWholeInstructionAndItsAnswer) {
  const auto peer = entered();
  ASSERT_TRUE(peer);
  const auto can = asked<rail::Capabilities>([&](auto done) { peer->capabilities(done); });
  ASSERT_TRUE(can && *can);
  EXPECT_TRUE((*can)->pull && (*can)->refunds && (*can)->can_probe && !(*can)->push);
  EXPECT_EQ((*can)->in_flight_max, 7u);
  EXPECT_EQ((*can)->finality_s, 86'400u);
  rail::Opening opening;
  opening.rail = "outside";
  opening.network = "test:tab";
  opening.call_ms = 5'000;
  EXPECT_TRUE(*asked<void>([&](auto done) { peer->start(opening, done); }));
  EXPECT_TRUE(*asked<void>([&](auto done) { peer->adopt({instruction().settlement}, done); }));
  peer->set_sending(false);
  peer->set_sending(true);
  script_.prepared = [](auto out) {
    out.setIdempotencyKey(data(support::test_hash(1)));
    out.setRequest(data(base::ByteView(core::Bytes{9, 9})));
    out.setReference("theirs");
  };
  const auto prepared = asked<rail::Prepared>([&](auto done) { peer->prepare(instruction(), done); });
  ASSERT_TRUE(prepared && *prepared);
  EXPECT_EQ((*prepared)->idempotency_key, support::test_hash(1));
  EXPECT_EQ((*prepared)->request, (core::Bytes{9, 9}));
  EXPECT_EQ((*prepared)->reference, "theirs");
  peer->abandon(**prepared);
  script_.outcome = [](auto out) {
    out.setState(wire::SettlementState::FAILED);
    out.setFailure(wire::FailureClass::INSUFFICIENT_FUNDS);
    out.setCode("51");
    out.setHasFee(true);
    out.initFee().setLow(35);
    out.setNextProbeMs(60'000);
    out.setRailFault(true);
  };
  const base::Result<rail::Outcome> outcome = sent(*peer);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->state, core::SettlementState::failed);
  EXPECT_EQ(outcome->failure, core::FailureClass::insufficient_funds);
  EXPECT_EQ(outcome->code, "51");
  EXPECT_EQ(outcome->fee, base::Amount(35));
  EXPECT_EQ(outcome->next_probe_ms, 60'000u);
  EXPECT_TRUE(outcome->rail_fault);
  EXPECT_TRUE(*asked<rail::Outcome>([&](auto done) { peer->probe(instruction(), done); }));
  script_.report = [](auto out) {
    out.setDescription("well");
    out.initGauges(1)[0].setName("balance_cents");
  };
  const auto report = asked<rail::Report>([&](auto done) { peer->report(done); });
  ASSERT_TRUE(report && *report);
  EXPECT_EQ((*report)->description, "well");
  ASSERT_EQ((*report)->gauges.size(), 1u);
  peer->stop();
  EXPECT_TRUE(run_until([&] { return script_.heard.back() == "stop"; }));
  const std::string whole = "17 1250 request 3 mandate 2 to there of origin notices 2";
  EXPECT_THAT(script_.heard,
              ElementsAre("capabilities", "start outside test:tab", "adopt 17:3", "not sending", "sending",
                          "prepare " + whole, "abandon 32", "send " + whole, "probe " + whole, "report", "stop"));
}

TEST_F(RpcRail, AnAnswerOutOfBoundsIsNone) {
  const auto peer = entered();
  const std::pair<std::function<void(wire::RailOutcome::Builder)>, const char*> outcomes[] = {
      {[](auto out) { out.setReference(std::string(257, 'x')); }, "the reference is longer"},
      {[](auto out) { out.setCode(std::string(65, 'x')); }, "the code is longer"},
      {[](auto out) {
         out.setHasFee(true);
         out.initFee().setHigh(1ULL << 63);
       },
       "the fee is not below"},
      {[](auto out) {
         out.setHasMoved(true);
         out.initMoved().setHigh(~0ULL);
       },
       "what was moved is not below"}};
  for (const auto& [change, why] : outcomes) {
    script_.outcome = change;
    const base::Result<rail::Outcome> outcome = sent(*peer);
    ASSERT_FALSE(outcome) << why;
    EXPECT_EQ(outcome.error().code, base::ErrorCode::io);
    EXPECT_THAT(outcome.error().message, HasSubstr(why));
  }
  script_.outcome = [](auto out) { out.setDetail(std::string(10'000, 'x')); };
  const base::Result<rail::Outcome> cut = sent(*peer);
  ASSERT_TRUE(cut);
  EXPECT_EQ(cut->detail.size(), base::limits::kRailDetailBytesMax);
  const std::pair<std::function<void(wire::RailPrepared::Builder)>, const char*> prepared[] = {
      {[](auto out) { out.setIdempotencyKey(data(base::ByteView(core::Bytes(31)))); }, "a key has 32 bytes"},
      {[](auto out) { out.setRequest(data(base::ByteView(core::Bytes(192 * 1024 + 1)))); }, "the request is longer"}};
  for (const auto& [change, why] : prepared) {
    script_.prepared = change;
    const auto result = asked<rail::Prepared>([&](auto done) { peer->prepare(instruction(), done); });
    ASSERT_TRUE(result && !*result) << why;
  }
}

TEST_F(RpcRail, ExceptionsAndSilenceAreErrors) {
  const auto peer = entered();
  script_.throws = true;
  base::Result<rail::Outcome> outcome = sent(*peer);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, base::ErrorCode::io);
  EXPECT_THAT(outcome.error().message, HasSubstr("the provider burns"));
  script_.throws = false;
  rail::Opening opening;
  opening.call_ms = 50;
  EXPECT_TRUE(*asked<void>([&](auto done) { peer->start(opening, done); }));
  script_.silent = true;
  outcome = sent(*peer);
  ASSERT_FALSE(outcome) << "an answer has its time";
  script_.silent = false;
  EXPECT_TRUE(sent(*peer)) << "and the line goes on";
}

TEST_F(RpcRail, ALineThatIsLostAnswersOnceOrNeverAndTheDeskHearsOfIt) {
  auto peer = entered();
  script_.silent = true;
  int answers = 0;
  peer->send(instruction(), [&answers](const base::Result<rail::Outcome>& outcome) { answers += outcome ? 100 : 1; });
  EXPECT_TRUE(run_until([&] { return !script_.heard.empty(); }));
  registrations_.clear();
  EXPECT_TRUE(run_until([&] { return desk_.left().size() == 1; }));
  EXPECT_THAT(desk_.left()[0], HasSubstr("dropped"));
  peer->send(instruction(), [&answers](const base::Result<rail::Outcome>&) { answers += 100; });
  peer->stop();
  peer->close("too late");
  script_.silent = false;
  peer = entered();
  EXPECT_TRUE(sent(*peer)) << "the next one is served";
  EXPECT_LE(answers, 1) << "nobody answers for a line that has gone";
  // And the whole connection.
  raw_->connection.tabd = wire::Tabd::Client(nullptr);
  peer->close("no sign of life");
  EXPECT_TRUE(run_until([&] { return desk_.left().size() == 2; }));
  EXPECT_THAT(log(), HasSubstr("no sign of life"));
  registrations_.clear();
}

TEST_F(RpcRail, RefusalsOfTheDeskHaveTheirStatus) {
  const std::pair<base::ErrorCode, Status> refusals[] = {{base::ErrorCode::unavailable, Status::overloaded},
                                                         {base::ErrorCode::invalid_argument, Status::not_permitted},
                                                         {base::ErrorCode::permission, Status::not_permitted},
                                                         {base::ErrorCode::io, Status::value_invalid}};
  for (const auto& [code, status] : refusals) {
    desk_.refuse(base::Error{code, "not today"});
    EXPECT_EQ(enter(session()), (std::pair<Status, std::string>{status, "not today"}));
  }
  desk_.refuse(std::nullopt);
  EXPECT_EQ(enter(session()).first, Status::ok);
  EXPECT_TRUE(run_until([&] { return desk_.left().size() == 4; })) << "each that was refused has gone";
}

TEST_F(RpcRail, RegistrationsOfAConnectionAreBounded) {
  wire::RailSession::Client one = session();
  for (int i = 0; i < 4; ++i) EXPECT_EQ(enter(one).first, Status::ok);
  auto request = one.registerSettlerRequest();
  request.setSettler(kj::heap<WireSettler>(script_));
  EXPECT_THAT(raw_->failure(std::move(request)), HasSubstr("too many on this connection"));
  registrations_.pop_back();
  EXPECT_TRUE(run_until([&] { return !desk_.left().empty(); }));
  EXPECT_EQ(enter(one).first, Status::ok);
}

TEST_F(RpcRail, NoticesAreCheckedAndAnsweredOneByOne) {
  entered();
  EXPECT_EQ(told(256, {}).first, Status::ok);
  EXPECT_EQ(desk_.recorded().size(), 256u);
  EXPECT_EQ(desk_.recorded()[255].key, support::test_hash(255));
  const auto refused = [&](std::size_t count, const std::function<void(wire::RailNotice::Builder)>& change) {
    const auto [status, detail] = told(count, change);
    EXPECT_EQ(status, Status::value_invalid);
    return detail;
  };
  EXPECT_THAT(refused(257, {}), HasSubstr("at most 256"));
  EXPECT_THAT(refused(2, [](auto one) { one.setKey(data(base::ByteView(core::Bytes(5)))); }),
              HasSubstr("notice 0: a key has 32 bytes"));
  EXPECT_THAT(refused(1, [](auto one) { one.initAmount().setHigh(~0ULL); }), HasSubstr("an amount is below"));
  EXPECT_THAT(refused(1, [](auto one) { one.setSource(std::string(257, 'x')); }), HasSubstr("the source is longer"));
  EXPECT_THAT(refused(1, [](auto one) { one.setBody(data(base::ByteView(core::Bytes(4'097)))); }),
              HasSubstr("the body is longer"));
  EXPECT_EQ(desk_.recorded().size(), 256u) << "a call is recorded whole or not at all";
  desk_.refuse(base::Error{base::ErrorCode::unavailable, "later"});
  EXPECT_EQ(told(1, {}), (std::pair<Status, std::string>{Status::overloaded, "later"}));
  desk_.refuse(base::Error{base::ErrorCode::invalid_argument, "none"});
  EXPECT_EQ(told(1, {}).first, Status::value_invalid);
}

}  // namespace
}  // namespace rpc
