#pragma once

// Gathers checks of signatures and has them done on the verifying threads, several in one piece: handing work to
// another thread and back costs a good part of what checking one signature does.

#include <cstddef>
#include <deque>
#include <functional>

#include "facilitator/scheme.h"
#include "ledger/api/ledger_service.h"

namespace facilitator {

// Belongs to one thread. `ingest` must outlive it; `post` must no longer run anything once it is gone.
class SignatureWork {
 public:
  SignatureWork(ledger::api::IngestService& ingest, Post post) : ingest_(ingest), post_(std::move(post)) {}
  SignatureWork(const SignatureWork&) = delete;
  SignatureWork& operator=(const SignatureWork&) = delete;

  // `check` of so many signatures runs on a verifying thread, then `then` on this one: with true, or with false when
  // too much is waiting and nothing was checked. Neither runs before flush().
  void add(std::size_t signatures, std::function<void()> check, std::function<void(bool checked)> then);
  // Sends what has gathered, unless it is better off waiting for the pieces that are under way.
  void flush();

 private:
  struct Check {
    std::size_t signatures = 0;
    std::function<void()> check;
    std::function<void(bool)> then;
  };
  void send();

  ledger::api::IngestService& ingest_;
  const Post post_;
  std::deque<Check> waiting_;
  std::size_t waiting_signatures_ = 0;
  std::size_t pieces_ = 0;  // under way
};

}  // namespace facilitator
