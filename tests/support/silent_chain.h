#pragma once

// A chain that answers nothing: the base of those that answer what a test wants. On the calling thread, at once.

#include <string>
#include <vector>

#include "evm/chain.h"

namespace support {

class SilentChain : public evm::Chain {
 public:
  std::uint64_t chain_id() const override { return chain_id_; }
  base::Address relayer() const override { return relayer_; }
  const std::vector<evm::TokenInfo>& tokens() const override { return tokens_; }
  const std::vector<base::Address>& contracts() const override { return contracts_; }
  std::string_view rail() const override { return "stablecoin"; }

  void simulate(const base::Address&, const base::Bytes&, evm::Done<evm::Simulation> done) override { done(silence()); }
  void authorization(const base::Address&, const base::Address&, const base::Hash&, const base::Bytes&,
                     evm::Done<evm::AuthorizationState> done) override {
    done(silence());
  }
  void balance(const base::Address&, const base::Address&, evm::Done<base::u128> done) override { done(silence()); }
  void newest(evm::Done<evm::BlockPoint> done) override { done(silence()); }
  void head(evm::Done<evm::Head> done) override { done(silence()); }
  void block(std::uint64_t, evm::Done<evm::BlockPoint> done) override { done(silence()); }
  void channel(const base::Address&, const base::Hash&, evm::Depth, evm::Done<evm::ChannelState> done) override {
    done(silence());
  }
  void channels(const base::Address&, std::vector<base::Hash>, evm::Depth,
                evm::Done<std::vector<evm::ChannelState>> done) override {
    done(silence());
  }
  void earnings(const base::Address&, const base::Address&, const base::Address&, evm::Depth,
                evm::Done<evm::EarningsState> done) override {
    done(silence());
  }
  void events(const base::Address&, std::uint64_t, std::uint64_t,
              evm::Done<std::vector<evm::LoggedEvent>> done) override {
    done(silence());
  }
  void gas_price(evm::Done<base::u128> done) override { done(silence()); }

  static tl::unexpected<base::Error> silence() {
    return base::error(base::ErrorCode::unavailable, "the node does not answer");
  }

 protected:
  std::uint64_t chain_id_ = 31337;
  base::Address relayer_;
  std::vector<evm::TokenInfo> tokens_;
  std::vector<base::Address> contracts_;
};

}  // namespace support
