#pragma once

// The items of `tabctl submit` and `tabctl sign` as JSON. The format is documented in cli/ITEMS.md.

#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "cli/assets.h"
#include "cli/json.h"
#include "commitments/tab/types.h"

namespace cli {

// An item read from JSON. Unsigned charges, holds and vouchers are signed by whoever submits.
struct ParsedItem {
  commitments::tab::Item item;
  bool is_signed = false;  // a signature was given, or the kind needs none
};

// `where` ("line 3") begins the message of a failure, which names the field and what it may be. `now` is what times
// such as "+1h" count from.
Result<ParsedItem> item_from_json(const Json& value, const AssetBook& assets, base::Time now, std::string_view where);

// Everything that item_from_json() reads. Amounts are decimals in the item's asset, which is given as its symbol.
Json item_to_json(const commitments::tab::Item& item, const AssetBook& assets);

std::string_view kind_name(commitments::tab::ItemKind kind) noexcept;

// Reads one JSON value after another: lines of JSON, or the elements of one array.
class ItemReader {
 public:
  // `path` "-" is standard input. `path_name` in messages.
  static Result<std::unique_ptr<ItemReader>> open(const std::string& path);
  ~ItemReader();

  struct Next {
    Json value;
    std::string where;  // "items.jsonl, line 3"
  };
  // Empty at the end.
  Result<std::optional<Next>> next();

 private:
  ItemReader(std::FILE* file, std::string name) : file_(file), name_(std::move(name)) {}
  Result<bool> read_line(std::string& line);
  Outcome read_array(std::string first_line);
  std::FILE* file_;
  std::string name_;
  std::uint64_t line_ = 0;
  bool array_read_ = false;
  JsonArray array_;
  std::size_t array_next_ = 0;
};

// Everything in a file, at most 16 MiB; `path` "-" is standard input.
Result<std::string> read_whole_file(const std::string& path);

}  // namespace cli
