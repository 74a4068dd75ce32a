#pragma once

// Gathers checks of signatures and has them done on the verifying threads, several in one piece: handing work to
// another thread and back costs a good part of what checking one signature does.

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "facilitator/scheme.h"
#include "facilitator/voucher_signatures.h"
#include "ledger/api/ledger_service.h"

namespace facilitator {

// Belongs to one thread. `ingest` must outlive it; `post` must no longer run anything once it is gone.
class SignatureWork {
 public:
  // `together`: vouchers of one piece may be checked at once.
  SignatureWork(ledger::api::IngestService& ingest, Post post, bool together)
      : ingest_(ingest), post_(std::move(post)), vouchers_(std::make_shared<VoucherSignatures>(together)) {}
  SignatureWork(const SignatureWork&) = delete;
  SignatureWork& operator=(const SignatureWork&) = delete;

  // `check` of so many signatures runs on a verifying thread, then `then` on this one: with true, or with false when
  // too much is waiting and nothing was checked. Neither runs before flush().
  void add(std::size_t signatures, std::function<void()> check, std::function<void(bool checked)> then);
  // The same for one voucher, beside which nothing is to be checked; `take` hears of it on the verifying thread.
  void add_voucher(const commitments::channel::VoucherItem& item,
                   std::function<void(const commitments::channel::Answer&)> take,
                   std::function<void(bool checked)> then);
  // Sends what has gathered, unless it is better off waiting for the pieces that are under way.
  void flush();

 private:
  struct Check {
    std::size_t signatures = 0;
    std::function<void()> check;  // empty for a voucher
    commitments::channel::VoucherItem voucher;
    std::function<void(const commitments::channel::Answer&)> take;
    std::function<void(bool)> then;
  };
  static void check_all(const std::vector<Check>& piece, VoucherSignatures& vouchers);
  void send();

  ledger::api::IngestService& ingest_;
  const Post post_;
  const std::shared_ptr<VoucherSignatures> vouchers_;  // also of pieces under way
  std::deque<Check> waiting_;
  std::size_t waiting_signatures_ = 0;
  std::size_t pieces_ = 0;  // under way
};

}  // namespace facilitator
