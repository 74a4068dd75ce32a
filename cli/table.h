#pragma once

// Aligned tables for people. Widths count characters of UTF-8, not bytes.

#include <string>
#include <string_view>
#include <vector>

namespace cli {

enum class Align : std::uint8_t { left, right };

class Table {
 public:
  struct Column {
    std::string title;
    Align align = Align::left;
  };
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // One cell for each column; missing cells are empty.
  void row(std::vector<std::string> cells);
  bool empty() const noexcept { return rows_.empty(); }

  // Title line and rows, two spaces between columns, no trailing spaces. With `color` the titles are bold.
  std::string render(bool color) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// Names and values, one pair a line, values aligned: for one object.
class Fields {
 public:
  void add(std::string name, std::string value) { pairs_.emplace_back(std::move(name), std::move(value)); }
  std::string render() const;

 private:
  std::vector<std::pair<std::string, std::string>> pairs_;
};

// Characters of a UTF-8 string.
std::size_t width_of(std::string_view text) noexcept;

}  // namespace cli
