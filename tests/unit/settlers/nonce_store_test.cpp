#include "settlers/stablecoin/nonce_store.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/limits.h"

namespace settlers::stablecoin {
namespace {

namespace fs = std::filesystem;

class NonceStoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    directory_ = fs::temp_directory_path() / (std::string("tabd-nonces-") + test->name() + std::to_string(::getpid()));
    fs::remove_all(directory_);
    account_.bytes.fill(0xaa);
  }
  void TearDown() override { fs::remove_all(directory_); }

  base::Result<std::unique_ptr<NonceStore>> open() { return NonceStore::open(directory_, 31337, account_); }
  fs::path file() const { return directory_ / ("31337-" + base::to_hex(account_)) / "nonces"; }
  static Slot slot(std::uint64_t nonce, SlotState state = SlotState::reserved) {
    Slot result;
    result.nonce = nonce;
    result.state = state;
    result.key.bytes.fill(static_cast<std::uint8_t>(nonce));
    result.variants.push_back({{1, 2, 3}, {}});
    return result;
  }

  fs::path directory_;
  base::Address account_;
};

TEST_F(NonceStoreTest, RemembersWhatItGaveOut) {
  {
    const auto store = open();
    ASSERT_TRUE(store) << store.error().message;
    EXPECT_EQ((*store)->next(), 0u);
    ASSERT_TRUE((*store)->raise_next(5));
    ASSERT_TRUE((*store)->put({slot(5), slot(6)}));
    Slot changed = slot(5, SlotState::armed);
    changed.variants.push_back({{9}, {}});
    ASSERT_TRUE((*store)->put({changed}));
    EXPECT_EQ((*store)->next(), 7u);
  }
  const auto store = open();
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_EQ((*store)->next(), 7u);
  ASSERT_NE((*store)->find(5), nullptr);
  EXPECT_EQ((*store)->find(5)->state, SlotState::armed);
  EXPECT_EQ((*store)->find(5)->variants.size(), 2u);
  EXPECT_EQ((*store)->find_key(slot(6).key)->nonce, 6u);
  ASSERT_TRUE((*store)->put({slot(6, SlotState::abandoned)}));
  EXPECT_EQ((*store)->find_key(slot(6).key), nullptr);
  ASSERT_TRUE((*store)->forget_below(6));
  EXPECT_EQ((*store)->find(5), nullptr);
  EXPECT_EQ((*store)->next(), 7u) << "a forgotten nonce is not given out again";
}

TEST_F(NonceStoreTest, KeepsEveryReplacementOfTheLargestTransaction) {
  Slot large = slot(1, SlotState::armed);
  large.variants.assign(24, {base::Bytes(base::limits::kSettlementRequestBytesMax, 7), {}});
  {
    const auto store = open();
    ASSERT_TRUE(store);
    for (int times = 0; times < 3; ++times) ASSERT_TRUE((*store)->put({large}));
  }
  const auto store = open();
  ASSERT_TRUE(store) << store.error().message;
  ASSERT_NE((*store)->find(1), nullptr);
  EXPECT_EQ((*store)->find(1)->variants, large.variants);
}

TEST_F(NonceStoreTest, HasOneOwner) {
  const auto first = open();
  ASSERT_TRUE(first);
  const auto second = open();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, base::ErrorCode::permission);
  EXPECT_NE(second.error().message.find("another process"), std::string::npos);
}

TEST_F(NonceStoreTest, CutsOffATornEnd) {
  {
    const auto store = open();
    ASSERT_TRUE((*store)->put({slot(0)}));
    ASSERT_TRUE((*store)->put({slot(1)}));
  }
  const auto size = fs::file_size(file());
  for (std::uintmax_t cut = 1; cut <= 20; ++cut) {
    fs::resize_file(file(), size - cut);
    {
      const auto store = open();
      ASSERT_TRUE(store) << store.error().message;
      EXPECT_NE((*store)->find(0), nullptr);
      EXPECT_EQ((*store)->find(1), nullptr);
      EXPECT_EQ((*store)->next(), 1u);
      ASSERT_TRUE((*store)->put({slot(1)}));
    }
    ASSERT_EQ(fs::file_size(file()), size);
  }
}

TEST_F(NonceStoreTest, RefusesDamageAndForeignFiles) {
  {
    const auto store = open();
    ASSERT_TRUE((*store)->put({slot(0)}));
    ASSERT_TRUE((*store)->put({slot(1)}));
  }
  {
    std::fstream edit(file(), std::ios::in | std::ios::out | std::ios::binary);
    edit.seekp(90);  // within the first slot
    edit.put('\x7f');
  }
  const auto damaged = open();
  ASSERT_FALSE(damaged);
  EXPECT_EQ(damaged.error().code, base::ErrorCode::corruption);
  EXPECT_NE(damaged.error().message.find("damaged"), std::string::npos);
  std::ofstream(file()) << "something else entirely, and long enough for a header to fit in";
  const auto foreign = open();
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().code, base::ErrorCode::corruption);
}

TEST_F(NonceStoreTest, StaysSmall) {
  const auto store = open();
  ASSERT_TRUE(store);
  Slot large = slot(0);
  large.variants[0].raw.assign(100'000, 0x55);
  for (std::uint64_t nonce = 0; nonce < 100; ++nonce) {
    large.nonce = nonce;
    ASSERT_TRUE((*store)->put({large}));
    if (nonce >= 3) {
      ASSERT_TRUE((*store)->forget_below(nonce - 3));
    }
  }
  EXPECT_LT(fs::file_size(file()), 5'000'000u);
  EXPECT_EQ((*store)->slots().size(), 4u);
  EXPECT_EQ((*store)->next(), 100u);
}

}  // namespace
}  // namespace settlers::stablecoin
