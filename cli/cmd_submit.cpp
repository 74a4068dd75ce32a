#include <map>

#include "base/limits.h"
#include "cli/command.h"
#include "cli/items.h"
#include "cli/key_file.h"
#include "cli/table.h"
#include "cli/text.h"
#include "commitments/tab/sign.h"

namespace cli {
namespace {

namespace tab = commitments::tab;

struct SubmitOptions {
  std::string file;
  std::vector<std::string> signer_keys;
  std::uint64_t batch_number = 0;
  bool check = false;
  bool all_results = false;
};

struct Pending {
  tab::Item item;
  std::string where;
};

// Reads, signs and submits items in batches, and keeps the count.
class Submission {
 public:
  Submission(Context& context, const SubmitOptions& options, AssetBook assets)
      : context_(context),
        options_(options),
        assets_(std::move(assets)),
        table_(assets_.table()),
        progress_(context.progress()) {}

  Outcome run() {
    CLI_TRY(server_key_, key());
    CLI_TRY(client_, context_.client());
    for (const std::string& file : options_.signer_keys) {
      CLI_TRY(crypto::SecretKey signer, read_key_file(file));
      const base::Address address = signer.address();
      signers_.emplace(address, std::move(signer));
    }
    if (!options_.check) {
      CLI_TRY(session_, session());
    }
    number_ = options_.batch_number != 0 ? options_.batch_number : context_.now().us;
    CLI_TRY(std::unique_ptr<ItemReader> reader, ItemReader::open(options_.file));
    for (;;) {
      CLI_TRY(std::optional<ItemReader::Next> next, reader->next());
      if (!next) break;
      CLI_CHECK(add(std::move(*next)));
      if (pending_.size() == base::limits::kBatchItemsMax || charges_ > base::limits::kBatchChargesMax / 2)
        CLI_CHECK(flush());
    }
    CLI_CHECK(flush());
    progress_.finish();
    return summary();
  }

 private:
  Result<std::unique_ptr<crypto::SecretKey>> key() {
    CLI_TRY(crypto::SecretKey secret, context_.key());
    return std::make_unique<crypto::SecretKey>(std::move(secret));
  }
  Result<std::unique_ptr<tabd::ServerSession>> session() {
    CLI_TRY(tabd::ServerSession opened, context_.server_session());
    return std::make_unique<tabd::ServerSession>(std::move(opened));
  }

  Outcome add(ItemReader::Next next) {
    CLI_TRY(ParsedItem parsed, item_from_json(next.value, assets_, context_.now(), next.where));
    if (!parsed.is_signed) {
      const auto signer = signers_.find(parsed.item.effective_signer());
      if (signer == signers_.end()) {
        return usage_failure(fmt::format("{}: this item is not signed, and no key was given for {}.", next.where,
                                         base::to_hex(parsed.item.effective_signer())),
                             "Sign it with `tabctl sign`, or add the key of its payer or agent: --sign-with FILE.");
      }
      tab::sign_item(signer->second, client_->domain(), table_, parsed.item);
    }
    charges_ += parsed.item.usages.size();
    pending_.push_back({std::move(parsed.item), std::move(next.where)});
    return {};
  }

  Outcome flush() {
    if (pending_.empty()) return {};
    if (options_.check) {
      checked_ += pending_.size();
    } else {
      std::vector<tab::Item> items;
      for (Pending& one : pending_) items.push_back(one.item);
      const tabd::UnverifiedBatch batch = client_->make_batch(*server_key_, number_, std::move(items));
      CLI_TRY(const rpc::BatchAnswer answer, answered(batch));
      for (std::size_t i = 0; i < answer.items.size() && i < pending_.size(); ++i) show(pending_[i], answer.items[i]);
    }
    ++number_;
    progress_.update("submitting", accepted_ + refused_ + checked_, 0);
    pending_.clear();
    charges_ = 0;
    return {};
  }

  // A batch that meets a full queue is sent again: the same batch can never be charged twice.
  Result<rpc::BatchAnswer> answered(const tabd::UnverifiedBatch& batch) {
    constexpr int kAttempts = 50;
    for (int attempt = 1;; ++attempt) {
      CLI_TRY(rpc::BatchAnswer answer, asked(session_->submit(batch)));
      if (answer.status == base::Status::ok) return answer;
      if (answer.status != base::Status::overloaded || attempt == kAttempts) {
        auto failure = failure_from(answer.status, answer.detail);
        failure.value().message += fmt::format(" {} items were decided before this batch.", accepted_ + refused_);
        return failure;
      }
      tabd::Client::run_for(std::max<std::uint64_t>(answer.retry_after_ms, 10) * 1000);
    }
  }

