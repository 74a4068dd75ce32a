#pragma once

// bench/x402/stage.mjs as a child process: a chain, the official x402 parties, tabd and a server with our package.

#include <string>

#include "base/result.h"

namespace bench {

class Stage {
 public:
  // Starts `script` with Node.js and waits for its manifest, one line. An error if it ends without one; what is missing
  // is on stderr then. `tabd`: the daemon that it starts.
  static base::Result<Stage> start(const std::string& script, const std::string& tabd);
  Stage(Stage&& other) noexcept;
  Stage& operator=(Stage&&) = delete;
  ~Stage();  // ends its input, and waits for its end

  const std::string& manifest() const { return manifest_; }

 private:
  Stage(int pid, int input) : pid_(pid), input_(input) {}
  int pid_;
  int input_;
  std::string manifest_;
};

}  // namespace bench
