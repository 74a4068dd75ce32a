#include "crypto/sha256.h"

#include <gtest/gtest.h>

namespace crypto {
namespace {

base::ByteView view(std::string_view text) { return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}; }

TEST(Sha256, KnownAnswersOfFips180) {
  EXPECT_EQ(base::to_hex(sha256(view(""))), "0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(base::to_hex(sha256(view("abc"))), "0xba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(base::to_hex(sha256(view("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"))),
            "0x248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(base::to_hex(sha256(base::Bytes(1'000'000, 'a'))),
            "0xcdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, PartsAreConcatenated) {
  const base::Hash whole = sha256(view("abcdefghi"));
  EXPECT_EQ(sha256({view("abc"), view("def"), view("ghi")}), whole);
  EXPECT_EQ(sha256({view(""), view("abcdefgh"), view(""), view("i")}), whole);
  EXPECT_NE(sha256({view("abc"), view("ghi"), view("def")}), whole);
  EXPECT_EQ(sha256(std::initializer_list<base::ByteView>{}), sha256(view("")));
}

}  // namespace
}  // namespace crypto
