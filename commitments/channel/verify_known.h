#pragma once

// verify_vouchers for who keeps the keys of signers, or checks many signatures at once.

#include <functional>

#include "commitments/channel/verify.h"

namespace commitments::channel {

// Answers as crypto::verify would; may set the items' keys.
using CheckSignatures = std::function<void(std::span<crypto::VerifyItem>, std::span<crypto::VerifyAnswer>)>;
void verify_vouchers(std::span<const VoucherItem> items, std::span<Answer> answers, const CheckSignatures& check);

}  // namespace commitments::channel
