#include "settlers/bank/xml_document.h"

#include <algorithm>
#include <cstring>

#include "base/limits.h"

namespace settlers::bank {
namespace {

constexpr unsigned kParse = pugi::parse_cdata | pugi::parse_escapes | pugi::parse_eol | pugi::parse_doctype;

std::size_t line_at(std::string_view bytes, std::size_t offset) {
  return 1 + static_cast<std::size_t>(std::count(
                 bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(std::min(offset, bytes.size())), '\n'));
}

tl::unexpected<base::Error> refused(std::size_t line, const std::string& why) {
  return base::error(base::ErrorCode::invalid_argument, "line " + std::to_string(line) + ": " + why);
}

std::string_view trimmed(const char* text) {
  std::string_view view(text);
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t first = view.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return view.substr(first, view.find_last_not_of(kSpace) - first + 1);
}

}  // namespace

base::Result<XmlDocument> XmlDocument::parse(std::string_view bytes) {
  if (bytes.size() > base::limits::kBankFileBytesMax)
    return refused(1, "the file has " + std::to_string(bytes.size()) + " bytes; at most " +
                          std::to_string(base::limits::kBankFileBytesMax) + " are read");
  // Depth and document types are looked for before a tree is made: both are what hostile files use.
  std::size_t depth = 0;
  for (std::size_t at = bytes.find('<'); at != std::string_view::npos; at = bytes.find('<', at + 1)) {
    const std::string_view rest = bytes.substr(at);
    if (rest.starts_with("<!DOCTYPE") || rest.starts_with("<!ENTITY"))
      return refused(line_at(bytes, at), "a document type is not allowed in bank files");
    if (rest.starts_with("<?") || rest.starts_with("<!")) continue;
    if (rest.starts_with("</")) {
      depth -= depth > 0 ? 1 : 0;
      continue;
    }
    const std::size_t end = rest.find('>');
    const bool empty = end != std::string_view::npos && end > 0 && rest[end - 1] == '/';
    if (!empty && ++depth > base::limits::kBankXmlDepthMax)
      return refused(line_at(bytes, at),
                     "elements are nested more than " + std::to_string(base::limits::kBankXmlDepthMax) + " deep");
  }
  auto document = std::make_unique<pugi::xml_document>();
  const pugi::xml_parse_result parsed = document->load_buffer(bytes.data(), bytes.size(), kParse);
  if (!parsed) return refused(line_at(bytes, static_cast<std::size_t>(parsed.offset)), parsed.description());
  for (const pugi::xml_node child : document->children()) {
    if (child.type() == pugi::node_doctype) return refused(1, "a document type is not allowed in bank files");
  }
  XmlDocument result(std::move(document));
  // Offsets of nodes count the bytes of the file itself unless it was converted from another encoding; then the lines
  // are still close, because converted files have the same line ends.
  result.line_starts_.push_back(0);
  for (std::size_t at = bytes.find('\n'); at != std::string_view::npos; at = bytes.find('\n', at + 1))
    result.line_starts_.push_back(at + 1);
  return result;
}

std::uint32_t XmlDocument::line(pugi::xml_node node) const {
  const std::ptrdiff_t offset = node.offset_debug();
  if (offset < 0) return 1;
  const auto after = std::upper_bound(line_starts_.begin(), line_starts_.end(), static_cast<std::size_t>(offset));
  return static_cast<std::uint32_t>(after - line_starts_.begin());
}

std::string_view local_name(pugi::xml_node node) noexcept {
  const char* name = node.name();
  const char* colon = std::strchr(name, ':');
  return colon == nullptr ? name : colon + 1;
}

pugi::xml_node find(pugi::xml_node node, std::string_view path) noexcept {
  while (!path.empty() && node) {
    const std::size_t slash = path.find('/');
    const std::string_view name = path.substr(0, slash);
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
    pugi::xml_node child = node.first_child();
    while (child && (child.type() != pugi::node_element || local_name(child) != name)) child = child.next_sibling();
    node = child;
  }
  return node;
}

std::string_view find_text(pugi::xml_node node, std::string_view path) noexcept {
  return trimmed(find(node, path).child_value());
}

std::string path_of(pugi::xml_node node) {
  std::string path;
  for (; node.parent() && node.parent().parent(); node = node.parent())
    path = std::string(local_name(node)) + (path.empty() ? "" : "/" + path);
  return path;
}

}  // namespace settlers::bank
