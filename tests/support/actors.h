#pragma once

// The people of the tests: payers, agents, payees and resource servers with keys that follow from their index, and what
// they sign. Everything is deterministic, so that a failure can be repeated.

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "commitments/tab/sign.h"
#include "commitments/tab/verify.h"

namespace support {

using base::Address;
using base::Amount;
using base::AssetId;
using base::Hash;
using base::Signature;
using base::Unit;

enum class Role : std::uint8_t { payer = 1, agent = 2, payee = 3, server = 4, keeper = 5 };  // keeper: the operator

// keccak256("tabd test key" || role || index as 8 bytes big-endian).
crypto::SecretKey secret_key(Role role, std::uint64_t index);
// The publicly known key of account `index` (0..9) of the mnemonic "test test ... junk" (Anvil, Hardhat).
crypto::SecretKey anvil_key(std::size_t index);
// The other valid signature over the same digest: s mirrored into the upper half of the group order, v swapped.
Signature high_s_twin(const Signature& signature);
// A hash that is as good as random and follows from its number.
Hash test_hash(std::uint64_t number);
Unit unit(std::string_view text);  // CHECKs that it is valid

inline constexpr AssetId kUsdc{1};  // kUsdcText
inline constexpr AssetId kUsd{2};   // kUsdText
inline constexpr std::string_view kNetwork = "test:tab";
inline constexpr std::string_view kUsdcText = "eip155:31337/erc20:0x5fbdb2315678afecb367f032d93f642f64180aa3";
inline constexpr std::string_view kUsdText = "USD";
// 2030-01-01T00:00:00Z: a convenient present for manual clocks, in seconds.
inline constexpr std::uint64_t kNow = 1893456000;

// A single-use commitment and its charge, by the indexes of the parties. For a hold, `amount`, `quantity` and `unit`
// are not used.
struct SingleSpec {
  std::uint64_t payer = 0;
  std::uint64_t payee = 0;
  std::optional<std::uint64_t> agent = {};  // signs in place of the payer
  AssetId asset = kUsdc;
  std::uint64_t maximum = 1000;
  std::uint64_t amount = 1000;
  base::u128 nonce = 1;
  Hash resource = {};   // of the commitment; zero: any
  Hash delivered = {};  // of the usage; zero: the same as `resource`
  std::uint64_t quantity = 1;
  std::string_view unit = "request";
  std::uint64_t valid_after = 0;
  std::uint64_t valid_before = kNow + 3600;
};

// A voucher and the charges under it.
struct VoucherSpec {
  std::uint64_t payer = 0;
  std::uint64_t payee = 0;
  std::optional<std::uint64_t> agent = {};
  AssetId asset = kUsdc;
  Hash salt = {};
  std::uint64_t maximum = 1000;
  std::uint64_t valid_before = 0;
  std::uint64_t first_index = 0;
  std::vector<std::uint64_t> amounts = {10};  // one usage each
  Hash resource = {};
  std::string_view unit = "request";
};

// One operator's network with two assets and all its actors. Safe from any thread.
class Actors {
 public:
  explicit Actors(std::string_view network = kNetwork);

  const commitments::tab::Domain& domain() const noexcept { return domain_; }
  const std::shared_ptr<const commitments::tab::AssetTable>& assets() const noexcept { return assets_; }
  const Hash& text_hash(AssetId asset) const;

  // Keys and addresses, made at the first use. The references live as long as the object.
  const crypto::SecretKey& key(Role role, std::uint64_t index) const;
  const Address& address(Role role, std::uint64_t index) const;
  const Address& payer(std::uint64_t index) const { return address(Role::payer, index); }
  const Address& agent(std::uint64_t index) const { return address(Role::agent, index); }
  const Address& payee(std::uint64_t index) const { return address(Role::payee, index); }
  const Address& server(std::uint64_t index) const { return address(Role::server, index); }

  // Signed items.
  commitments::tab::Item charge(const SingleSpec& spec) const;
  commitments::tab::Item hold(const SingleSpec& spec) const;
  commitments::tab::Item capture(const SingleSpec& spec) const;  // of the hold with spec.payer and spec.nonce
  commitments::tab::Item release(const SingleSpec& spec) const;
  commitments::tab::Item voucher(const VoucherSpec& spec) const;
  // Again the signature of an item that was changed.
  void resign(commitments::tab::Item& item, Role role, std::uint64_t index) const;

  Signature sign_mandate(const commitments::tab::Mandate& mandate, std::uint64_t payer) const;
  Signature sign_revocation(const commitments::tab::MandateRevocation& revocation, std::uint64_t payer) const;

  // A batch signed by a server.
  commitments::tab::UnverifiedBatch batch(std::uint64_t server, std::uint64_t number,
                                          std::vector<commitments::tab::Item> items) const;
  // Through the real BatchVerifier, on this thread.
  commitments::tab::VerifiedBatch verify(commitments::tab::UnverifiedBatch batch) const;
  commitments::tab::VerifiedBatch verified(std::uint64_t server, std::uint64_t number,
                                           std::vector<commitments::tab::Item> items) const {
    return verify(batch(server, number, std::move(items)));
  }
  // The same items as if their signatures (and the server's) had been checked: no curve work, and none of it needed
  // when they were made. For property tests and benchmarks.
  commitments::tab::VerifiedBatch trusted(std::uint64_t server, std::uint64_t number,
                                          std::vector<commitments::tab::Item> items) const;
  commitments::tab::KeyCache& key_cache() const noexcept { return key_cache_; }

  // As charge() and voucher(), without the signature: for trusted().
  commitments::tab::Item unsigned_charge(const SingleSpec& spec) const;
  commitments::tab::Item unsigned_hold(const SingleSpec& spec) const;
  commitments::tab::Item unsigned_voucher(const VoucherSpec& spec) const;

 private:
  struct Person {
    crypto::SecretKey key;
    Address address;
  };
  const Person& person(Role role, std::uint64_t index) const;

  commitments::tab::Domain domain_;
  std::shared_ptr<const commitments::tab::AssetTable> assets_;
  mutable commitments::tab::KeyCache key_cache_;
  mutable std::mutex mutex_;
  mutable std::array<std::unordered_map<std::uint64_t, std::unique_ptr<Person>>, 6> people_;  // by role; under mutex_
};

}  // namespace support

namespace commitments::tab {

// The friend that verify.h names: makes verified values without checking anything.
struct VerifiedTestAccess {
  static VerifiedItem item(Item item, const Hash& digest, const Hash& leaf, base::Status status = base::Status::ok);
  // With the digest and leaf that belong to the item.
  static VerifiedItem item(const Domain& domain, const AssetTable& assets, Item item,
                           base::Status status = base::Status::ok);
  static VerifiedBatch batch(const BatchHeader& header, std::vector<VerifiedItem> items,
                             base::Status status = base::Status::ok);
};

}  // namespace commitments::tab
