#include "settlers/stablecoin/transaction.h"

#include <array>

#include "base/check.h"
#include "crypto/keccak.h"

namespace settlers::stablecoin {

namespace {

using base::Bytes;
using base::ByteView;
using base::u128;

constexpr std::uint8_t kType = 0x02;
constexpr std::uint8_t kEmptyList = 0xc0;

// A length prefix: offset 0x80 for strings, 0xc0 for lists.
void rlp_length(std::size_t length, std::uint8_t offset, Bytes& out) {
  if (length <= 55) {
    out.push_back(static_cast<std::uint8_t>(offset + length));
    return;
  }
  std::array<std::uint8_t, 8> digits{};
  std::size_t used = 0;
  for (std::size_t rest = length; rest != 0; rest >>= 8) digits[used++] = static_cast<std::uint8_t>(rest);
  out.push_back(static_cast<std::uint8_t>(offset + 55 + used));
  while (used > 0) out.push_back(digits[--used]);
}

void unsigned_fields(const Transaction& transaction, Bytes& out) {
  rlp_number(transaction.chain_id, out);
  rlp_number(transaction.nonce, out);
  rlp_number(transaction.max_priority_fee_wei, out);
  rlp_number(transaction.max_fee_wei, out);
  rlp_number(transaction.gas_limit, out);
  rlp_bytes(transaction.to.view(), out);
  rlp_number(transaction.value_wei, out);
  rlp_bytes(transaction.data, out);
  out.push_back(kEmptyList);
}

Bytes typed(ByteView fields) {
  Bytes result{kType};
  const Bytes list = rlp_list(fields);
  result.insert(result.end(), list.begin(), list.end());
  return result;
}

// r or s, without leading zeros.
void rlp_scalar(ByteView word, Bytes& out) {
  std::size_t skip = 0;
  while (skip < word.size() && word[skip] == 0) ++skip;
  rlp_bytes(word.subspan(skip), out);
}

// Reads canonical RLP. After the first mistake ok() stays false.
class RlpReader {
 public:
  explicit RlpReader(ByteView in) : in_(in) {}

  ByteView bytes() {
    if (!need(1)) return {};
    const std::uint8_t first = in_[position_];
    if (first < 0x80) return take(1);
    ++position_;
    if (first <= 0xb7) {
      const ByteView content = take(first - 0x80U);
      if (content.size() == 1 && content[0] < 0x80) ok_ = false;  // has a shorter encoding
      return content;
    }
    if (first >= 0xc0) return fail();
    return take(long_length(first - 0xb7U));
  }
  ByteView list() {
    if (!need(1)) return {};
    const std::uint8_t first = in_[position_++];
    if (first < 0xc0) return fail();
    if (first <= 0xf7) return take(first - 0xc0U);
    return take(long_length(first - 0xf7U));
  }
  u128 number(std::size_t bytes_max) {
    const ByteView digits = bytes();
    if (digits.size() > bytes_max || (!digits.empty() && digits[0] == 0)) {
      ok_ = false;
      return 0;
    }
    u128 value = 0;
    for (const std::uint8_t digit : digits) value = (value << 8) | digit;
    return value;
  }
  bool complete() const { return ok_ && position_ == in_.size(); }
  bool ok() const { return ok_; }

 private:
  ByteView fail() {
    ok_ = false;
    return {};
  }
  bool need(std::size_t count) {
    if (ok_ && in_.size() - position_ >= count) return true;
    ok_ = false;
    return false;
  }
  ByteView take(std::size_t count) {
    if (!need(count)) return {};
    const ByteView view = in_.subspan(position_, count);
    position_ += count;
    return view;
  }
  std::size_t long_length(std::size_t digits) {
    const ByteView view = take(digits);
    if (view.empty() || view[0] == 0 || view.size() > 4) {
      ok_ = false;
      return 0;
    }
    std::size_t length = 0;
    for (const std::uint8_t digit : view) length = (length << 8) | digit;
    if (length <= 55) ok_ = false;
    return length;
  }

