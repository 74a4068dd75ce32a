#include "cli/table.h"

#include <algorithm>

namespace cli {
namespace {

std::string padded(const std::string& text, std::size_t width, Align align) {
  const std::string space(width - std::min(width, width_of(text)), ' ');
  return align == Align::left ? text + space : space + text;
}

void strip_end(std::string& line) {
  while (!line.empty() && line.back() == ' ') line.pop_back();
}

}  // namespace

std::size_t width_of(std::string_view text) noexcept {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0u) != 0x80u; }));
}

void Table::row(std::vector<std::string> cells) {
  cells.resize(columns_.size());
  rows_.push_back(std::move(cells));
}

std::string Table::render(bool color) const {
  std::vector<std::size_t> widths;
  for (const Column& column : columns_) widths.push_back(width_of(column.title));
  for (const auto& row : rows_)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));

  std::string out;
  const auto line = [&](const auto& cell_of, bool bold) {
    std::string text;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (i > 0) text += "  ";
      text += padded(cell_of(i), widths[i], columns_[i].align);
    }
    strip_end(text);
    out += bold ? "\x1b[1m" + text + "\x1b[0m" : text;
    out += '\n';
  };
  line([&](std::size_t i) -> const std::string& { return columns_[i].title; }, color);
  for (const auto& row : rows_) line([&](std::size_t i) -> const std::string& { return row[i]; }, false);
  return out;
}

std::string Fields::render() const {
  std::size_t width = 0;
  for (const auto& [name, value] : pairs_) width = std::max(width, width_of(name));
  std::string out;
  for (const auto& [name, value] : pairs_) {
    std::string line = padded(name, width, Align::left) + "  " + value;
    strip_end(line);
    out += line + '\n';
  }
  return out;
}

}  // namespace cli
