// Runs a fuzz target over its committed corpus, and over simple damages of each file: cut short, one byte changed. Fast
// and the same every time; searching for new inputs is libFuzzer's work (tests/fuzz/run.sh).

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/fuzz/target.h"

namespace {

constexpr std::size_t kDamagesMax = 400;  // of each kind and file

base::Bytes read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return base::Bytes(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

std::size_t run_damaged(const base::Bytes& bytes) {
  std::size_t runs = 0;
  const std::size_t step = std::max<std::size_t>(1, bytes.size() / kDamagesMax);
  for (std::size_t at = 0; at < bytes.size(); at += step, runs += 2) {
    fuzz::run_input(base::ByteView(bytes).first(at));
    base::Bytes changed = bytes;
    changed[at] = static_cast<std::uint8_t>(changed[at] ^ (at % 2 == 0 ? 0xff : 0x01));
    fuzz::run_input(changed);
  }
  return runs;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::filesystem::path> files;
  for (int i = 1; i < argc; ++i) {
    std::error_code failure;
    for (const auto& entry : std::filesystem::directory_iterator(argv[i], failure)) files.push_back(entry.path());
    if (failure) std::fprintf(stderr, "cannot list %s: %s\n", argv[i], failure.message().c_str());
  }
  std::sort(files.begin(), files.end());
  if (files.empty()) {
    std::fprintf(stderr, "usage: %s <corpus directory>...   (no files found)\n", argv[0]);
    return 2;
  }
  fuzz::run_input({});
  std::size_t runs = 1;
  int wrong = 0;
  for (const std::filesystem::path& file : files) {
    const base::Bytes bytes = read_file(file);
    if (!fuzz::run_input(bytes) && file.filename().string().starts_with("valid-")) {
      std::fprintf(stderr, "%s was not accepted; if a format changed on purpose, run fuzz_make_corpus\n", file.c_str());
      ++wrong;
    }
    runs += 1 + run_damaged(bytes);
  }
  std::printf("%zu files, %zu inputs, %d not accepted that should be\n", files.size(), runs, wrong);
  return wrong == 0 ? 0 : 1;
}
