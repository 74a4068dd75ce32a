#pragma once

// HTTP/1.1 load over keep-alive connections: every connection sends its requests one after another, each when the
// answer to the one before has come. Every answer is checked.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace bench {

struct HttpLoadSpec {
  std::uint16_t port = 0;  // on 127.0.0.1
  // Complete requests, head and body; one list for each connection.
  std::vector<std::vector<std::string>> requests;
  bool repeat = false;  // a list begins again at its end; otherwise the run ends with the first list that is used up
  std::string expect;   // must stand in every answer, in its head or its body
  double warm_s = 0;    // sent before the measurement begins
  double seconds = 0;   // of the measurement
  std::vector<int> processes;  // whose CPU is measured meanwhile
};

struct HttpLoadResult {
  std::uint64_t requests = 0;  // answered within the measurement
  double seconds = 0;
  double p50_ms = 0, p99_ms = 0;
  std::vector<double> cpu_s;        // of each process, within the measurement
  std::vector<std::uint64_t> sent;  // by each connection, from the beginning
};

// Returns when all that was sent is answered. An error if an answer is not 200, or lacks what is expected.
base::Result<HttpLoadResult> run_http_load(const HttpLoadSpec& spec, const base::Clock& clock);

}  // namespace bench
