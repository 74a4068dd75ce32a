#include "playground/chain/dev_chain.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "base/check.h"
#include "base/clock.h"
#include "settlers/stablecoin/abi.h"
#include "settlers/stablecoin/evidence.h"
#include "settlers/stablecoin/json_rpc.h"
#include "settlers/stablecoin/transaction.h"

namespace playground::chain {

namespace {

namespace json = boost::json;
namespace evm = settlers::stablecoin;
using base::Address;
using base::Bytes;
using base::ErrorCode;
using base::Hash;
using base::Result;
using base::u128;

constexpr std::uint64_t kStartTimeoutNs = 20'000'000'000;
constexpr std::uint64_t kReceiptTimeoutNs = 30'000'000'000;
constexpr std::uint64_t kRpcTimeoutMs = 20'000;
constexpr std::uint64_t kGasForCalls = 300'000;
constexpr std::uint64_t kGasForDeployment = 5'000'000;
constexpr std::chrono::milliseconds kPoll(20);
constexpr u128 kTipWei = 1'000'000'000;
constexpr u128 kMaxFeeWei = 100'000'000'000;
constexpr unsigned kDeployer = 9;

constexpr const char* kDevKeys[] = {
    "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
    "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
    "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
    "0x7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6",
    "0x47e179ec197488593b187f80a00eb0da91f1b9d0b13f8733639f19c30a34926a",
    "0x8b3a350cf5c34c9194ca85829a2df0ec3153be0318b5e2d3348e872092edffba",
    "0x92db14e403b83dfe3df233f83dfa3a0d7096f21ca9b0d6d6b8d88b2b4ec1564e",
    "0x4bbbf85ce3377467afe5d46f804f221813b2bb87f24d81f60f1fcdbf7cbf4356",
    "0xdbda1821b80551c9d65939329250298aa3472ba22feea921c0cf5d620ea67b97",
    "0x2a871d0798f97d79848a013d4936a73bf4cc922c825d33c1cf7073dff6d409c6",
};

std::string read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

// What a Solidity constructor with two strings takes: offsets, then length and padded bytes of each.
Bytes two_strings(const std::string& first, const std::string& second) {
  Bytes out;
  const auto word = [&out](u128 number) {
    const evm::Word value = evm::word_of(number);
    out.insert(out.end(), value.bytes.begin(), value.bytes.end());
  };
  const auto padded = [](std::size_t size) { return (size + 31) / 32 * 32; };
  word(64);
  word(64 + 32 + padded(first.size()));
  for (const std::string* text : {&first, &second}) {
    word(text->size());
    out.insert(out.end(), text->begin(), text->end());
    out.resize(out.size() + padded(text->size()) - text->size());
  }
  return out;
}

}  // namespace

std::optional<std::string> find_anvil(const std::string& source_root) {
  if (const char* named = std::getenv("TABD_ANVIL"); named != nullptr && *named != '\0') return std::string(named);
  const std::string path = source_root + "/tests/chain/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil";
  if (::access(path.c_str(), X_OK) == 0) return path;
  return std::nullopt;
}

std::optional<std::string> find_artifact(const std::string& source_root, const std::string& contract) {
  const std::string path = source_root + "/tests/chain/build/" + contract + ".json";
  if (::access(path.c_str(), R_OK) == 0) return path;
  return std::nullopt;
}

std::optional<std::string> find_token_artifact(const std::string& source_root) {
  return find_artifact(source_root, "TestUSDC");
}

crypto::SecretKey dev_key(unsigned index) {
  CHECK(index < std::size(kDevKeys));
  return *crypto::SecretKey::from_bytes(base::hash_from_hex(kDevKeys[index])->view());
}

class DevChain::Impl {
 public:
  explicit Impl(ChainOptions options) : options_(std::move(options)) {}
  ~Impl() {
    client_.reset();
    if (pid_ <= 0) return;
    ::kill(pid_, SIGTERM);
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
  }

  Result<void> spawn() {
    std::vector<std::string> arguments{options_.anvil,
                                       "--host",
                                       "127.0.0.1",
                                       "--port",
                                       "0",
                                       "--chain-id",
                                       std::to_string(options_.chain_id),
                                       "--slots-in-an-epoch",
                                       std::to_string(options_.slots_in_an_epoch)};
    if (!options_.block_time_s.empty()) {
      arguments.push_back("--block-time");
      arguments.push_back(options_.block_time_s);
    }
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    const int log = ::open(options_.log_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (log < 0) return base::error(ErrorCode::io, "cannot write " + options_.log_path + ": " + std::strerror(errno));
    const pid_t parent = ::getpid();
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGTERM);  // never outlives us
      if (::getppid() != parent) ::_exit(126);
      ::dup2(log, STDOUT_FILENO);
      ::dup2(log, STDERR_FILENO);
      ::execv(argv[0], argv.data());
      ::_exit(127);
    }
    ::close(log);
    if (pid_ < 0) return base::error(ErrorCode::io, std::string("cannot fork: ") + std::strerror(errno));
    return wait_until_listening();
  }

