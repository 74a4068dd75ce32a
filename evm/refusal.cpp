#include "evm/refusal.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "evm/abi.h"

namespace evm {

namespace {

using base::ByteView;
using base::u128;

constexpr std::size_t kWord = 32;
constexpr std::size_t kSelector = 4;
// A reason is shown to people and stored in the journal.
constexpr std::size_t kReasonBytesMax = 200;

struct Pattern {
  std::string_view text;
  Refusal refusal;
};
// The first match decides.
constexpr Pattern kPatterns[] = {
    {"exceeds balance", Refusal::insufficient_balance},
    {"insufficient balance", Refusal::insufficient_balance},
    {"exceeds allowance", Refusal::insufficient_allowance},
    {"insufficient allowance", Refusal::insufficient_allowance},
    {"authorization is used", Refusal::authorization_used},
    {"authorization is expired", Refusal::authorization_expired},
    {"authorization is not yet valid", Refusal::authorization_not_yet_valid},
    {"permit is expired", Refusal::permit_expired},
    {"invalid signature", Refusal::signature_invalid},
    {"caller must be the payee", Refusal::caller_wrong},
    {"blacklist", Refusal::not_permitted},
    {"blocklist", Refusal::not_permitted},
    {"paused", Refusal::not_permitted},
    {"zero address", Refusal::not_permitted},
};

struct CustomError {
  std::string_view signature;
  Refusal refusal;
};
constexpr CustomError kErrors[] = {
    // ERC-6093 and OpenZeppelin.
    {"ERC20InsufficientBalance(address,uint256,uint256)", Refusal::insufficient_balance},
    {"ERC20InsufficientAllowance(address,uint256,uint256)", Refusal::insufficient_allowance},
    {"EnforcedPause()", Refusal::not_permitted},
    {"ECDSAInvalidSignature()", Refusal::signature_invalid},
    {"ECDSAInvalidSignatureLength(uint256)", Refusal::signature_invalid},
    {"ECDSAInvalidSignatureS(bytes32)", Refusal::signature_invalid},
    {"ReentrancyGuardReentrantCall()", Refusal::other},
    {"SafeERC20FailedOperation(address)", Refusal::other},
    // The channel contract and its collector.
    {"InvalidSignature()", Refusal::signature_invalid},
    {"ClaimExceedsBalance()", Refusal::insufficient_balance},
    {"NotAuthorizedToClaim()", Refusal::caller_wrong},
    {"NotAuthorizedToRefund()", Refusal::caller_wrong},
    {"NotAuthorizedToFinalizeWithdraw()", Refusal::caller_wrong},
    {"OnlyX402BatchSettlement()", Refusal::caller_wrong},
    {"InvalidChannel()", Refusal::other},
    {"ZeroDeposit()", Refusal::other},
    {"DepositOverflow()", Refusal::other},
    {"NotReceiverAuthorizer()", Refusal::other},
    {"ClaimExceedsCeiling()", Refusal::other},
    {"WithdrawalAlreadyPending()", Refusal::other},
    {"WithdrawalNotPending()", Refusal::other},
    {"WithdrawDelayNotElapsed()", Refusal::other},
    {"NothingToWithdraw()", Refusal::other},
    {"WithdrawAmountExceedsAvailable()", Refusal::other},
    {"WithdrawDelayOutOfRange()", Refusal::other},
    {"EmptyBatch()", Refusal::other},
    {"DepositCollectionFailed()", Refusal::other},
    {"InvalidCollector()", Refusal::other},
    {"InvalidRefundNonce()", Refusal::other},
    {"ZeroRefund()", Refusal::other},
    {"InvalidX402BatchSettlementAddress()", Refusal::other},
};

// "0x" and 8 digits for each of kErrors.
const std::array<std::string, std::size(kErrors)>& selectors() {
  static const auto all = [] {
    std::array<std::string, std::size(kErrors)> texts;
    for (std::size_t i = 0; i < texts.size(); ++i) texts[i] = base::to_hex(call_data(kErrors[i].signature, {}));
    return texts;
  }();
  return all;
}

std::string_view name_of(const CustomError& error) noexcept {
  return error.signature.substr(0, error.signature.find('('));
}

constexpr std::string_view kNames[] = {
    "other",
    "insufficient_balance",
    "insufficient_allowance",
    "authorization_used",
    "authorization_expired",
    "authorization_not_yet_valid",
    "signature_invalid",
    "permit_expired",
    "caller_wrong",
    "not_permitted",
};

bool contains(std::string_view text, std::string_view wanted) noexcept {
  const auto lower = [](char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); };
  const auto same = [lower](char a, char b) { return lower(a) == lower(b); };
  return std::search(text.begin(), text.end(), wanted.begin(), wanted.end(), same) != text.end();
}

}  // namespace

std::string revert_reason(ByteView data) {
  if (data.size() < kSelector) return {};
  const std::string selector = base::to_hex(data.first(kSelector));
  const ByteView rest = data.subspan(kSelector);
  if (selector == "0x08c379a0" && rest.size() >= 2 * kWord) {  // Error(string): offset, length, bytes
    const u128 length = number_from_word(rest.subspan(kWord, kWord)).value_or(0);
    const std::size_t present = rest.size() - 2 * kWord;
    const std::size_t shown = std::min({static_cast<std::size_t>(std::min<u128>(length, present)), kReasonBytesMax});
    std::string reason(rest.begin() + 2 * kWord, rest.begin() + 2 * kWord + static_cast<std::ptrdiff_t>(shown));
    for (char& c : reason) {
      if (c < ' ' || c > '~') c = '?';
    }
    return reason;
  }
  if (selector == "0x4e487b71" && rest.size() >= kWord) {  // Panic(uint256)
    const std::uint8_t code = rest[kWord - 1];
    return "panic " + base::to_hex(ByteView(&code, 1));
  }
  const auto known = std::find(selectors().begin(), selectors().end(), selector);
  if (known == selectors().end()) return "error " + selector;
  const CustomError& error = kErrors[known - selectors().begin()];
  return "error " + std::string(name_of(error)) + " " + selector;
}

Refusal refusal_of(std::string_view reason) noexcept {
  for (const Pattern& pattern : kPatterns) {
    if (contains(reason, pattern.text)) return pattern.refusal;
  }
  // A node may write the selector, or the name if it knows it.
  for (std::size_t i = 0; i < std::size(kErrors); ++i) {
    const CustomError& error = kErrors[i];
    if (error.refusal == Refusal::other) continue;
    if (contains(reason, selectors()[i]) || contains(reason, name_of(error))) return error.refusal;
  }
  return Refusal::other;
}

std::string_view name(Refusal refusal) noexcept { return kNames[static_cast<std::size_t>(refusal)]; }

Refusal refusal_in_detail(std::string_view detail) noexcept {
  const std::string_view word = detail.substr(0, detail.find(':'));
  for (std::size_t i = 0; i < std::size(kNames); ++i) {
    if (word == kNames[i]) return static_cast<Refusal>(i);
  }
  return Refusal::other;
}

}  // namespace evm
