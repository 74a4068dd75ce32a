#pragma once

// What watcher and claims of payment channels tell, as log lines and metrics; and what the ledger tells them.

#include <atomic>

#include "channels/channels.h"
#include "ledger/api/observer.h"
#include "ops/log.h"
#include "ops/metrics.h"

namespace tabd_daemon {

class ChannelEvents final : public ledger::api::Observer, public channels::Observer {
 public:
  explicit ChannelEvents(ops::Log& log) : log_(log) {}

  // They come after the ledger has opened and go before it.
  void set(channels::Channels& channels) { channels_ = &channels; }
  // Waits until a call that is under way has returned.
  void clear();

  void on_committed(const std::shared_ptr<const ledger::api::CommittedSegment>& segment,
                    const ledger::api::CommitTimings& timings) override;

  void on_problem(std::string_view part, std::string_view message) override;
  void on_rewound(std::uint64_t block) override;
  void on_synced(std::uint64_t channels, std::uint64_t block) override;
  void on_withdrawal(const base::Hash& channel, std::uint64_t deadline_s, base::u128 unclaimed) override;
  void on_planned(channels::RelayKind kind, ledger::core::SettlementId id, std::size_t rows,
                  base::u128 amount) override;
  void on_ended(channels::RelayKind kind, const ledger::core::Settlement& settlement, std::size_t rows,
                bool done) override;
  void on_put_aside(const base::Hash& channel, std::string_view reason) override;

 private:
  ops::Log& log_;
  std::atomic<channels::Channels*> channels_{nullptr};
  std::atomic<int> calling_{0};
};

// Tokens are called by their names in `tokens`.
std::vector<ops::MetricFamily> metrics_of(const channels::Channels::Status& status,
                                          const std::vector<evm::TokenInfo>& tokens, base::Time now);

}  // namespace tabd_daemon
