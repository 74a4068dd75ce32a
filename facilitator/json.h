#pragma once

// Strict JSON (RFC 8259) for messages about money: one pass, no copies beyond one buffer. Refused are what parsers
// disagree about: a key that occurs twice, bytes that are not UTF-8, anything after the value. Bounded: bytes by the
// caller, nesting and number of values by JsonLimits. Numbers stay text: nothing becomes a floating-point number.
//
// A mistake names the place by its path ("paymentPayload.payload.voucher.maximum", "items[3].op"), so that a person can
// find it.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace facilitator {

enum class JsonKind : std::uint8_t { null, boolean, number, text, array, object };

// One value. Views live as long as their document and until its next parse().
struct JsonNode {
  static constexpr std::uint32_t kNone = UINT32_MAX;
  JsonKind kind = JsonKind::null;
  bool boolean = false;
  std::uint32_t parent = kNone;  // index in the document; none for the root
  std::uint32_t first = kNone;   // first member or element
  std::uint32_t next = kNone;    // next sibling
  std::uint32_t count = 0;       // members or elements
  std::string_view key;          // as a member of an object
  std::string_view text;         // of a text (unescaped), and of a number as it was written
};

struct JsonLimits {
  std::size_t depth = 32;     // of nested arrays and objects
  std::size_t nodes = 4'096;  // values in one document
  std::size_t members = 128;  // of one object: each key is compared with those before it
};

struct JsonMistake {
  std::string path;     // empty: the document as a whole
  std::string message;  // what is wrong and what is allowed
  std::string to_string() const { return path.empty() ? message : path + ": " + message; }
};

// Reusable: parse() again drops what was there and keeps the memory. Not safe for concurrent use.
class JsonDocument {
 public:
  JsonDocument();
  ~JsonDocument();
  JsonDocument(const JsonDocument&) = delete;
  JsonDocument& operator=(const JsonDocument&) = delete;

  // False with a mistake(). `text` is not needed afterwards.
  bool parse(std::string_view text, const JsonLimits& limits);
  const JsonMistake& mistake() const noexcept { return mistake_; }

  const JsonNode& root() const noexcept { return nodes_.front(); }
  // Null if there is none, or if `object` is not an object.
  const JsonNode* member(const JsonNode& object, std::string_view key) const noexcept;
  // The first member or element, and the one after `node`; null at the end.
  const JsonNode* first(const JsonNode& node) const noexcept { return at(node.first); }
  const JsonNode* next(const JsonNode& node) const noexcept { return at(node.next); }
  std::string path(const JsonNode& node) const;
  // Of a member that `object` should have.
  std::string path(const JsonNode& object, std::string_view key) const;

 private:
  class Handler;
  struct Parser;
  const JsonNode* at(std::uint32_t index) const noexcept { return index == JsonNode::kNone ? nullptr : &nodes_[index]; }

  std::vector<JsonNode> nodes_;
  std::string characters_;  // of all texts and keys; never grows while it is viewed
  JsonMistake mistake_;
  std::unique_ptr<Parser> parser_;
};

// "a text", "a number", ...
std::string_view describe(JsonKind kind) noexcept;

}  // namespace facilitator