  Result<json::value> call(const std::string& method, json::array params) {
    std::optional<evm::RpcResult> answer;
    client_->call(method, std::move(params), [&answer](evm::RpcResult result) { answer = std::move(result); });
    io_.restart();
    while (!answer && io_.run_one() > 0) {
    }
    if (!answer) return base::error(ErrorCode::io, method + ": no answer");
    if (!*answer) {
      const std::string reason = evm::revert_reason(answer->error().data);
      return base::error(ErrorCode::io, method + ": " + answer->error().message + (reason.empty() ? "" : " " + reason));
    }
    return **answer;
  }

  Result<Bytes> view(const Address& to, const Bytes& data) {
    json::object request;
    request["to"] = base::to_hex(to);
    request["data"] = base::to_hex(data);
    ASSIGN_OR_RETURN(const json::value answer, call("eth_call", {std::move(request), "latest"}));
    const auto bytes = evm::data_bytes(answer);
    if (!bytes) return base::error(ErrorCode::io, "the contract's answer is not data: " + json::serialize(answer));
    return *bytes;
  }

  Result<u128> number(const Address& to, const Bytes& data) {
    ASSIGN_OR_RETURN(const Bytes bytes, view(to, data));
    const auto number = evm::number_from_word(bytes);
    if (!number) return base::error(ErrorCode::io, "the contract's answer is not a number: " + base::to_hex(bytes));
    return *number;
  }

  Result<u128> quantity(const std::string& method, json::array params) {
    ASSIGN_OR_RETURN(const json::value answer, call(method, std::move(params)));
    const auto number = evm::quantity128(answer);
    if (!number) return base::error(ErrorCode::io, method + ": not a number: " + json::serialize(answer));
    return *number;
  }

  Result<json::value> receipt(const Hash& transaction) {
    return call("eth_getTransactionReceipt", {base::to_hex(transaction)});
  }

  // Until it is in a block; the receipt is not there yet when the node takes the transaction.
  Result<json::value> wait_for(const Hash& transaction) {
    const std::uint64_t start = clock_.monotonic_ns();
    for (;;) {
      ASSIGN_OR_RETURN(const json::value answer, receipt(transaction));
      if (answer.is_object()) return answer;
      if (clock_.monotonic_ns() - start > kReceiptTimeoutNs)
        return base::error(ErrorCode::timeout, base::to_hex(transaction) + " is in no block");
      std::this_thread::sleep_for(kPoll);
    }
  }

  Result<Hash> submit(const crypto::SecretKey& from, evm::Transaction transaction) {
    ASSIGN_OR_RETURN(const u128 nonce, quantity("eth_getTransactionCount", {base::to_hex(from.address()), "pending"}));
    transaction.chain_id = options_.chain_id;
    transaction.nonce = static_cast<std::uint64_t>(nonce);
    transaction.max_fee_wei = kMaxFeeWei;
    transaction.max_priority_fee_wei = kTipWei;
    const evm::SignedTransaction signed_transaction = evm::sign(transaction, from);
    ASSIGN_OR_RETURN(const json::value answer, call("eth_sendRawTransaction", {base::to_hex(signed_transaction.raw)}));
    static_cast<void>(answer);
    return signed_transaction.hash;
  }

  // `arguments` are the constructor's, as the ABI encodes them.
  Result<Address> deploy(const std::string& artifact_path, const Bytes& arguments) {
    boost::system::error_code failed;
    const json::value artifact = json::parse(read_text(artifact_path), failed);
    const json::value* bytecode = failed ? nullptr : evm::member(artifact, "bytecode");
    auto code = bytecode == nullptr ? std::nullopt : evm::data_bytes(*bytecode);
    if (!code)
      return base::error(ErrorCode::io, artifact_path +
                                            " has no bytecode; make it with: cd tests/chain && npm ci && "
                                            "node build.mjs");
    code->insert(code->end(), arguments.begin(), arguments.end());
    // By an account that the node holds: a transaction without a receiver is the one kind that we never sign.
    json::object object;
    object["from"] = base::to_hex(dev_key(kDeployer).address());
    object["data"] = base::to_hex(*code);
    object["gas"] = evm::to_quantity(kGasForDeployment);
    ASSIGN_OR_RETURN(const json::value sent, call("eth_sendTransaction", {std::move(object)}));
    const auto hash = evm::data_fixed<Hash>(sent);
    if (!hash) return base::error(ErrorCode::io, "no transaction hash for the deployment of " + artifact_path);
    ASSIGN_OR_RETURN(const json::value answer, wait_for(*hash));
    const auto parsed = evm::parse_receipt(answer);
    const json::value* contract = evm::member(answer, "contractAddress");
    const auto address = contract == nullptr ? std::nullopt : evm::data_fixed<Address>(*contract);
    if (!parsed || !parsed->success || !address) return base::error(ErrorCode::io, artifact_path + " was not deployed");
    return *address;
  }

