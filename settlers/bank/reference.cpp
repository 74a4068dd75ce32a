#include "settlers/bank/reference.h"

#include <array>

#include "base/codec.h"
#include "crypto/sha256.h"
#include "settlers/bank/text.h"

namespace settlers::bank {
namespace {

using base::u128;

constexpr std::size_t kSepaLength = 26, kAchLength = 15;
constexpr unsigned kAchCheckBits = 18, kAchRetryBits = 9, kAchAttemptBits = 8;
constexpr std::uint64_t kAchSettlementMax = 1ULL << 40;

std::uint32_t check_of(const base::Hash& installation, const PaymentName& name) {
  base::Bytes bytes;
  base::Encoder out(bytes);
  out.string("tabd bank reference 1");
  out.fixed(installation);
  out.id(name.settlement);
  out.u32(name.attempt);
  out.u32(name.retries);
  const base::Hash hash = crypto::sha256(bytes);
  return static_cast<std::uint32_t>(hash.bytes[0]) << 24 | static_cast<std::uint32_t>(hash.bytes[1]) << 16 |
         static_cast<std::uint32_t>(hash.bytes[2]) << 8 | hash.bytes[3];
}

// The lowest 5 * length bits, as `length` characters.
std::string encode(u128 value, std::size_t length) {
  std::array<unsigned char, 16> bytes{};
  const unsigned bits = static_cast<unsigned>(length) * 5;
  // SEPA has 128 bits in 130: two zero bits follow at the end, as base32 writes them.
  const u128 aligned = bits >= 128 ? value : value << (128 - bits);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<unsigned char>(aligned >> (8 * (15 - i)));
  return base32(bytes.data(), bytes.size()).substr(0, length);
}

std::optional<u128> decode(std::string_view text) {
  u128 value = 0;
  unsigned bits = 0;
  for (const char c : text) {
    unsigned digit = 0;
    if (c >= 'A' && c <= 'Z') {
      digit = static_cast<unsigned>(c - 'A');
    } else if (c >= '2' && c <= '7') {
      digit = static_cast<unsigned>(c - '2' + 26);
    } else {
      return std::nullopt;
    }
    const unsigned take = bits + 5 > 128 ? 128 - bits : 5;
    if ((digit & ((1u << (5 - take)) - 1)) != 0) return std::nullopt;
    value = value << take | digit >> (5 - take);
    bits += take;
  }
  return value;
}

}  // namespace

std::string sepa_reference(const base::Hash& installation, const PaymentName& name) {
  if (name.attempt > 0xFFFF || name.retries > 0xFFFF) return {};
  u128 value = name.settlement.value;
  value = value << 16 | name.attempt;
  value = value << 16 | name.retries;
  value = value << 32 | check_of(installation, name);
  return encode(value, kSepaLength);
}

std::string ach_reference(const base::Hash& installation, const PaymentName& name) {
  if (name.settlement.value >= kAchSettlementMax || name.attempt >= 1u << kAchAttemptBits ||
      name.retries >= 1u << kAchRetryBits)
    return {};
  u128 value = name.settlement.value;
  value = value << kAchAttemptBits | name.attempt;
  value = value << kAchRetryBits | name.retries;
  value = value << kAchCheckBits | (check_of(installation, name) >> (32 - kAchCheckBits));
  return encode(value, kAchLength);
}

std::optional<PaymentName> parse_reference(const base::Hash& installation, std::string_view text) {
  const std::optional<u128> value = decode(text);
  if (!value) return std::nullopt;
  PaymentName name;
  if (text.size() == kSepaLength) {
    name.settlement = base::SettlementId(static_cast<std::uint64_t>(*value >> 64));
    name.attempt = static_cast<std::uint32_t>(*value >> 48) & 0xFFFF;
    name.retries = static_cast<std::uint32_t>(*value >> 32) & 0xFFFF;
    if (sepa_reference(installation, name) != text) return std::nullopt;
  } else if (text.size() == kAchLength) {
    u128 rest = *value >> kAchCheckBits;
    name.retries = static_cast<std::uint32_t>(rest) & ((1u << kAchRetryBits) - 1);
    rest >>= kAchRetryBits;
    name.attempt = static_cast<std::uint32_t>(rest) & ((1u << kAchAttemptBits) - 1);
    name.settlement = base::SettlementId(static_cast<std::uint64_t>(rest >> kAchAttemptBits));
    if (ach_reference(installation, name) != text) return std::nullopt;
  } else {
    return std::nullopt;
  }
  return name;
}

}  // namespace settlers::bank