  ByteView in_;
  std::size_t position_ = 0;
  bool ok_ = true;
};

bool right_aligned(ByteView scalar, std::uint8_t* word) {
  if (scalar.size() > 32 || scalar.empty() || scalar[0] == 0) return false;
  std::copy(scalar.begin(), scalar.end(), word + (32 - scalar.size()));
  return true;
}

}  // namespace

void rlp_bytes(ByteView bytes, Bytes& out) {
  if (bytes.size() == 1 && bytes[0] < 0x80) {
    out.push_back(bytes[0]);
    return;
  }
  rlp_length(bytes.size(), 0x80, out);
  out.insert(out.end(), bytes.begin(), bytes.end());
}

void rlp_number(u128 number, Bytes& out) {
  std::array<std::uint8_t, 16> digits{};
  std::size_t start = digits.size();
  for (; number != 0; number >>= 8) digits[--start] = static_cast<std::uint8_t>(number);
  rlp_bytes(ByteView(digits).subspan(start), out);
}

Bytes rlp_list(ByteView encoded_items) {
  Bytes out;
  rlp_length(encoded_items.size(), 0xc0, out);
  out.insert(out.end(), encoded_items.begin(), encoded_items.end());
  return out;
}

SignedTransaction sign(const Transaction& transaction, const crypto::SecretKey& signer) {
  Bytes fields;
  unsigned_fields(transaction, fields);
  const base::Signature signature = signer.sign(crypto::keccak256(typed(fields)));
  const std::uint8_t v = signature.bytes[64];
  CHECK(v == 27 || v == 28);
  rlp_number(static_cast<u128>(v - 27), fields);
  rlp_scalar(signature.view().subspan(0, 32), fields);
  rlp_scalar(signature.view().subspan(32, 32), fields);
  SignedTransaction result;
  result.raw = typed(fields);
  result.hash = crypto::keccak256(result.raw);
  return result;
}

base::Result<DecodedTransaction> decode_transaction(ByteView raw) {
  const auto refuse = [](const char* what) {
    return base::error(base::ErrorCode::invalid_argument, std::string("not a signed EIP-1559 transaction: ") + what);
  };
  if (raw.empty() || raw[0] != kType) return refuse("its first byte is not 0x02");
  RlpReader outer(raw.subspan(1));
  const ByteView content = outer.list();
  if (!outer.complete()) return refuse("it is not one RLP list");
  RlpReader in(content);
  DecodedTransaction result;
  Transaction& transaction = result.transaction;
  transaction.chain_id = static_cast<std::uint64_t>(in.number(8));
  transaction.nonce = static_cast<std::uint64_t>(in.number(8));
  transaction.max_priority_fee_wei = in.number(16);
  transaction.max_fee_wei = in.number(16);
  transaction.gas_limit = static_cast<std::uint64_t>(in.number(8));
  const std::optional<base::Address> to = base::fixed_from_bytes<base::Address>(in.bytes());
  transaction.value_wei = in.number(16);
  const ByteView data = in.bytes();
  transaction.data.assign(data.begin(), data.end());
  if (!in.list().empty()) return refuse("its access list is not empty");
  const u128 parity = in.number(1);
  base::Signature signature;
  const bool scalars = right_aligned(in.bytes(), signature.data()) && right_aligned(in.bytes(), signature.data() + 32);
  if (!in.complete() || !to || !scalars || parity > 1) return refuse("a field is malformed");
  transaction.to = *to;
  signature.bytes[64] = static_cast<std::uint8_t>(27 + parity);
  Bytes fields;
  unsigned_fields(transaction, fields);
  const crypto::Recovered recovered = crypto::recover(crypto::keccak256(typed(fields)), signature);
  if (recovered.check != crypto::SignatureCheck::ok) return refuse("its signature is not valid");
  result.sender = crypto::address_of(recovered.key);
  result.hash = crypto::keccak256(raw);
  return result;
}

}  // namespace settlers::stablecoin
