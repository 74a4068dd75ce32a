#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "settlers/stablecoin/abi.h"
#include "settlers/stablecoin/evidence.h"
#include "settlers/stablecoin/token.h"
#include "settlers/stablecoin/transaction.h"

// Expected bytes, hashes and signatures were made with viem 2.57.1 (signTransaction, encodeFunctionData,
// hashTypedData, signTypedData) from the same values.

namespace settlers::stablecoin {
namespace {

using ledger::core::FailureClass;

constexpr const char* kKey = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
constexpr const char* kSigner = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
constexpr const char* kFirst = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
constexpr const char* kSecond = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC";
constexpr const char* kToken = "0x036CbD53842c5426634e7929541eC2318f3dCF7e";

base::Address address(const char* text) { return *base::address_from_hex(text); }
base::Bytes hex(const std::string& text) { return *base::from_hex(text); }
crypto::SecretKey key() { return *crypto::SecretKey::from_bytes(base::hash_from_hex(kKey)->view()); }

struct Vector {
  Transaction transaction;
  std::string raw;
  std::string hash;
};
const std::vector<Vector>& vectors() {
  static const std::vector<Vector> all = {
      {{31337, 0, 0, 1, 21000, address(kSigner), 0, hex("0x")},
       "0x02f864827a6980800182520894f39fd6e51aad88f6f4ce6ab8827279cfffb922668080c001a09de2e8ea9e9e02391236d0"
       "a7f29a8c7b0b339082d553445343ffaaece824c638a019b1104a6aa7c47c38df7c750ff1115683baa674dc1fa23e7c6fb441"
       "36c486a4",
       "0x4b00cb470d53047ea3f4b62fb380d0968781df20727731fc87a614e470da9216"},
      {{8453, 127, 1'000'000'000, 30'000'000'000, 78'881, address(kToken), 0,
        hex("0x23b872dd00000000000000000000000070997970c51812dc3a010c7d01b50e0d17dc79c80000000000000000000000003c"
            "44cdddb6a900fa2b585dd299e03d12fa4293bc000000000000000000000000000000000000000000000000000000000012d6"
            "87")},
       "0x02f8d38221057f843b9aca008506fc23ac008301342194036cbd53842c5426634e7929541ec2318f3dcf7e80b86423b872"
       "dd00000000000000000000000070997970c51812dc3a010c7d01b50e0d17dc79c80000000000000000000000003c44cdddb6"
       "a900fa2b585dd299e03d12fa4293bc000000000000000000000000000000000000000000000000000000000012d687c001a0"
       "fb39fc97c38de2444860c2ab6458785f72ae3cd027c905d87cf182f1661ea256a01f9c5550c858016bd64e1627189875b9a2"
       "29fb4b03e42fa5e972efa6fc1c7785",
       "0x73451ea620e3dbb0f288d86cbad3ecbfbffd89a404bcdacecfa48bc75ad7d1d0"},
      {{1, 128, 127, 128, 255, address(kFirst), 1'000'000'000'000'000'000, hex("0x7f")},
       "0x02f86b0181807f818081ff9470997970c51812dc3a010c7d01b50e0d17dc79c8880de0b6b3a76400007fc001a0dbee8da7"
       "43f8e3d404b259487213cb153d69d5e3338e8ca2cc48eb15c3c1b7d4a02ad870e823e5c6cd2c19c94fb5f87a0bcfb79b72bc"
       "ba4ad08ca418a14cd25c8c",
       "0x72692d3dbedc3d9739d51a1a4ce45e58bfbc9744cf65d84e1006f24d2acd47e9"},
      {{84532, 4'294'967'296, ~base::u128{0}, ~base::u128{0}, 300'000, address(kSecond), ~base::u128{0}, hex("0x80")},
       "0x02f89c83014a3485010000000090ffffffffffffffffffffffffffffffff90ffffffffffffffffffffffffffffffff8304"
       "93e0943c44cdddb6a900fa2b585dd299e03d12fa4293bc90ffffffffffffffffffffffffffffffff8180c001a029dc192a4c"
       "991edf2d45de6be39e3105d6c857454e08497e32cd332567a652f8a02daaaaf46be82dd42333a91a1fa3f3d4d40eb364ae9c"
       "242e0f40cfaf3ec28c0f",
       "0xd6d5ed1477495dc91eb874cf1f769cc5f83f1badf2b9303f7d9cb8905cb14dad"},
      {{31337, 5, 2, 3, 100'000, address(kToken), 0,
        hex("0xababababababababababababababababababababababababababababababababababababababababababababababababab"
            "ababababababab")},
       "0x02f89e827a69050203830186a094036cbd53842c5426634e7929541ec2318f3dcf7e80b838abababababababababababab"
       "ababababababababababababababababababababababababababababababababababababababababababababc080a0741e7b"
       "91769ab957d35b9fac7f8c0c0f597bf587dde572668dc97d30487d97d3a030bbfcb7ed19c16c7f5e6e4721f7058482fb370d"
       "4c921805201396cc9d44c158",
       "0x5b761659ca6bd4d4585628e3d1b362a3bc101a8bdc217b4e2aa0e6b0d5f2829f"},
  };
  return all;
}

TEST(Transaction, SignsAsViemDoes) {
  for (const Vector& vector : vectors()) {
    const SignedTransaction made = sign(vector.transaction, key());
    EXPECT_EQ(base::to_hex(made.raw), vector.raw);
    EXPECT_EQ(base::to_hex(made.hash), vector.hash);
  }
}

TEST(Transaction, DecodesWhatItSigned) {
  for (const Vector& vector : vectors()) {
    const auto decoded = decode_transaction(hex(vector.raw));
    ASSERT_TRUE(decoded) << decoded.error().message;
    EXPECT_EQ(decoded->transaction, vector.transaction);
    EXPECT_EQ(decoded->sender, address(kSigner));
    EXPECT_EQ(base::to_hex(decoded->hash), vector.hash);
  }
}

TEST(Transaction, RefusesEveryTruncationAndTrailingByte) {
  const base::Bytes raw = hex(vectors()[1].raw);
  for (std::size_t size = 0; size < raw.size(); ++size)
    EXPECT_FALSE(decode_transaction(base::ByteView(raw).first(size))) << size;
  base::Bytes longer = raw;
  longer.push_back(0);
  EXPECT_FALSE(decode_transaction(longer));
}

TEST(Transaction, RefusesNumbersThatAreNotMinimal) {
  // The first vector with nonce 0 written as 0x00 instead of the empty string.
  base::Bytes raw = hex(vectors()[0].raw);
  ASSERT_EQ(raw[6], 0x80);
  raw[6] = 0x00;
  EXPECT_FALSE(decode_transaction(raw));
}

TEST(Rlp, KnownEncodings) {
  const auto number = [](base::u128 value) {
    base::Bytes out;
    rlp_number(value, out);
    return base::to_hex(out);
  };
  EXPECT_EQ(number(0), "0x80");
  EXPECT_EQ(number(15), "0x0f");
  EXPECT_EQ(number(127), "0x7f");
  EXPECT_EQ(number(128), "0x8180");
  EXPECT_EQ(number(1024), "0x820400");
  base::Bytes dog;
  rlp_bytes(hex("0x646f67"), dog);
  EXPECT_EQ(base::to_hex(dog), "0x83646f67");
  base::Bytes long_text;
  rlp_bytes(base::Bytes(56, 0x61), long_text);
  EXPECT_EQ(base::to_hex(base::ByteView(long_text).first(3)), "0xb83861");
  EXPECT_EQ(base::to_hex(rlp_list({})), "0xc0");
  EXPECT_EQ(base::to_hex(base::ByteView(rlp_list(base::Bytes(1024, 0x01))).first(4)), "0xf9040001");
}

TEST(Abi, CallsAsViemEncodesThem) {
  EXPECT_EQ(base::to_hex(call_transfer(address(kFirst), ~base::u128{0})),
            "0xa9059cbb00000000000000000000000070997970c51812dc3a010c7d01b50e0d17dc79c800000000000000000000000000"
            "000000ffffffffffffffffffffffffffffffff");
  EXPECT_EQ(base::to_hex(call_transfer_from(address(kFirst), address(kSecond), 1'234'567)),
            base::to_hex(vectors()[1].transaction.data));
  MandateItem item;
  item.owner = address(kSigner);
  item.value = word_of(base::u128{5'000'000});
  item.deadline = word_of(base::u128{99});
  for (std::size_t i = 0; i < 64; ++i) item.signature.bytes[i] = i < 32 ? 0x22 : 0x33;
  item.signature.bytes[64] = 28;
  EXPECT_EQ(base::to_hex(call_permit(item, address(kFirst))),
            "0xd505accf000000000000000000000000f39fd6e51aad88f6f4ce6ab8827279cfffb9226600000000000000000000000070"
            "997970c51812dc3a010c7d01b50e0d17dc79c800000000000000000000000000000000000000000000000000000000004c4b"
            "4000000000000000000000000000000000000000000000000000000000000000630000000000000000000000000000000000"
            "00000000000000000000000000001c2222222222222222222222222222222222222222222222222222222222222222333333"
            "3333333333333333333333333333333333333333333333333333333333");
  item.kind = MandateItem::Kind::receive_authorization;
  item.value = word_of(base::u128{1'234'567});
  item.valid_before = word_of(base::u128{1'893'456'000});
  item.nonce.bytes.fill(0x11);
  item.signature.bytes[64] = 27;
  EXPECT_EQ(base::to_hex(call_receive_with_authorization(item, address(kFirst))),
            "0xef55bec6000000000000000000000000f39fd6e51aad88f6f4ce6ab8827279cfffb9226600000000000000000000000070"
            "997970c51812dc3a010c7d01b50e0d17dc79c8000000000000000000000000000000000000000000000000000000000012d6"
            "8700000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
            "000000000000000000000070dbd8801111111111111111111111111111111111111111111111111111111111111111000000"
            "000000000000000000000000000000000000000000000000000000001b222222222222222222222222222222222222222222"
            "22222222222222222222223333333333333333333333333333333333333333333333333333333333333333");
}

TEST(Abi, KnownSelectors) {
  EXPECT_EQ(base::to_hex(call_domain_separator()), "0x3644e515");
  EXPECT_EQ(base::to_hex(base::ByteView(call_balance_of({})).first(4)), "0x70a08231");
  EXPECT_EQ(base::to_hex(event_topic("Transfer(address,address,uint256)")).substr(0, 10), "0xddf252ad");
}

TEST(Token, DomainSeparatorsOfUsdc) {
  const auto separator = [](const char* token, const char* name, std::uint64_t chain_id) {
    return base::to_hex(domain_separator({ledger::core::AssetId(1), address(token), name, "2", 6}, chain_id));
  };
  EXPECT_EQ(separator("0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48", "USD Coin", 1),
            "0x06c37168a7db5138defc7866392bb87a741f9b3d104deb5094588ce041cae335");
  EXPECT_EQ(separator("0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913", "USD Coin", 8453),
            "0x02fa7265e7c5d81118673727957699e4d68f74cd74b7db77da710fe8a2c7834f");
  EXPECT_EQ(separator(kToken, "USDC", 84532), "0x71f17a3b2ff373b803d70a5a07c046c1a2bc8e89c09ef722fcb047abe94c9818");
}

TEST(Mandate, DigestsAsViemHashesThem) {
  const base::Hash domain = domain_separator({ledger::core::AssetId(1), address(kToken), "USDC", "2", 6}, 31337);
  base::Hash unlimited;
  unlimited.bytes.fill(0xff);
  const base::Hash permit = permit_digest(domain, address(kSigner), address(kFirst), word_of(base::u128{5'000'000}),
                                          word_of(base::u128{3}), unlimited);
  EXPECT_EQ(base::to_hex(permit), "0x1002a7869c2f8e99d7b1e99d8c9eede30d13130530ececdca4eba7f709a3b489");
  EXPECT_EQ(base::to_hex(key().sign(permit)),
            "0xe1b78516337271ccb6dbc329f90ea28a9c2505e4d604fc08d64d7b9bc270a1b71ca03eae97eedab52f5a46f410dbd2f928"
            "9e318a99e240e139f1c0c759a448c31b");
  MandateItem item;
  item.kind = MandateItem::Kind::receive_authorization;
  item.owner = address(kSigner);
  item.value = word_of(base::u128{1'234'567});
  item.valid_before = word_of(base::u128{1'893'456'000});
  item.nonce.bytes.fill(0x11);
  const base::Hash receive = receive_authorization_digest(domain, item, address(kFirst));
  EXPECT_EQ(base::to_hex(receive), "0x45ed8d519a3f01a568eae7feb74693d5e2277d3d839b6fa7380e5c8542122c96");
  EXPECT_EQ(base::to_hex(key().sign(receive)),
            "0xd3b7f5d6778b324d6d99142bdf355942a42e26a6c8f1a7406f7d837a97a37c132b6da691afc4da3e5729623437f447ebeb"
            "a0e7c2b4558f9a61d01f1ccba8144c1b");
}

TEST(Mandate, RoundTripsAndNamesWhatIsWrong) {
  EXPECT_TRUE(encode_mandate({}).empty());
  EXPECT_TRUE(decode_mandate({})->empty());
  MandateItem permit;
  permit.token = address(kToken);
  permit.owner = address(kFirst);
  permit.value = word_of(base::u128{7});
  permit.deadline = word_of(base::u128{8});
  permit.signature.bytes.fill(3);
  permit.signature.bytes[64] = 27;
  MandateItem authorisation = permit;
  authorisation.kind = MandateItem::Kind::receive_authorization;
  authorisation.deadline = {};
  authorisation.valid_after = word_of(base::u128{1});
  authorisation.valid_before = word_of(base::u128{2});
  authorisation.nonce.bytes.fill(9);
  const std::vector<MandateItem> items{permit, authorisation};
  const base::Bytes bytes = encode_mandate(items);
  EXPECT_EQ(bytes.size(), 1u + 170 + 234);
  EXPECT_EQ(decode_mandate(bytes).value(), items);

  base::Bytes bad = bytes;
  bad[0] = 2;
  EXPECT_NE(decode_mandate(bad).error().message.find("version 2"), std::string::npos);
  bad = bytes;
  bad[1] = 7;
  EXPECT_NE(decode_mandate(bad).error().message.find("kind 7"), std::string::npos);
  bad = bytes;
  bad.pop_back();
  EXPECT_NE(decode_mandate(bad).error().message.find("item 2"), std::string::npos);
  permit.signature.bytes[64] = 1;
  EXPECT_NE(decode_mandate(encode_mandate({permit})).error().message.find("v = 1"), std::string::npos);
  EXPECT_FALSE(decode_mandate(base::Bytes{1}));
}

TEST(Abi, RevertReasonsAndTheirClasses) {
  const std::string text = revert_reason(
      hex("0x08c379a0000000000000000000000000000000000000000000000000000000000000002000000000000000000000000000"
          "0000000000000000000000000000000000002645524332303a207472616e7366657220616d6f756e74206578636565647320"
          "62616c616e63650000000000000000000000000000000000000000000000000000"));
  EXPECT_EQ(text, "ERC20: transfer amount exceeds balance");
  EXPECT_EQ(classify_revert(text), FailureClass::insufficient_funds);
  EXPECT_EQ(classify_revert("ERC20: transfer amount exceeds allowance"), FailureClass::no_mandate);
  EXPECT_EQ(classify_revert("FiatTokenV2: authorization is used or canceled"), FailureClass::no_mandate);
  EXPECT_EQ(classify_revert("FiatTokenV2: permit is expired"), FailureClass::no_mandate);
  EXPECT_EQ(classify_revert("Blacklistable: account is blacklisted"), FailureClass::rejected);
  EXPECT_EQ(classify_revert("Pausable: paused"), FailureClass::rejected);
  EXPECT_EQ(classify_revert("something else"), FailureClass::technical);
  // ERC20InsufficientBalance(address,uint256,uint256), a custom error.
  base::Bytes custom = call_data("ERC20InsufficientBalance(address,uint256,uint256)", {{}, {}, {}});
  EXPECT_EQ(classify_revert(revert_reason(custom)), FailureClass::insufficient_funds);
  custom = call_data("ERC20InsufficientAllowance(address,uint256,uint256)", {{}, {}, {}});
  EXPECT_EQ(classify_revert(revert_reason(custom)), FailureClass::no_mandate);
  EXPECT_EQ(classify_revert(revert_reason(call_data("EnforcedPause()", {}))), FailureClass::rejected);
  EXPECT_EQ(revert_reason(call_data("Panic(uint256)", {word_of(base::u128{0x11})})), "panic 0x11");
  EXPECT_EQ(revert_reason({}), "");
  // A length beyond the data, and control characters: shown as far as they are there, and printable.
  base::Bytes hostile = call_data("Error(string)", {word_of(base::u128{32}), word_of(~base::u128{0})});
  hostile.insert(hostile.end(), {'a', 0x1b, 'b'});
  EXPECT_EQ(revert_reason(hostile), "a?b");
}

TEST(Abi, NumbersAboveTheRangeAreTheMaximum) {
  base::Hash unlimited;
  unlimited.bytes.fill(0xff);
  EXPECT_EQ(number_from_word(unlimited.view()), base::Amount::kUnitsMax);
  EXPECT_EQ(number_from_word(word_of(base::u128{42}).view()), base::u128{42});
  EXPECT_FALSE(number_from_word(unlimited.view().first(31)));
}

TEST(Evidence, MovementsAreReadFromTheirOwnBytes) {
  const base::Address signer = address(kSigner);
  Transaction transaction;
  transaction.to = address(kToken);
  transaction.data = call_transfer(address(kFirst), 5);
  EXPECT_EQ(movement_of(transaction, signer), (Movement{address(kToken), signer, address(kFirst), 5, false}));
  transaction.data = call_transfer_from(address(kFirst), signer, 6);
  EXPECT_EQ(movement_of(transaction, signer), (Movement{address(kToken), address(kFirst), signer, 6, true}));
  transaction.data.push_back(0);
  EXPECT_FALSE(movement_of(transaction, signer));
  transaction.data = call_balance_of(signer);
  EXPECT_FALSE(movement_of(transaction, signer));
}

TEST(Evidence, OnlyTheRightTransferEventProvesAMovement) {
  const Movement movement{address(kToken), address(kFirst), address(kSigner), 1'234'567, true};
  const auto text = [](const std::string& token, const std::string& from, const std::string& to, unsigned value,
                       const std::string& topic =
                           "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef") {
    return R"({"transactionHash":"0x)" + std::string(64, '1') + R"(","blockHash":"0x)" + std::string(64, '2') +
           R"(","blockNumber":"0x10","status":"0x1","logs":[{"address":")" + kSecond +
           R"(","topics":[],"data":"0x"},)" + R"({"address":")" + token + R"(","topics":[")" + topic + R"(",")" +
           base::to_hex(word_of(address(from.c_str()))) + R"(",")" + base::to_hex(word_of(address(to.c_str()))) +
           R"("],"data":")" + base::to_hex(word_of(base::u128{value})) + R"("}]})";
  };
  const auto proves = [&movement](const std::string& receipt) {
    return has_transfer(boost::json::parse(receipt), movement);
  };
  EXPECT_TRUE(proves(text(kToken, kFirst, kSigner, 1'234'567)));
  EXPECT_FALSE(proves(text(kSecond, kFirst, kSigner, 1'234'567))) << "another token's event";
  EXPECT_FALSE(proves(text(kToken, kSecond, kSigner, 1'234'567)));
  EXPECT_FALSE(proves(text(kToken, kFirst, kSecond, 1'234'567)));
  EXPECT_FALSE(proves(text(kToken, kFirst, kSigner, 1'234'566)));
  EXPECT_FALSE(proves(text(kToken, kFirst, kSigner, 1'234'567, "0x" + std::string(64, '3'))));
  EXPECT_FALSE(proves("{}"));
  EXPECT_FALSE(proves(R"({"logs":[1,{"address":5}]})"));

  const auto receipt = parse_receipt(boost::json::parse(text(kToken, kFirst, kSigner, 1)));
  ASSERT_TRUE(receipt);
  EXPECT_EQ(receipt->block_number, 16u);
  EXPECT_TRUE(receipt->success);
  EXPECT_FALSE(parse_receipt(boost::json::parse("null")));
}

TEST(Evidence, BlockRules) {
  const BlockRule one{BlockRule::Kind::depth, 1};
  const BlockRule twelve{BlockRule::Kind::depth, 12};
  EXPECT_TRUE(counts(one, 100, 100, {}));
  EXPECT_FALSE(counts(one, 101, 100, {}));
  EXPECT_FALSE(counts(twelve, 100, 110, {}));
  EXPECT_TRUE(counts(twelve, 100, 111, {}));
  const BlockRule safe{BlockRule::Kind::safe, 0};
  EXPECT_FALSE(counts(safe, 100, 200, {}));
  EXPECT_TRUE(counts(safe, 100, 200, Block{100, {}, 0, 0}));
  EXPECT_FALSE(counts(safe, 101, 200, Block{100, {}, 0, 0}));
}

TEST(Evidence, FeesStayWithinTheCapsAndRiseByAnEighth) {
  const FeeCaps caps{1000, 100};
  EXPECT_EQ(initial_fees(50, 10, caps), (Fees{110, 10}));
  EXPECT_EQ(initial_fees(50, 5000, caps), (Fees{200, 100}));
  EXPECT_EQ(initial_fees(900, 10, caps), (Fees{1000, 10}));
  EXPECT_FALSE(initial_fees(1001, 10, caps));
  EXPECT_EQ(bumped_fees({110, 10}, 0, caps), (Fees{124, 12}));    // 123.75 and 11.25, rounded up
  EXPECT_EQ(bumped_fees({1, 0}, 0, caps), (Fees{2, 1}));          // at least 1 wei
  EXPECT_EQ(bumped_fees({110, 10}, 300, caps), (Fees{612, 12}));  // the base fee rose
  EXPECT_FALSE(bumped_fees({900, 10}, 0, caps));
  EXPECT_FALSE(bumped_fees({110, 95}, 0, caps));
}

TEST(Evidence, BroadcastReplies) {
  EXPECT_EQ(broadcast_reply("already known"), BroadcastReply::known);
  EXPECT_EQ(broadcast_reply("transaction already imported"), BroadcastReply::known);
  EXPECT_EQ(broadcast_reply("nonce too low: next nonce 5, tx nonce 4"), BroadcastReply::nonce_too_low);
  EXPECT_EQ(broadcast_reply("replacement transaction underpriced"), BroadcastReply::refused);
  EXPECT_EQ(broadcast_reply("insufficient funds for gas * price + value"), BroadcastReply::refused);
}

TEST(Evidence, RequestsRoundTrip) {
  const SignedTransaction first = sign(vectors()[0].transaction, key());
  const SignedTransaction second = sign(vectors()[1].transaction, key());
  EXPECT_EQ(decode_request(encode_request({first, second})).value(), (std::vector<SignedTransaction>{first, second}));
  base::Bytes bytes = encode_request({first});
  EXPECT_TRUE(decode_request(bytes));
  bytes.pop_back();
  EXPECT_FALSE(decode_request(bytes));
  EXPECT_FALSE(decode_request({}));
}

}  // namespace
}  // namespace settlers::stablecoin
