#pragma once

// Long lists: --limit, --after, --all, and the answer in pages.

#include <algorithm>
#include <string>
#include <vector>

#include "base/limits.h"
#include "cli/command.h"

namespace cli {

struct ListOptions {
  std::uint64_t limit = 50;
  std::uint64_t after = 0;
  bool all = false;
};

inline void add_list_options(CLI::App& app, ListOptions& options) {
  app.add_option("--limit", options.limit, "At most this many rows.")
      ->capture_default_str()
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000'000}));
  app.add_option("--after", options.after, "Start after this cursor, which the previous page named.");
  app.add_flag("--all", options.all, "Every row, however many there are.");
}

template <typename T>
struct Listed {
  std::vector<T> items;
  std::uint64_t next = 0;  // cursor of the following page; 0 = that was all
};

// Reads pages until there are enough rows. `read` takes an rpc::Page and gives a base::Result<rpc::PageOf<T>>.
template <typename T, typename Read>
Result<Listed<T>> read_list(const ListOptions& options, Read read) {
  Listed<T> listed;
  rpc::Page page;
  page.after = options.after;
  do {
    const std::uint64_t missing = options.all ? UINT64_MAX : options.limit - listed.items.size();
    page.limit = static_cast<std::uint32_t>(std::min<std::uint64_t>(missing, base::limits::kPageItemsMax));
    CLI_TRY(rpc::PageOf<T> part, asked<rpc::PageOf<T>>(read(page)));
    std::move(part.items.begin(), part.items.end(), std::back_inserter(listed.items));
    page.after = part.next;
  } while (page.after != 0 && (options.all || listed.items.size() < options.limit));
  listed.next = page.after;
  return listed;
}

// {"items": [...], "next": 1234 or null}.
template <typename T, typename ToJson>
void write_list_json(Context& context, const Listed<T>& listed, ToJson to_json) {
  JsonArray items;
  for (const T& item : listed.items) items.emplace_back(to_json(item));
  JsonObject out;
  out["items"] = std::move(items);
  if (listed.next != 0)
    out["next"] = listed.next;
  else
    out["next"] = nullptr;
  context.write_json(out);
}

// After a table that did not show everything.
template <typename T>
void note_more(Context& context, const Listed<T>& listed) {
  if (listed.next != 0) context.note("There is more: add --after {}, or --all.", listed.next);
}

}  // namespace cli