  Result<Hash> send(const crypto::SecretKey& from, const Address& to, const Bytes& data, u128 value_wei) {
    evm::Transaction transaction;
    transaction.gas_limit = kGasForCalls;
    transaction.to = to;
    transaction.data = data;
    transaction.value_wei = value_wei;
    ASSIGN_OR_RETURN(const Hash hash, submit(from, std::move(transaction)));
    ASSIGN_OR_RETURN(const json::value answer, wait_for(hash));
    const auto parsed = evm::parse_receipt(answer);
    if (!parsed || !parsed->success) return base::error(ErrorCode::io, base::to_hex(hash) + " reverted");
    return hash;
  }

  const ChainOptions options_;
  const base::SystemClock clock_;
  boost::asio::io_context io_;
  std::unique_ptr<evm::JsonRpcClient> client_;
  pid_t pid_ = -1;
  std::uint16_t port_ = 0;

 private:
  Result<void> wait_until_listening() {
    constexpr std::string_view kListening = "Listening on 127.0.0.1:";
    const std::uint64_t start = clock_.monotonic_ns();
    while (clock_.monotonic_ns() - start < kStartTimeoutNs) {
      const std::string log = read_text(options_.log_path);
      const std::size_t at = log.find(kListening);
      const std::size_t end = at == std::string::npos ? at : log.find('\n', at);
      if (end != std::string::npos) {
        std::from_chars(log.data() + at + kListening.size(), log.data() + end, port_);
        ASSIGN_OR_RETURN(evm::RpcUrl url, evm::parse_rpc_url("http://127.0.0.1:" + std::to_string(port_)));
        client_ = std::make_unique<evm::JsonRpcClient>(io_, url, kRpcTimeoutMs);
        return {};
      }
      int status = 0;
      if (::waitpid(pid_, &status, WNOHANG) == pid_) {
        pid_ = -1;
        return base::error(ErrorCode::io, options_.anvil + " ended at once; its output is in " + options_.log_path);
      }
      std::this_thread::sleep_for(kPoll);
    }
    return base::error(ErrorCode::timeout, options_.anvil + " does not listen; its output is in " + options_.log_path);
  }
};

