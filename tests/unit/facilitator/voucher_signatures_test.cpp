#include "facilitator/voucher_signatures.h"

#include <gtest/gtest.h>

#include "tests/support/channels.h"
#include "tests/support/skip.h"

namespace facilitator {
namespace {

namespace channel = commitments::channel;
using channel::Code;

class Vouchers : public testing::Test {
 protected:
  channel::VoucherItem voucher(std::uint64_t n, base::u128 maximum) const {
    channel::VoucherItem item;
    item.domain = &domain;
    item.config = support::channel_config(n);
    const base::Hash id = support::channel_key(n);
    item.voucher = {id, maximum,
                    support::secret_key(support::Role::agent, n).sign(channel::voucher_digest(domain, id, maximum)),
                    true};
    item.terms = {item.config.receiver, item.config.receiver_authorizer, item.config.token, std::nullopt};
    return item;
  }
  std::vector<channel::VoucherItem> vouchers(std::size_t count) {
    std::vector<channel::VoucherItem> items;
    for (std::size_t i = 0; i < count; ++i) items.push_back(voucher(i % 8, next_maximum++));
    return items;
  }
  // Every answer must be the one of each voucher alone, with its signer recovered.
  static std::size_t wrong(VoucherSignatures& signatures, const std::vector<channel::VoucherItem>& items) {
    std::vector<channel::Answer> answers(items.size());
    signatures.verify(items, answers);
    std::size_t count = 0;
    for (std::size_t i = 0; i < items.size(); ++i) {
      channel::Answer alone;
      channel::verify_vouchers({&items[i], 1}, {&alone, 1});
      EXPECT_EQ(answers[i].code, alone.code) << i;
      EXPECT_EQ(answers[i].signature, alone.signature) << i;
      EXPECT_EQ(answers[i].payer_must_have_no_code, alone.payer_must_have_no_code) << i;
      count += answers[i].code != Code::ok;
    }
    return count;
  }

  const channel::Domain domain = support::channel_domain();
  base::u128 next_maximum = 1000;
};

TEST_F(Vouchers, OfKnownSignersAreCheckedTogether) {
  if (!crypto::batch_verification_built())
    SKIP_LOUDLY("this build checks signatures one by one: tools/setup.sh fetches the sources of libsecp256k1");
  VoucherSignatures signatures(true);
  EXPECT_EQ(wrong(signatures, vouchers(8)), 0u);
  EXPECT_EQ(signatures.checks_together(), 0u) << "nobody was known";
  EXPECT_EQ(wrong(signatures, vouchers(32)), 0u);
  EXPECT_EQ(signatures.checks_together(), 1u);
  EXPECT_EQ(wrong(signatures, vouchers(1)), 0u);
  EXPECT_EQ(signatures.checks_together(), 1u);
}

TEST_F(Vouchers, WrongOnesAreNamedAndNobodyElse) {
  VoucherSignatures signatures(true);
  EXPECT_EQ(wrong(signatures, vouchers(8)), 0u);
  for (int turn = 0; turn < 30; ++turn) {
    std::vector<channel::VoucherItem> items = vouchers(20);
    items[3].voucher.signature.bytes[64] ^= 27 ^ 28;            // the other v
    items[7].voucher.maximum += 1;                              // something else was signed
    items[11].voucher.signature = items[12].voucher.signature;  // somebody else signed
    items[13].voucher.signature.bytes[64] = 0;                  // no v
    items[15].voucher.signature_length_ok = false;              // cut
    items[17].terms.pay_to = support::channel_config(0).payer;  // not what is asked for
    EXPECT_EQ(wrong(signatures, items), 6u);
  }
}

TEST_F(Vouchers, AWrongOneLeadsToChecksOneByOneForAWhile) {
  if (!crypto::batch_verification_built())
    SKIP_LOUDLY("this build checks signatures one by one: tools/setup.sh fetches the sources of libsecp256k1");
  VoucherSignatures signatures(true);
  EXPECT_EQ(wrong(signatures, vouchers(8)), 0u);
  std::vector<channel::VoucherItem> items = vouchers(20);
  items[3].voucher.signature.bytes[64] ^= 27 ^ 28;
  EXPECT_EQ(wrong(signatures, items), 1u);
  const std::uint64_t before = signatures.checks_together();
  EXPECT_EQ(before, 1u);
  for (int turn = 0; turn < 16; ++turn) EXPECT_EQ(wrong(signatures, vouchers(4)), 0u);
  EXPECT_EQ(signatures.checks_together(), before);
  EXPECT_EQ(wrong(signatures, vouchers(4)), 0u);
  EXPECT_EQ(signatures.checks_together(), before + 1);
}

TEST_F(Vouchers, OneByOneWhenSwitchedOff) {
  VoucherSignatures signatures(false);
  EXPECT_EQ(wrong(signatures, vouchers(8)), 0u);
  EXPECT_EQ(wrong(signatures, vouchers(32)), 0u);
  EXPECT_EQ(signatures.checks_together(), 0u);
}

}  // namespace
}  // namespace facilitator
