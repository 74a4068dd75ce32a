#include "daemon/channel_events.h"

#include <algorithm>
#include <map>
#include <thread>

#include "base/uint256.h"

namespace tabd_daemon {

namespace {

using channels::RelayKind;
using ops::MetricFamily;
using ops::MetricKind;

std::string_view name(RelayKind kind) { return kind == RelayKind::claim ? "claim" : "settle"; }

MetricFamily single(std::string name, std::string help, MetricKind kind, double value) {
  return {std::move(name), std::move(help), kind, {{{}, value}}};
}

std::uint64_t seconds_since(base::Time then, base::Time now) {
  return then.us == 0 || now < then ? 0 : (now.us - then.us) / 1'000'000;
}

}  // namespace

void ChannelEvents::clear() {
  channels_ = nullptr;
  while (calling_ != 0) std::this_thread::yield();
}

void ChannelEvents::on_committed(const std::shared_ptr<const ledger::api::CommittedSegment>& segment,
                                 const ledger::api::CommitTimings&) {
  ++calling_;
  if (channels::Channels* channels = channels_.load()) channels->on_committed(*segment);
  --calling_;
}

void ChannelEvents::on_problem(std::string_view part, std::string_view message) {
  if (message.empty()) return log_.info("channels go on", {{"part", part}});
  log_.warning("channels wait", {{"part", part}, {"problem", message}});
}

void ChannelEvents::on_rewound(std::uint64_t block) {
  log_.warning("the chain was reorganised deeper than `confirmed`: all channels are read again", {{"block", block}});
}

void ChannelEvents::on_synced(std::uint64_t channels, std::uint64_t block) {
  log_.info("channels compared with the chain", {{"channels", channels}, {"block", block}});
}

void ChannelEvents::on_withdrawal(const base::Hash& channel, std::uint64_t deadline_s, base::u128 unclaimed) {
  log_.warning("a payer withdraws", {{"channel", base::to_hex(channel)},
                                     {"deadline", deadline_s},
                                     {"unclaimed", base::to_decimal_string(unclaimed)}});
}

void ChannelEvents::on_planned(RelayKind kind, ledger::core::SettlementId id, std::size_t rows, base::u128 amount) {
  log_.info(
      "channels relay planned",
      {{"kind", name(kind)}, {"settlement", id.value}, {"rows", rows}, {"amount", base::to_decimal_string(amount)}});
}

void ChannelEvents::on_ended(RelayKind kind, const ledger::core::Settlement& settlement, std::size_t rows, bool done) {
  log_.write(done ? ops::LogLevel::info : ops::LogLevel::warning,
             done ? "channels relay done" : "channels relay failed",
             {{"kind", name(kind)},
              {"settlement", settlement.id.value},
              {"rows", rows},
              {"transaction", settlement.reference},
              {"detail", settlement.detail}});
}

void ChannelEvents::on_put_aside(const base::Hash& channel, std::string_view reason) {
  if (reason.empty()) return log_.info("a channel can be claimed again", {{"channel", base::to_hex(channel)}});
  log_.warning("a channel was put aside", {{"channel", base::to_hex(channel)}, {"reason", reason}});
}

std::vector<MetricFamily> metrics_of(const channels::Channels::Status& status,
                                     const std::vector<evm::TokenInfo>& tokens, base::Time now) {
  const auto counter = MetricKind::counter;
  const auto gauge = MetricKind::gauge;
  const auto number = [](auto value) { return static_cast<double>(value); };
  const channels::Unclaimed::Totals& totals = status.claims.totals;
  const channels::Watcher::Status& watcher = status.watcher;
  MetricFamily unclaimed{"tabd_channels_unclaimed_units",
                         "Charged and not claimed on the chain, in the token's smallest units.",
                         gauge,
                         {}};
  std::map<std::string, double> by_name;
  for (const auto& [token, units] : totals.unclaimed) {
    const auto named =
        std::find_if(tokens.begin(), tokens.end(), [&](const evm::TokenInfo& info) { return info.address == token; });
    by_name[named == tokens.end() ? "other" : named->name] += number(units);
  }
  for (const auto& [token, units] : by_name) unclaimed.samples.push_back({{{"token", token}}, units});
  MetricFamily ended{"tabd_channels_relays_total", "Claims and payouts that ended since start.", counter, {}};
  MetricFamily under_way{"tabd_channels_relays_under_way", "Claims and payouts without an end.", gauge, {}};
  for (const RelayKind kind : {RelayKind::claim, RelayKind::settle}) {
    const auto at = static_cast<std::size_t>(kind);
    const std::string label(name(kind));
    ended.samples.push_back({{{"kind", label}, {"outcome", "done"}}, number(status.claims.done[at])});
    ended.samples.push_back({{{"kind", label}, {"outcome", "failed"}}, number(status.claims.failed[at])});
    under_way.samples.push_back({{{"kind", label}}, number(status.claims.under_way[at])});
  }
  const std::uint64_t behind = watcher.confirmed_block - std::min(watcher.confirmed_block, watcher.seen_block);
  const base::Time newest = base::Time::from_seconds(watcher.newest_block_time_s);
  return {
      single("tabd_channels_in_step", "1 while the ledger's channels are as the chain has them.", gauge,
             status.in_step ? 1 : 0),
      single("tabd_channels_kept", "Channels that are kept here.", gauge, number(totals.channels)),
      single("tabd_channels_unclaimed", "Channels with charges that are not claimed.", gauge,
             number(totals.unclaimed_channels)),
      std::move(unclaimed),
      single("tabd_channels_oldest_unclaimed_seconds", "How long the oldest charge has waited for its claim.", gauge,
             number(seconds_since(totals.oldest, now))),
      single("tabd_channels_put_aside", "Channels whose claim cannot be sent.", gauge, number(totals.put_aside)),
      single("tabd_channels_withdrawals", "Channels whose payer withdraws.", gauge, number(totals.withdrawals)),
      single("tabd_channels_withdrawals_unclaimed", "Channels whose payer withdraws and that are not claimed.", gauge,
             number(totals.withdrawals_due)),
      single("tabd_channels_blocks_behind", "Confirmed blocks that are not in the ledger yet.", gauge, number(behind)),
      single("tabd_channels_head_age_seconds", "Age of the newest block that was seen.", gauge,
             number(seconds_since(newest, now))),
      single("tabd_channels_rewinds_total", "Reorganisations deeper than the confirmations.", counter,
             number(watcher.rewinds)),
      single("tabd_channels_rows_claimed_total", "Channels in claims that are done.", counter,
             number(status.claims.rows_claimed)),
      single("tabd_channels_put_aside_total", "Times that a channel was put aside.", counter,
             number(status.claims.put_aside)),
      std::move(ended),
      std::move(under_way),
  };
}

}  // namespace tabd_daemon
