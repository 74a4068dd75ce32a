#include "ledger/proof/proof.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "crypto/merkle.h"
#include "ledger/proof/make_proof.h"
#include "tests/unit/ledger_store/store_world.h"

namespace ledger::proof {
namespace {

using store::World;

class Proofs : public testing::Test {
 protected:
  Proofs() {
    ledger = world.open();
    world.set_up(*ledger);
    world.live(*ledger);
    // The history index follows the journal by moments.
    const std::uint64_t last = ledger->reader().head().value().last_sequence.value;
    for (std::uint64_t sequence = 1; sequence <= last; ++sequence) {
      const core::Entry entry = ledger->reader().entry(core::Sequence(sequence)).value().entry;
      if (const auto* closed = std::get_if<core::WindowClosed>(&entry)) wait_for_window(closed->payer);
    }
  }
  void wait_for_window(core::PayerId payer) {
    for (int i = 0; i < 500 && reader().payer_windows(payer, core::Sequence(), 1).value().empty(); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  const api::LedgerReader& reader() const { return ledger->reader(); }
  std::vector<api::StoredEntry> journal() const { return reader().entries(core::Sequence(1), 100'000).value(); }
  template <typename T>
  core::Sequence first() const {
    const std::vector<api::StoredEntry> all = journal();
    for (const api::StoredEntry& entry : all) {
      if (std::holds_alternative<T>(entry.entry)) return entry.sequence;
    }
    return {};
  }
  base::Result<VerifiedClaims> check(const Proof& proof) const {
    return verify(proof, world.actors.domain(), world.operator_key.address());
  }

  World world;
  std::unique_ptr<store::LedgerStore> ledger;
};

TEST_F(Proofs, EveryEntryCanBeProven) {
  std::size_t in_statement = 0, in_batch = 0;
  const std::vector<api::StoredEntry> all = journal();
  for (const api::StoredEntry& entry : all) {
    const base::Result<Proof> proof = make_proof(reader(), entry.sequence);
    ASSERT_TRUE(proof.has_value()) << proof.error().message;
    const core::Bytes bytes = encode(*proof);
    const base::Result<Proof> read = decode(bytes);
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(encode(*read), bytes);
    const base::Result<VerifiedClaims> claims = check(*read);
    ASSERT_TRUE(claims.has_value()) << claims.error().message;
    EXPECT_EQ(claims->sequence, entry.sequence);
    EXPECT_EQ(claims->segment, entry.segment);
    EXPECT_EQ(claims->time, entry.time);
    EXPECT_EQ(core::kind_of(claims->entry), core::kind_of(entry.entry));
    in_statement += claims->statement.has_value();
    in_batch += claims->batch.has_value();
  }
  // live(): 2 charges, 2 vouchers, 1 capture are billed; 3 charges after the closing are in a batch only.
  EXPECT_EQ(in_statement, 5u);
  EXPECT_EQ(in_batch, 2u + 2u + 3u + 2u + 3u);
}

TEST_F(Proofs, AChargeByAnAgentNamesItsParties) {
  const VerifiedClaims claims = check(make_proof(reader(), first<core::Charged>()).value()).value();
  ASSERT_TRUE(claims.parties.has_value());
  EXPECT_EQ(claims.parties->payer, world.actors.payer(0));
  EXPECT_EQ(claims.parties->payee, world.actors.payee(0));
  EXPECT_EQ(claims.parties->signer, world.actors.agent(0));
  EXPECT_EQ(claims.parties->asset, support::kUsdcText);
  ASSERT_TRUE(claims.batch.has_value());
  EXPECT_EQ(claims.batch->server, world.actors.server(0));
  EXPECT_EQ(claims.batch->item_index, 0u);
  ASSERT_TRUE(claims.statement.has_value());
  EXPECT_EQ(claims.statement->window.statement, core::StatementId(1));
}

TEST_F(Proofs, AnItemAfterARefusedOneHasItsPlaceInTheBatch) {
  const VerifiedClaims claims = check(make_proof(reader(), first<core::VoucherCharged>()).value()).value();
  ASSERT_TRUE(claims.batch.has_value());
  EXPECT_EQ(claims.batch->item_index, 2u);
  EXPECT_EQ(claims.parties->payer, world.actors.payer(1));
}

TEST_F(Proofs, AHoldIsInNoStatement) {
  const VerifiedClaims claims = check(make_proof(reader(), first<core::HoldMade>()).value()).value();
  EXPECT_TRUE(claims.batch.has_value());
  EXPECT_FALSE(claims.statement.has_value());
}

TEST_F(Proofs, WhatIsNotThereCannotBeProven) {
  EXPECT_EQ(make_proof(reader(), core::Sequence(1'000'000)).error().code, base::ErrorCode::not_found);
  EXPECT_EQ(make_proof(reader(), core::Sequence()).error().code, base::ErrorCode::not_found);
}

TEST_F(Proofs, OnlyTheOperatorsKeyAndNetworkWillDo) {
  const Proof proof = make_proof(reader(), first<core::Charged>()).value();
  EXPECT_FALSE(verify(proof, world.actors.domain(), world.actors.payer(0)).has_value());
  EXPECT_FALSE(verify(proof, commitments::tab::Domain("other:tab"), world.operator_key.address()).has_value());
}

// Every bit of the encoding matters.
TEST_F(Proofs, EveryFlippedBitIsNoticed) {
  for (const core::Sequence sequence :
       {first<core::Charged>(), first<core::VoucherCharged>(), first<core::HoldCaptured>(), first<core::Genesis>()}) {
    const core::Bytes good = encode(make_proof(reader(), sequence).value());
    // All bits of every byte would be a minute of curve work; one bit of each byte, another one each time.
    for (std::size_t i = 0; i < good.size(); ++i) {
      core::Bytes bad = good;
      bad[i] = static_cast<std::uint8_t>(bad[i] ^ (1u << (i % 8)));
      const base::Result<Proof> read = decode(bad);
      EXPECT_FALSE(read && check(*read)) << "byte " << i << " of the proof of " << sequence.value;
    }
  }
}

TEST_F(Proofs, TruncatedAndExtendedBytesAreNoProof) {
  const core::Bytes good = encode(make_proof(reader(), first<core::Charged>()).value());
  for (std::size_t size = 0; size < good.size(); ++size) EXPECT_FALSE(decode(base::ByteView(good).first(size)));
  core::Bytes longer = good;
  longer.push_back(0);
  EXPECT_FALSE(decode(longer).has_value());
}

TEST_F(Proofs, PartsOfOtherEntriesDoNotFit) {
  const Proof charge = make_proof(reader(), first<core::Charged>()).value();
  const Proof voucher = make_proof(reader(), first<core::VoucherCharged>()).value();
  Proof mixed = charge;
  mixed.statement = voucher.statement;
  EXPECT_FALSE(check(mixed).has_value());
  mixed = charge;
  mixed.batch = voucher.batch;
  EXPECT_FALSE(check(mixed).has_value());
  mixed = charge;
  mixed.parties = voucher.parties;
  EXPECT_FALSE(check(mixed).has_value());
  mixed = charge;
  mixed.parties.reset();
  EXPECT_FALSE(check(mixed).has_value()) << "a batch part without parties";
  mixed.batch.reset();
  EXPECT_TRUE(check(mixed).has_value()) << "less is still a proof, of less";
}

TEST_F(Proofs, ALedgerOnlyGrows) {
  const std::uint64_t last = reader().head().value().last_segment.value;
  for (std::uint64_t older = 1; older <= last; ++older) {
    const Extension extension = make_extension(reader(), core::SegmentId(older), core::SegmentId()).value();
    const core::Bytes bytes = encode(extension);
    const Extension read = decode_extension(bytes).value();
    EXPECT_EQ(encode(read), bytes);
    const auto good = verify_extension(read, world.actors.domain(), world.operator_key.address());
    EXPECT_TRUE(good.has_value()) << good.error().message;
    for (std::size_t i = 0; i < bytes.size(); i += 7) {
      core::Bytes bad = bytes;
      bad[i] ^= 4;
      const auto bad_read = decode_extension(bad);
      EXPECT_FALSE(bad_read && verify_extension(*bad_read, world.actors.domain(), world.operator_key.address()))
          << "byte " << i;
    }
  }
  EXPECT_FALSE(make_extension(reader(), core::SegmentId(last + 1), core::SegmentId(last)).has_value());
  EXPECT_FALSE(make_extension(reader(), core::SegmentId(), core::SegmentId(last)).has_value());
}

// The operator tells two people two stories: both heads are signed, neither extends the other.
TEST_F(Proofs, AForkCannotBeProven) {
  World fork;
  const auto other = fork.open();
  fork.set_up(*other);
  ASSERT_EQ(fork.submit(*other, fork.charges(1)).status, base::Status::ok);
  const core::SegmentId at = other->reader().head().value().last_segment;
  const core::Segment theirs = other->reader().segment(at).value();
  Extension extension = make_extension(reader(), at, core::SegmentId()).value();
  ASSERT_NE(core::hash_of(theirs.header), core::hash_of(extension.older.header));
  extension.older = {theirs.header, theirs.signature};
  EXPECT_FALSE(verify_extension(extension, world.actors.domain(), world.operator_key.address()).has_value());
}

}  // namespace
}  // namespace ledger::proof
