#include "settlers/external/external.h"

#include <algorithm>

#include "base/check.h"
#include "settlers/external/stand_in.h"

namespace settlers::external {

// What the dispatcher owns. The stand-in outlives it: calls may be under way.
class Rails::Face final : public Settler {
 public:
  explicit Face(std::shared_ptr<StandIn> stand_in) : stand_in_(std::move(stand_in)) {}
  ~Face() override { stand_in_->stop(); }
  Face(const Face&) = delete;
  Face& operator=(const Face&) = delete;

  std::string_view rail() const override { return stand_in_->options().rail; }
  Capabilities capabilities() const override {
    const Options& options = stand_in_->options();
    Capabilities can;
    can.pull = options.collects;
    can.push = options.pays;
    can.refunds = options.refunds;
    can.can_probe = true;
    can.in_flight_max = options.in_flight_max;
    return can;
  }
  // Nobody needs to be there: what is open is handed over when somebody is.
  void start(Done<base::Result<void>> done) override { done({}); }
  void set_sending(bool allowed) override { stand_in_->set_sending(allowed); }
  void stop() override { stand_in_->stop(); }
  void prepare(const Instruction& instruction, Done<base::Result<Prepared>> done) override {
    stand_in_->prepare(instruction, std::move(done));
  }
  void abandon(const Prepared& prepared) override { stand_in_->abandon(prepared); }
  void send(const Instruction& instruction, Done<Outcome> done) override {
    stand_in_->send(instruction, std::move(done));
  }
  void probe(const Instruction& instruction, Done<Outcome> done) override {
    stand_in_->probe(instruction, std::move(done));
  }
  bool available() const override { return stand_in_->available(); }
  std::string describe() const override { return stand_in_->describe(); }
  std::vector<Gauge> gauges() const override { return stand_in_->gauges(); }

 private:
  const std::shared_ptr<StandIn> stand_in_;
};

Rails::Rails(Parts parts) : parts_(std::make_shared<const Parts>(std::move(parts))) {}
Rails::~Rails() = default;

std::unique_ptr<Settler> Rails::add(Options options) {
  for (const ledger::core::Address& key : options.keys) CHECK_MSG(rail_of(key).empty(), "one key for two rails");
  const std::string rail = options.rail;
  const auto [at, is_new] = rails_.emplace(rail, std::make_shared<StandIn>(parts_, std::move(options)));
  CHECK_MSG(is_new, "two external rails of one name");
  return std::make_unique<Face>(at->second);
}

std::shared_ptr<Rails::StandIn> Rails::find(const std::string& rail) const {
  const auto found = rails_.find(rail);
  return found == rails_.end() ? nullptr : found->second;
}

std::string Rails::rail_of(const ledger::core::Address& key) const {
  for (const auto& [rail, stand_in] : rails_) {
    const std::vector<ledger::core::Address>& keys = stand_in->options().keys;
    if (std::find(keys.begin(), keys.end(), key) != keys.end()) return rail;
  }
  return {};
}

void Rails::enter(const std::string& rail, std::shared_ptr<Peer> peer, Done<base::Result<void>> done) {
  std::shared_ptr<StandIn> stand_in = find(rail);
  if (!stand_in) return done(base::error(base::ErrorCode::not_found, "there is no external rail " + rail));
  if (closed_) return done(base::error(base::ErrorCode::unavailable, "the daemon is stopping"));
  boost::asio::post(parts_->io, [stand_in, peer = std::move(peer), done = std::move(done)]() mutable {
    stand_in->enter(std::move(peer), std::move(done));
  });
}

void Rails::leave(const std::string& rail, const std::shared_ptr<Peer>& peer, const std::string& reason) {
  if (std::shared_ptr<StandIn> stand_in = find(rail))
    boost::asio::post(parts_->io, [stand_in, peer, reason] { stand_in->leave(peer, reason); });
}

void Rails::record(const std::string& rail, const std::shared_ptr<Peer>& peer, std::vector<Notice> notices,
                   Done<base::Result<std::vector<NoticeAnswer>>> done) {
  std::shared_ptr<StandIn> stand_in = find(rail);
  if (!stand_in) return done(base::error(base::ErrorCode::not_found, "there is no external rail " + rail));
  if (closed_) return done(base::error(base::ErrorCode::unavailable, "the daemon is stopping"));
  boost::asio::post(parts_->io, [stand_in, peer, notices = std::move(notices), done = std::move(done)]() mutable {
    stand_in->record(peer, std::move(notices), std::move(done));
  });
}

}  // namespace settlers::external