  void show(const Pending& one, const core::ItemResult& result) {
    const bool good = base::accepted(result.status);
    ++(good ? accepted_ : refused_);
    if (result.status == base::Status::already_accepted) ++repeated_;
    ++by_status_[result.status];
    if (good && !options_.all_results) return;
    const core::Asset asset =
        assets_.get(one.item.kind == tab::ItemKind::voucher ? one.item.voucher.asset : one.item.single.asset);
    if (context_.json()) {
      JsonObject out;
      out["item"] = one.where;
      out["status"] = text_json(base::name(result.status));
      out["number"] = static_cast<std::uint16_t>(result.status);
      out["sequence"] = result.sequence.valid() ? Json(result.sequence.value) : Json(nullptr);
      if (!good) {
        const bool exceeded = names_a_number(result.status);
        out["limit"] = exceeded ? Json(result.limit.to_decimal_string(asset.scale)) : Json(nullptr);
        out["allowed"] = exceeded ? Json(result.allowed.to_decimal_string(asset.scale)) : Json(nullptr);
        if (result.status == base::Status::tab_out_of_order) out["expected_index"] = result.expected_index;
      }
      context_.write_json_line(out);
      return;
    }
    if (good) {
      context_.say("{}: {} as entry {}", one.where, base::name(result.status), result.sequence.value);
      return;
    }
    context_.say("{}: {}: {}{}", one.where, base::name(result.status), base::info(result.status).sentence,
                 numbers(result, asset));
  }

  // Refusals that come with the number that was exceeded (rpc/schema/types.capnp, ItemResult), which may be zero.
  static bool names_a_number(base::Status status) {
    return status == base::Status::mandate_cap_exceeded || status == base::Status::credit_limit_exceeded ||
           status == base::Status::charge_above_maximum || status == base::Status::voucher_below_charged;
  }

  static std::string numbers(const core::ItemResult& result, const core::Asset& asset) {
    if (result.status == base::Status::tab_out_of_order)
      return fmt::format(" The tab's next index is {}.", result.expected_index);
    if (!names_a_number(result.status)) return "";
    return fmt::format(" The limit is {}; {} would be accepted.", money(result.limit, asset.scale, asset.symbol),
                       money(result.allowed, asset.scale, asset.symbol));
  }

  Outcome summary() {
    if (options_.check) {
      context_.say("{} items are well-formed and signed. Nothing was sent.", thousands(checked_));
      return {};
    }
    if (context_.json()) {
      JsonObject out;
      out["accepted"] = accepted_;
      out["already_accepted"] = repeated_;
      out["refused"] = refused_;
      JsonObject statuses;
      for (const auto& [status, count] : by_status_) statuses[base::name(status)] = count;
      out["statuses"] = std::move(statuses);
      context_.write_json_line(out);
    } else if (accepted_ + refused_ == 0) {
      context_.say("The input holds no items.");
    } else {
      context_.say("{} accepted{}, {} refused.", thousands(accepted_),
                   repeated_ == 0 ? "" : fmt::format(" ({} of them before)", thousands(repeated_)),
                   thousands(refused_));
    }
    if (refused_ == 0) return {};
    Failure failure;
    failure.code = ExitCode::refused;
    failure.message = fmt::format("{} of {} items were refused.", refused_, accepted_ + refused_);
    return tl::unexpected<Failure>(std::move(failure));
  }

  Context& context_;
  const SubmitOptions& options_;
  AssetBook assets_;
  tab::AssetTable table_;
  Progress progress_;
  std::unique_ptr<crypto::SecretKey> server_key_;
  tabd::Client* client_ = nullptr;
  std::unique_ptr<tabd::ServerSession> session_;
  std::map<base::Address, crypto::SecretKey> signers_;
  std::vector<Pending> pending_;
  std::size_t charges_ = 0;
  std::uint64_t number_ = 0;
  std::uint64_t accepted_ = 0, repeated_ = 0, refused_ = 0, checked_ = 0;
  std::map<base::Status, std::uint64_t> by_status_;
};

Outcome submit(Context& context, const SubmitOptions& options) {
  CLI_TRY(AssetBook assets, context.assets());
  return Submission(context, options, std::move(assets)).run();
}

}  // namespace

void add_submit_commands(CLI::App& root, Chosen& chosen) {
  add_command<SubmitOptions>(
      root, chosen, "submit", "Submit items from a file, as a resource server. The format is in cli/ITEMS.md.",
      "  tabctl submit items.jsonl --key server.key\n"
      "  tabctl sign commitment --payee 0x90F7...b906 --maximum 0.05 --key payer.key | tabctl submit - --key "
      "server.key\n"
      "  tabctl submit unsigned.jsonl --key server.key --sign-with payer.key --sign-with agent.key",
      [](CLI::App& app, SubmitOptions& options) {
        app.add_option("file", options.file, "Lines of JSON, or one JSON array; - is standard input.")->required();
        app.add_option("--sign-with", options.signer_keys,
                       "Secret key file of a payer or agent, for items without a signature; may be repeated.");
        app.add_option("--number", options.batch_number, "Number of the first batch; the time, if not given.");
        app.add_flag("--check", options.check, "Read and sign everything, send nothing.");
        app.add_flag("--results", options.all_results, "Show accepted items too, not only refused ones.");
      },
      submit);
}

}  // namespace cli
