// Everything that x402 has signed on EVM chains comes out as viem makes it, byte for byte, and as it is published.

#include <gtest/gtest.h>

#include "commitments/channel/verify.h"
#include "commitments/exact/verify.h"
#include "crypto/eip712.h"
#include "tests/support/x402_vectors.h"

namespace {

using namespace x402_vectors;
namespace channel = commitments::channel;
using base::Hash;

constexpr std::pair<const char*, const char*> kTypeHashes[] = {
    {"ChannelConfig", "0x1c9a06ceab9b0ebbd3301dc56c9111bb6d9af421356dc9ccb3b7084c755db308"},
    {"Voucher", "0x1e1bd6ff84c3e0d9029a292b212e039c0ca97ec497c55191a4a5874294609a69"},
    {"ClaimEntry", "0x30b9a0367528fca13c3e8ec6134c3113f1887ebe7a1ad61de0955aac288b0cf5"},
    {"ClaimBatch", "0x42bd57c010b870c2e96203c66341f28a6a19b4d56a74533a8eb5f706b9fd6d57"},
    {"Refund", "0xbe23ad087435072cd69b49cc5b92de10ee610fce7ae0ab428307972d764bb216"},
    {"TransferWithAuthorization", "0x7c7c6cdb67a18743f49ec6fa9b35f50d52ed05cbed4cc592e13b44501c1a2267"},
    {"ReceiveWithAuthorization", "0xd099cc98ef71107a616c4f0f941f04c322d8e254fe26b3c6668db87aae413de8"},
    {"CancelAuthorization", "0x158b0a9edf7a828aad02f63cd515c68ef2f50ba807396f6d12842833a1597429"},
};

Hash digest_of(const json::object& entry) {
  const std::string type = text(entry.at("type"));
  const json::object& m = entry.at("message").as_object();
  const std::string domain_name = text(entry.at("domain"));
  if (type == "TransferWithAuthorization")
    return crypto::transfer_authorization_digest(token_domain(domain_name).separator, authorization(m));
  if (type == "ReceiveWithAuthorization")
    return crypto::receive_authorization_digest(token_domain(domain_name).separator, authorization(m));
  if (type == "CancelAuthorization")
    return crypto::cancel_authorization_digest(token_domain(domain_name).separator, address(m.at("authorizer")),
                                               hash(m.at("nonce")));
  const channel::Domain domain = settlement_domain(domain_name);
  if (type == "ChannelConfig") return channel::channel_id(domain, config(entry.at("message")));
  if (type == "Voucher")
    return channel::voucher_digest(domain, hash(m.at("channelId")), number128(m.at("maxClaimableAmount")));
  if (type == "Refund")
    return channel::refund_digest(domain, hash(m.at("channelId")), number(m.at("nonce")), number128(m.at("amount")));
  EXPECT_EQ(type, "ClaimBatch");
  std::vector<channel::ClaimEntry> entries;
  for (const json::value& claim : m.at("claims").as_array())
    entries.push_back(
        {hash(claim.at("channelId")), number128(claim.at("maxClaimableAmount")), number128(claim.at("totalClaimed"))});
  return channel::claim_batch_digest(domain, entries);
}

TEST(X402Vectors, TypesArePublished) {
  for (const auto& [name, published] : kTypeHashes) {
    const json::object& type = file().at("types").at(name).as_object();
    EXPECT_EQ(text(type.at("hash")), published) << name;
    EXPECT_EQ(base::to_hex(crypto::eip712_type_hash(text(type.at("encoded")))), published) << name;
  }
}

TEST(X402Vectors, DomainsAreEqual) {
  for (const auto& entry : file().at("domains").as_object()) {
    EXPECT_EQ(token_domain(entry.key()).separator, hash(entry.value().at("separator"))) << entry.key();
    if (std::string_view(entry.key()).starts_with("settlement")) {
      EXPECT_EQ(settlement_domain(entry.key()).separator, hash(entry.value().at("separator"))) << entry.key();
    }
  }
}

TEST(X402Vectors, DigestsAndSignersAreEqual) {
  std::size_t signatures = 0;
  for (const json::value& value : file().at("typed").as_array()) {
    const json::object& entry = value.as_object();
    const Hash digest = digest_of(entry);
    EXPECT_EQ(digest, hash(entry.at("digest"))) << json::serialize(entry);
    if (!entry.contains("signature")) continue;
    ++signatures;
    const crypto::Recovered recovered = crypto::recover(digest, signature(entry.at("signature")));
    ASSERT_EQ(recovered.check, crypto::SignatureCheck::ok);
    EXPECT_EQ(crypto::address_of(recovered.key), address(entry.at("signer")));
  }
  EXPECT_EQ(signatures, 12u);
}

TEST(X402Vectors, DerivedIdentitiesAreEqual) {
  const json::object& deposit = file().at("deposit").as_object();
  EXPECT_EQ(channel::deposit_nonce(hash(deposit.at("channel_id")), number(deposit.at("salt"))),
            hash(deposit.at("nonce")));
  const json::object& key = file().at("authorization_key").as_object();
  EXPECT_EQ(
      crypto::authorization_key(token_domain(text(key.at("domain"))), address(key.at("from")), hash(key.at("nonce"))),
      hash(key.at("key")));
}

}  // namespace
