#pragma once

// x402 over HTTP/1.1: the port for resource servers, payers and payees. One thread reads, decides what needs no ledger,
// and answers; signatures and the ledger have their own threads. Routes: rpc/http/openapi.json.
//
// Meant to face clients that are slow, broken or hostile: every phase of a connection has a deadline, every buffer a
// bound, and nothing is read from a body before its API key is known.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "crypto/secp256k1.h"
#include "facilitator/scheme.h"
#include "ledger/api/ledger_service.h"
#include "ledger/api/reader.h"
#include "rpc/http/api_keys.h"
#include "rpc/http/counters.h"

namespace rpc::http {

struct ServerOptions {
  std::string host;        // an IP address
  std::uint16_t port = 0;  // 0: any free port
  // PEM files; both empty: plain HTTP, for this machine or behind a proxy that adds TLS.
  std::string certificate_file;
  std::string key_file;
  std::uint32_t connections_max = 1024;
  std::uint32_t connections_per_address_max = 256;  // of one IPv4 address or IPv6 /64
  std::uint64_t header_ms = 10'000;   // from the first byte of a request to the end of its head; also a TLS handshake
  std::uint64_t body_ms = 30'000;     // from there to the end of its body
  std::uint64_t idle_ms = 60'000;     // without a request
  std::uint64_t request_ms = 60'000;  // from the end of a request to the last byte of its answer
  std::uint64_t body_bytes_max = 1 << 20;
  std::vector<ApiKey> api_keys;
};

// A scheme beside the tab binding, for the facilitator with this thread and these timers.
using MakeScheme = std::function<std::unique_ptr<facilitator::Scheme>(facilitator::Post, facilitator::After)>;

// One webhook: a card provider's largest events have some ten KiB.
inline constexpr std::size_t kWebhookBytesMax = 256 * 1024;

// A path to which somebody else posts what happened: it carries its own proof instead of an API key, and is handed over
// as it came.
struct Webhook {
  std::string path;              // "/webhooks/NAME"
  std::string signature_header;  // whose value is handed over too
  // The answer: an HTTP status, and with other than 2xx a sentence for the sender. Called on the server's thread;
  // `done` from any thread, at most once.
  std::function<void(std::string signature, std::string body, std::function<void(unsigned, std::string)> done)> receive;
};

struct ServerParts {
  ledger::api::IngestService& ingest;
  ledger::api::LedgerService& ledger;
  const ledger::api::LedgerReader& reader;
  const base::Clock& clock;
  const crypto::SecretKey& server_key;        // of the front as a resource server of the ledger
  std::vector<MakeScheme> more_schemes = {};  // what these and the next refer to must outlive the server
  std::vector<Webhook> webhooks = {};
};

class Server {
 public:
  Server();
  // The ledger may still answer after stop(): destroy the server after the ledger has stopped.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Listens and serves. `parts` must live until stop() has returned. io: the address cannot be bound, or a PEM file
  // cannot be used; the message names it.
  base::Result<void> start(ServerOptions options, ServerParts parts);
  // From now on these API keys and no others; connections stay, and each is asked for its key anew. A key keeps its
  // quota as long as its name stays. Any thread, after start().
  void set_api_keys(std::vector<ApiKey> keys);
  // Accepts nothing more, answers what is under way (at most limits::kShutdownGraceMs), closes. Idempotent.
  void stop();

  std::uint16_t port() const;  // as bound
  const Counters& counters() const;

  class Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace rpc::http
