#pragma once

// The files of ops/page/, put into the program at build time (cmake/Embed.cmake).

#include <span>
#include <string_view>

namespace ops {

struct PageFile {
  std::string_view name;  // "page.js"
  std::string_view text;
};
std::span<const PageFile> page_files() noexcept;

}  // namespace ops
