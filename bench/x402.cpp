#include "bench/x402.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "bench/http_load.h"
#include "bench/raw_verify.h"
#include "bench/stage.h"
#include "bench/x402_target.h"

namespace bench {
namespace {

using base::Result;

struct Shape {
  std::size_t connections;
  std::size_t parties;  // channels, or tabs
};

// Bodies for /verify: enough that nobody answers from a memory of the last few.
constexpr std::size_t kVerifyBodies = 4096;
// Paid requests are good once. More than any server here answers; if not, a run ends early and says how long it was.
constexpr double kPaidPerSecondMax = 4000;
constexpr double kWarmS = 1;  // Node.js compiles while it runs

struct Measured {
  HttpLoadResult load;
  double per_s = 0;
};

class Bench {
 public:
  Bench(Context& context, std::vector<X402Target> targets) : context_(context), targets_(std::move(targets)) {}

  Result<void> run();

 private:
  Result<Measured> measure(X402Target& target, Shape shape);
  Result<void> measure_all(X402Target& target, const std::vector<Shape>& shapes);
  double recovery_us() const {
    return raw_verifications(context_.clock, RawCheck::recover, context_.cores, context_.options.quick ? 1 : 3).cpu_us;
  }
  double per_s(const std::string& target) const { return last_.at(target).per_s; }
  double cpu_us(const std::string& target, std::size_t process) const {
    const HttpLoadResult& load = last_.at(target).load;
    return load.cpu_s[process] * 1e6 / static_cast<double>(load.requests);
  }

  Context& context_;
  std::vector<X402Target> targets_;
  std::map<std::string, Measured> last_;  // of each target, with 32 connections
};

bool is_verify(const X402Target& target) { return target.name.ends_with("_verify"); }

Result<Measured> Bench::measure(X402Target& target, Shape shape) {
  HttpLoadSpec spec;
  spec.port = target.port;
  spec.repeat = is_verify(target);
  spec.expect = target.expect;
  spec.warm_s = kWarmS;
  spec.seconds = context_.options.quick ? 2 : 5;
  for (const auto& [name, process] : target.watch) spec.processes.push_back(process);
  const auto paid = static_cast<std::size_t>((spec.warm_s + spec.seconds) * kPaidPerSecondMax);
  spec.requests =
      make_requests(target, shape.connections, shape.parties, spec.repeat ? kVerifyBodies : paid, context_.cores);
  auto load = run_http_load(spec, context_.clock);
  if (!load) return base::error(load.error().code, target.name + ": " + load.error().message);
  if (!spec.repeat) mark_sent(target, shape.parties, load->sent);
  Measured measured{std::move(*load), 0};
  measured.per_s = static_cast<double>(measured.load.requests) / measured.load.seconds;
  const std::string name = fmt::format("{}_c{}_ch{}", target.name, shape.connections, shape.parties);
  Report& report = context_.report;
  report.add({name + "_per_s", measured.per_s, "1/s", ""});
  report.add({name + "_p50_ms", measured.load.p50_ms, "ms", ""});
  report.add({name + "_p99_ms", measured.load.p99_ms, "ms", ""});
  for (std::size_t i = 0; i < target.watch.size(); ++i)
    report.add({fmt::format("{}_{}_cpu_us", name, target.watch[i].first),
                measured.load.cpu_s[i] * 1e6 / static_cast<double>(measured.load.requests), "us", ""});
  return measured;
}

Result<void> Bench::measure_all(X402Target& target, const std::vector<Shape>& shapes) {
  for (const Shape shape : shapes) {
    ASSIGN_OR_RETURN(Measured measured, measure(target, shape));
    last_[target.name] = std::move(measured);
  }
  return {};
}

Result<void> Bench::run() {
  const std::vector<Shape> quick = {{1, 1}, {32, 32}};
  // A channel takes one paid request at a time, so there is no 32 on 1 of them.
  const std::vector<Shape> verify =
      context_.options.quick ? quick : std::vector<Shape>{{1, 1}, {1, 32}, {32, 1}, {32, 32}};
  const std::vector<Shape> paid = context_.options.quick ? quick : std::vector<Shape>{{1, 1}, {1, 32}, {32, 32}};
  if (!context_.options.target.empty()) {
    std::erase_if(targets_, [this](const X402Target& target) { return target.name != context_.options.target; });
    for (X402Target& target : targets_) RETURN_IF_ERROR(measure_all(target, {{32, 32}}));
    return {};
  }
  double recover_us = recovery_us();
  for (X402Target& target : targets_) {
    if (!is_verify(target)) continue;
    RETURN_IF_ERROR(measure_all(target, verify));
  }
  recover_us = (recover_us + recovery_us()) / 2;
  for (X402Target& target : targets_) {
    if (is_verify(target)) continue;
    RETURN_IF_ERROR(measure_all(target, paid));
  }
  Report& report = context_.report;
  report.add({"recover_raw_cpu_us", recover_us, "us", ""});
  report.add({"http_verify_per_s", per_s("channel_verify"), "1/s", ""});
  report.add({"http_verify_vs_official", per_s("channel_verify") / per_s("official_verify"), "ratio",
              "official_verify_c32_ch32_per_s"});
  report.add({"http_verify_cpu_us", cpu_us("channel_verify", 0), "us", ""});
  report.add({"http_verify_cpu_ratio", cpu_us("channel_verify", 0) / recover_us, "ratio", "recover_raw_cpu_us"});
  report.add({"paid_request_vs_official", per_s("channel_paid") / per_s("official_paid"), "ratio",
              "official_paid_c32_ch32_per_s"});
  return {};
}

}  // namespace

Result<void> bench_x402(Context& context) {
  Report::say("x402 over HTTP: starting a chain, the official parties and tabd");
  ASSIGN_OR_RETURN(const Stage stage, Stage::start(context.options.stage, context.options.tabd));
  ASSIGN_OR_RETURN(std::vector<X402Target> targets, parse_targets(stage.manifest()));
  return Bench(context, std::move(targets)).run();
}

}  // namespace bench
