#pragma once

// A local EVM chain (anvil) with the test contracts, for the demo and the chain tests. Starts the node as a child
// process on a free loopback port and ends it with this object. Calls block; one thread at a time.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/amount.h"
#include "base/bytes.h"
#include "base/result.h"
#include "crypto/secp256k1.h"

namespace playground::chain {

struct ChainOptions {
  std::string anvil;     // the binary; empty: find_anvil()
  std::string log_path;  // the node's output; must be writable
  std::uint64_t chain_id = 31337;
  std::string block_time_s;             // "1", "0.5"; empty: a block for each transaction at once
  std::uint64_t slots_in_an_epoch = 1;  // `safe` and `finalized` are one and two epochs behind `latest`
};

// The environment's TABD_ANVIL, or the npm package under `source_root`/tests/chain; empty if there is neither.
std::optional<std::string> find_anvil(const std::string& source_root);
// build/CONTRACT.json as tests/chain/build.mjs makes it ("TestUSDC", "BatchSettlement", "ERC3009Collector",
// "ReadBatcher"); empty if it is not there.
std::optional<std::string> find_artifact(const std::string& source_root, const std::string& contract);
std::optional<std::string> find_token_artifact(const std::string& source_root);

// The publicly known keys of anvil's accounts (mnemonic "test test ... junk"), 0..9; each has 10,000 ETH.
crypto::SecretKey dev_key(unsigned index);

// Payment channels (x402BatchSettlement's interface) and the collector that brings EIP-3009 deposits into them.
struct SettlementContracts {
  base::Address settlement;
  base::Address collector;
};

class DevChain {
 public:
  static base::Result<std::unique_ptr<DevChain>> start(ChainOptions options);
  ~DevChain();
  DevChain(const DevChain&) = delete;
  DevChain& operator=(const DevChain&) = delete;

  std::string rpc_url() const;  // http://127.0.0.1:port
  std::uint16_t port() const;
  int pid() const;

  // Deploys the test token by dev_key(9). The domain name and version are the token's EIP-712 ones.
  base::Result<base::Address> deploy_token(const std::string& artifact_path, const std::string& name,
                                           const std::string& version);
  base::Result<SettlementContracts> deploy_settlement(const std::string& settlement_artifact,
                                                      const std::string& collector_artifact);
  // Any contract of tests/chain; `constructor_arguments` as the ABI encodes them.
  base::Result<base::Address> deploy(const std::string& artifact_path, const base::Bytes& constructor_arguments);
  // Gives `to` the code of the contract `from`, for software that has an address built in. What the constructor bound
  // comes along, storage does not.
  base::Result<void> place_code(const base::Address& from, const base::Address& to);
  // eth_call at the newest block: what the function returns; an Error if it reverts.
  base::Result<base::Bytes> view(const base::Address& to, const base::Bytes& data);
  // In the token's smallest units; waits for the block.
  base::Result<void> mint(const base::Address& token, const base::Address& to, base::u128 amount);
  base::Result<void> approve(const base::Address& token, const crypto::SecretKey& owner, const base::Address& spender,
                             base::u128 amount);
  base::Result<void> set_blacklisted(const base::Address& token, const base::Address& account, bool blacklisted);
  base::Result<void> set_paused(const base::Address& token, bool paused);
  base::Result<base::u128> token_balance(const base::Address& token, const base::Address& account);
  base::Result<base::u128> allowance(const base::Address& token, const base::Address& owner,
                                     const base::Address& spender);
  base::Result<base::Hash> permit_nonce(const base::Address& token, const base::Address& owner);

  base::Result<base::u128> gas_balance(const base::Address& account);  // wei
  base::Result<void> set_gas_balance(const base::Address& account, base::u128 wei);
  base::Result<std::uint64_t> block_number();
  base::Result<std::uint64_t> block_timestamp_s();
  base::Result<std::uint64_t> transaction_count(const base::Address& account);  // at latest
  // 0 = reverted, 1 = success; empty: not in a block.
  base::Result<std::optional<int>> receipt_status(const base::Hash& transaction);
  base::Result<void> mine(std::uint64_t blocks);
  base::Result<void> set_automine(bool on);
  base::Result<void> reorganise(std::uint64_t depth);  // the last `depth` blocks are replaced by empty ones

  // Signs and sends one transaction and waits for its receipt; an Error if it reverts. The nonce is the account's next.
  base::Result<base::Hash> send(const crypto::SecretKey& from, const base::Address& to, const base::Bytes& data,
                                base::u128 value_wei = 0);
  // Any method; `params` is a JSON array, the answer is JSON text.
  base::Result<std::string> rpc(const std::string& method, const std::string& params);

 private:
  class Impl;
  explicit DevChain(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace playground::chain
