#pragma once

// What `make demo` and `make run` choose.

#include <string>

namespace playground::demo {

enum class Rail : std::uint8_t {
  all,  // stablecoin, card and bank side by side
  stablecoin,
  sandbox
};

struct DemoOptions {
  Rail rail = Rail::all;
  bool keep = false;                // make run: slow traffic until Ctrl-C
  unsigned seconds = 20;            // of traffic
  unsigned items_per_second = 400;  // of each server
  std::string tabd;                 // the binaries; empty: beside this one
  std::string tabctl;
};

}  // namespace playground::demo
