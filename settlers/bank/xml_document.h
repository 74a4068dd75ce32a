#pragma once

// XML from outside. No document type, no entities but the five of XML, bounded in size and depth; every refusal names
// the line. Private to settlers/bank.

#include <memory>
#include <string>
#include <string_view>

#include <pugixml.hpp>

#include "base/bytes.h"
#include "base/result.h"

namespace settlers::bank {

class XmlDocument {
 public:
  // UTF-8, or what the declaration says (UTF-16, ISO-8859-1). invalid_argument: "line 12: ...".
  static base::Result<XmlDocument> parse(std::string_view bytes);

  pugi::xml_node root() const { return document_->document_element(); }
  std::uint32_t line(pugi::xml_node node) const;  // from 1

 private:
  explicit XmlDocument(std::unique_ptr<pugi::xml_document> document) : document_(std::move(document)) {}
  std::unique_ptr<pugi::xml_document> document_;
  std::vector<std::size_t> line_starts_;
};

// The name without its namespace prefix.
std::string_view local_name(pugi::xml_node node) noexcept;
// The first child element of that local name; "RtrInf/Rsn/Cd" goes down. Null if there is none.
pugi::xml_node find(pugi::xml_node node, std::string_view path) noexcept;
// Its text without white space at the ends; empty if there is none.
std::string_view find_text(pugi::xml_node node, std::string_view path) noexcept;
// "BkToCstmrStmt/Stmt/Ntry": where an element is, without the document's root.
std::string path_of(pugi::xml_node node);

// Calls `each` for every child element with that local name.
template <typename Each>
void for_each(pugi::xml_node node, std::string_view name, Each each) {
  for (pugi::xml_node child = node.first_child(); child; child = child.next_sibling()) {
    if (child.type() == pugi::node_element && local_name(child) == name) each(child);
  }
}

}  // namespace settlers::bank