DevChain::DevChain(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
DevChain::~DevChain() = default;

Result<std::unique_ptr<DevChain>> DevChain::start(ChainOptions options) {
  if (options.anvil.empty()) return base::error(ErrorCode::invalid_argument, "the path of anvil is missing");
  auto impl = std::make_unique<Impl>(std::move(options));
  RETURN_IF_ERROR(impl->spawn());
  return std::unique_ptr<DevChain>(new DevChain(std::move(impl)));
}

std::string DevChain::rpc_url() const { return "http://127.0.0.1:" + std::to_string(impl_->port_); }
std::uint16_t DevChain::port() const { return impl_->port_; }
int DevChain::pid() const { return impl_->pid_; }

Result<Address> DevChain::deploy_token(const std::string& artifact_path, const std::string& name,
                                       const std::string& version) {
  return impl_->deploy(artifact_path, two_strings(name, version));
}

Result<SettlementContracts> DevChain::deploy_settlement(const std::string& settlement_artifact,
                                                        const std::string& collector_artifact) {
  SettlementContracts contracts;
  ASSIGN_OR_RETURN(contracts.settlement, impl_->deploy(settlement_artifact, {}));
  const evm::Word bound = evm::word_of(contracts.settlement);
  ASSIGN_OR_RETURN(contracts.collector,
                   impl_->deploy(collector_artifact, Bytes(bound.bytes.begin(), bound.bytes.end())));
  return contracts;
}

Result<Address> DevChain::deploy(const std::string& artifact_path, const Bytes& constructor_arguments) {
  return impl_->deploy(artifact_path, constructor_arguments);
}

Result<void> DevChain::place_code(const Address& from, const Address& to) {
  ASSIGN_OR_RETURN(json::value code, impl_->call("eth_getCode", {base::to_hex(from), "latest"}));
  return impl_->call("anvil_setCode", {base::to_hex(to), std::move(code)}).map([](const json::value&) {});
}

Result<Bytes> DevChain::view(const Address& to, const Bytes& data) { return impl_->view(to, data); }

Result<Hash> DevChain::send(const crypto::SecretKey& from, const Address& to, const Bytes& data, u128 value_wei) {
  return impl_->send(from, to, data, value_wei);
}

Result<void> DevChain::mint(const Address& token, const Address& to, u128 amount) {
  return send(dev_key(kDeployer), token,
              evm::call_data("mint(address,uint256)", {evm::word_of(to), evm::word_of(amount)}))
      .map([](const Hash&) {});
}

Result<void> DevChain::approve(const Address& token, const crypto::SecretKey& owner, const Address& spender,
                               u128 amount) {
  return send(owner, token, evm::call_data("approve(address,uint256)", {evm::word_of(spender), evm::word_of(amount)}))
      .map([](const Hash&) {});
}

Result<void> DevChain::set_blacklisted(const Address& token, const Address& account, bool blacklisted) {
  return send(dev_key(kDeployer), token,
              evm::call_data("setBlacklisted(address,bool)",
                             {evm::word_of(account), evm::word_of(u128{blacklisted ? 1u : 0u})}))
      .map([](const Hash&) {});
}

Result<void> DevChain::set_paused(const Address& token, bool paused) {
  return send(dev_key(kDeployer), token, evm::call_data("setPaused(bool)", {evm::word_of(u128{paused ? 1u : 0u})}))
      .map([](const Hash&) {});
}

Result<u128> DevChain::token_balance(const Address& token, const Address& account) {
  return impl_->number(token, evm::call_data("balanceOf(address)", {evm::word_of(account)}));
}

Result<u128> DevChain::allowance(const Address& token, const Address& owner, const Address& spender) {
  return impl_->number(token,
                       evm::call_data("allowance(address,address)", {evm::word_of(owner), evm::word_of(spender)}));
}

Result<Hash> DevChain::permit_nonce(const Address& token, const Address& owner) {
  ASSIGN_OR_RETURN(const u128 nonce, impl_->number(token, evm::call_data("nonces(address)", {evm::word_of(owner)})));
  return evm::word_of(nonce);
}

Result<u128> DevChain::gas_balance(const Address& account) {
  return impl_->quantity("eth_getBalance", {base::to_hex(account), "latest"});
}

Result<void> DevChain::set_gas_balance(const Address& account, u128 wei) {
  const evm::Word word = evm::word_of(wei);
  return impl_->call("anvil_setBalance", {base::to_hex(account), base::to_hex(word)}).map([](const json::value&) {});
}

Result<std::uint64_t> DevChain::block_number() {
  return impl_->quantity("eth_blockNumber", {}).map([](u128 number) { return static_cast<std::uint64_t>(number); });
}

Result<std::uint64_t> DevChain::block_timestamp_s() {
  ASSIGN_OR_RETURN(const json::value answer, impl_->call("eth_getBlockByNumber", {"latest", false}));
  const auto block = evm::parse_block(answer);
  if (!block) return base::error(ErrorCode::io, "the newest block cannot be read");
  return block->timestamp_s;
}

Result<std::uint64_t> DevChain::transaction_count(const Address& account) {
  return impl_->quantity("eth_getTransactionCount", {base::to_hex(account), "latest"}).map([](u128 number) {
    return static_cast<std::uint64_t>(number);
  });
}

Result<std::optional<int>> DevChain::receipt_status(const Hash& transaction) {
  ASSIGN_OR_RETURN(const json::value answer, impl_->receipt(transaction));
  const auto receipt = evm::parse_receipt(answer);
  if (!receipt) return std::optional<int>();
  return std::optional<int>(receipt->success ? 1 : 0);
}

Result<void> DevChain::mine(std::uint64_t blocks) {
  return impl_->call("anvil_mine", {evm::to_quantity(blocks)}).map([](const json::value&) {});
}

Result<void> DevChain::set_automine(bool on) {
  return impl_->call("evm_setAutomine", {on}).map([](const json::value&) {});
}

Result<void> DevChain::reorganise(std::uint64_t depth) {
  return impl_->call("anvil_reorg", {depth, json::array{}}).map([](const json::value&) {});
}

Result<std::string> DevChain::rpc(const std::string& method, const std::string& params) {
  boost::system::error_code failed;
  json::value parsed = json::parse(params, failed);
  if (failed || !parsed.is_array()) return base::error(ErrorCode::invalid_argument, "params is not a JSON array");
  return impl_->call(method, std::move(parsed.as_array())).map([](const json::value& value) {
    return json::serialize(value);
  });
}

}  // namespace playground::chain
