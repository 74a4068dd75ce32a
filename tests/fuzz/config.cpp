// Configuration files: a file that is accepted gives the same configuration again; one that is not names its mistakes.

#include <memory>
#include <string>

#include "base/check.h"
#include "ops/config.h"
#include "tests/fuzz/target.h"

bool fuzz::run_input(base::ByteView bytes) {
  static const std::unique_ptr<aggregator::Calendar> calendar = aggregator::make_calendar();
  const std::string text(bytes.begin(), bytes.end());
  const base::Result<ops::Config> config = ops::parse_config(text, "tabd.toml", *calendar);
  if (!config) {
    CHECK(config.error().message.starts_with("tabd.toml"));
    CHECK(config.error().message.back() != '\n');
    return false;
  }
  const base::Result<ops::Config> again = ops::parse_config(text, "tabd.toml", *calendar);
  CHECK(again.has_value() && *again == *config);
  CHECK(!config->network.empty());
  return true;
}
