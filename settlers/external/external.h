#pragma once

// Rails whose settlers are other processes, in any language: docs/rails/external.md and rpc/schema/settler.capnp.
//
// For each such rail there is a stand-in here that the dispatcher takes for the settler. It passes the calls on to the
// peer that is registered and answers for it when it cannot: not there, no answer in time, nonsense. What it answers
// then is always the safe thing:
//
//   nobody registered     the rail is not available: nothing is begun
//   prepare()  no answer, nonsense      technical failure: nothing was sent
//   send()     not passed on            definite technical failure
//   send(), probe()  no answer, nonsense, connection lost      unknown, and a fault of the rail
//
// Nothing that a peer says about one settlement is taken to be about another, and no answer is kept after its call.

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/limits.h"
#include "ledger/api/rail.h"
#include "ledger/api/reader.h"
#include "settlers/inbox.h"
#include "settlers/settler.h"

namespace boost::asio {
class io_context;
}

namespace settlers::external {

using ledger::api::rail::Desk;
using ledger::api::rail::Opening;
using ledger::api::rail::Peer;
using ledger::api::rail::Report;

struct Options {
  std::string rail;
  std::vector<ledger::core::Address> keys;  // whose settler may serve it
  // What the operator's plans rely on. A settler that can do less is not registered.
  bool collects = true;
  bool pays = false;
  bool refunds = false;
  std::size_t in_flight_max = 64;
  std::uint64_t call_ms = 30'000;         // for an answer to one call
  std::uint64_t heartbeat_ms = 5'000;     // between signs of life; without one for as long again the peer is let go
  std::uint32_t notices_per_s = 100;      // on average
  std::size_t notices_open_max = 10'000;  // of this rail, that wait or are in suspense
};

// All but `news` must outlive the rails' stop().
struct Parts {
  boost::asio::io_context& io;  // the dispatcher's
  const ledger::api::LedgerReader& reader;
  const base::Clock& clock;
  Inbox& inbox;
  std::function<void()> wake;  // Dispatcher::wake
  // For the log: who came and went, and why. On the io_context thread.
  std::function<void(std::string_view rail, std::string_view news)> news;
  std::string network;
};

class Rails final : public Desk {
 public:
  explicit Rails(Parts parts);
  ~Rails() override;
  Rails(const Rails&) = delete;
  Rails& operator=(const Rails&) = delete;

  // The stand-in of a new rail, for Dispatcher::add(). Before anything else is called. Rails and keys are unique
  // (CHECK).
  std::unique_ptr<Settler> add(Options options);

  // Nobody enters any more. Before the dispatcher stops; from any thread.
  void close() { closed_ = true; }

  std::string rail_of(const ledger::core::Address& key) const override;
  void enter(const std::string& rail, std::shared_ptr<Peer> peer, Done<base::Result<void>> done) override;
  void leave(const std::string& rail, const std::shared_ptr<Peer>& peer, const std::string& reason) override;
  void record(const std::string& rail, const std::shared_ptr<Peer>& peer, std::vector<Notice> notices,
              Done<base::Result<std::vector<NoticeAnswer>>> done) override;

 private:
  class StandIn;
  class Face;
  std::shared_ptr<StandIn> find(const std::string& rail) const;

  const std::shared_ptr<const Parts> parts_;
  std::atomic<bool> closed_{false};
  std::map<std::string, std::shared_ptr<StandIn>> rails_;  // constant once the dispatcher has started
};

}  // namespace settlers::external
