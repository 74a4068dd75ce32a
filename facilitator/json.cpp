#include "facilitator/json.h"

#include <boost/json/basic_parser_impl.hpp>

namespace facilitator {
namespace {

// The parser's own bound; deeper documents are refused by the handler, which knows the path.
constexpr std::size_t kParserDepth = 1024;

std::string sentence_of(const boost::system::error_code& failure) {
  using boost::json::error;
  if (failure == error::incomplete) return "the text ends in the middle of a value";
  if (failure == error::extra_data) return "there is more text after the value";
  if (failure == error::syntax) return "this is not JSON";
  if (failure == error::expected_utf16_escape || failure == error::illegal_leading_surrogate ||
      failure == error::illegal_trailing_surrogate)
    return "an escape of the form \\uXXXX is broken";
  return "this is not JSON: " + failure.message();
}

}  // namespace

std::string_view describe(JsonKind kind) noexcept {
  switch (kind) {
    case JsonKind::null: return "null";
    case JsonKind::boolean: return "true or false";
    case JsonKind::number: return "a number";
    case JsonKind::text: return "a text";
    case JsonKind::array: return "a list";
    case JsonKind::object: return "an object";
  }
  return "a value";
}

// What boost::json::basic_parser calls while it reads. Returning false with an error code ends the parse.
class JsonDocument::Handler {
 public:
  static constexpr std::size_t max_object_size = std::size_t(-1);
  static constexpr std::size_t max_array_size = std::size_t(-1);
  static constexpr std::size_t max_key_size = std::size_t(-1);
  static constexpr std::size_t max_string_size = std::size_t(-1);
  using Code = boost::json::error_code;
  using Text = boost::json::string_view;

  explicit Handler(JsonDocument& out) : out_(out) {}
  void begin(const JsonLimits& limits) {
    limits_ = limits;
    open_ = last_ = JsonNode::kNone;
    depth_ = 0;
    token_ = 0;
    key_ = {};
  }

  bool on_document_begin(Code&) { return true; }
  bool on_document_end(Code&) { return true; }
  bool on_object_begin(Code& failure) { return enter(JsonKind::object, failure); }
  bool on_object_end(std::size_t, Code&) { return leave(); }
  bool on_array_begin(Code& failure) { return enter(JsonKind::array, failure); }
  bool on_array_end(std::size_t, Code&) { return leave(); }
  bool on_key_part(Text part, std::size_t, Code&) { return collect(part); }
  bool on_key(Text part, std::size_t, Code& failure) {
    collect(part);
    key_ = token();
    const JsonNode& object = out_.nodes_[open_];
    if (object.count >= limits_.members)
      return refuse(out_.path(object), "too many members; allowed: at most " + std::to_string(limits_.members),
                    failure);
    if (out_.member(object, key_) == nullptr) return true;
    return refuse(out_.path(object, key_), "the key occurs twice", failure);
  }
  bool on_string_part(Text part, std::size_t, Code&) { return collect(part); }
  bool on_string(Text part, std::size_t, Code& failure) {
    collect(part);
    return add(JsonKind::text, token(), failure) != nullptr;
  }
  bool on_number_part(Text part, Code&) { return collect(part); }
  template <typename Number>
  bool on_number(Number, Text part, Code& failure) {
    collect(part);
    return add(JsonKind::number, token(), failure) != nullptr;
  }
  bool on_int64(std::int64_t value, Text part, Code& failure) { return on_number(value, part, failure); }
  bool on_uint64(std::uint64_t value, Text part, Code& failure) { return on_number(value, part, failure); }
  template <typename Number>
  bool on_double(Number value, Text part, Code& failure) {
    return on_number(value, part, failure);
  }
  bool on_bool(bool value, Code& failure) {
    JsonNode* node = add(JsonKind::boolean, {}, failure);
    if (node != nullptr) node->boolean = value;
    return node != nullptr;
  }
  bool on_null(Code& failure) { return add(JsonKind::null, {}, failure) != nullptr; }
  bool on_comment_part(Text, Code&) { return false; }
  bool on_comment(Text, Code&) { return false; }

  // Of the array or object that was being read.
  std::string place() const { return open_ == JsonNode::kNone ? std::string() : out_.path(out_.nodes_[open_]); }

 private:
  bool collect(Text part) {
    out_.characters_.append(part.data(), part.size());
    return true;
  }
  // What was collected since the last token. The buffer was reserved for the whole document: views stay.
  std::string_view token() {
    const std::string_view all = out_.characters_;
    const std::string_view result = all.substr(token_);
    token_ = all.size();
    return result;
  }
  bool refuse(std::string path, std::string message, Code& failure) {
    out_.mistake_ = {std::move(path), std::move(message)};
    failure = boost::json::error::syntax;
    return false;
  }

  JsonNode* add(JsonKind kind, std::string_view text, Code& failure) {
    std::vector<JsonNode>& nodes = out_.nodes_;
    if (nodes.size() >= limits_.nodes) {
      refuse({}, "too many values; allowed: at most " + std::to_string(limits_.nodes), failure);
      return nullptr;
    }
    const auto index = static_cast<std::uint32_t>(nodes.size());
    JsonNode& node = nodes.emplace_back();
    node.kind = kind;
    node.parent = open_;
    node.key = key_;
    node.text = text;
    if (last_ != JsonNode::kNone) {
      nodes[last_].next = index;
    } else if (open_ != JsonNode::kNone) {
      nodes[open_].first = index;
    }
    if (open_ != JsonNode::kNone) ++nodes[open_].count;
    last_ = index;
    key_ = {};
    return &node;
  }

  bool enter(JsonKind kind, Code& failure) {
    if (add(kind, {}, failure) == nullptr) return false;
    if (++depth_ > limits_.depth)
      return refuse(out_.path(out_.nodes_.back()),
                    "nested too deeply; allowed: at most " + std::to_string(limits_.depth) + " levels", failure);
    open_ = last_;
    last_ = JsonNode::kNone;
    return true;
  }
  bool leave() {
    --depth_;
    last_ = open_;
    open_ = out_.nodes_[open_].parent;
    return true;
  }

  JsonDocument& out_;
  JsonLimits limits_;
  std::uint32_t open_ = JsonNode::kNone;  // the array or object that is being filled
  std::uint32_t last_ = JsonNode::kNone;  // its last child so far
  std::size_t depth_ = 0;
  std::size_t token_ = 0;
  std::string_view key_;
};

struct JsonDocument::Parser {
  explicit Parser(JsonDocument& document) : parser(options(), document) {}
  static boost::json::parse_options options() {
    boost::json::parse_options result;
    result.max_depth = kParserDepth;
    return result;
  }
  boost::json::basic_parser<Handler> parser;
};

JsonDocument::JsonDocument() : parser_(std::make_unique<Parser>(*this)) {}
JsonDocument::~JsonDocument() = default;

bool JsonDocument::parse(std::string_view text, const JsonLimits& limits) {
  nodes_.clear();
  characters_.clear();
  characters_.reserve(text.size());
  mistake_ = {};
  parser_->parser.reset();
  parser_->parser.handler().begin(limits);
  boost::json::error_code failure;
  std::size_t read = parser_->parser.write_some(false, text.data(), text.size(), failure);
  while (!failure && read < text.size() && std::string_view(" \t\r\n").find(text[read]) != std::string_view::npos)
    ++read;
  if (!failure && read < text.size()) failure = boost::json::error::extra_data;
  if (!failure) return true;
  if (mistake_.message.empty()) mistake_ = {parser_->parser.handler().place(), sentence_of(failure)};
  return false;
}

const JsonNode* JsonDocument::member(const JsonNode& object, std::string_view key) const noexcept {
  if (object.kind != JsonKind::object) return nullptr;
  for (const JsonNode* node = first(object); node != nullptr; node = next(*node))
    if (node->key == key) return node;
  return nullptr;
}

std::string JsonDocument::path(const JsonNode& node) const {
  if (node.parent == JsonNode::kNone) return {};
  const JsonNode& parent = nodes_[node.parent];
  if (parent.kind == JsonKind::object) return path(parent, node.key);
  std::size_t index = 0;
  for (const JsonNode* other = first(parent); other != nullptr && other != &node; other = next(*other)) ++index;
  return path(parent) + "[" + std::to_string(index) + "]";
}

std::string JsonDocument::path(const JsonNode& object, std::string_view key) const {
  // A key is the sender's text: cut, so that an answer stays small.
  constexpr std::size_t kKeyShown = 64;
  std::string result = path(object);
  if (!result.empty()) result += '.';
  result += key.size() <= kKeyShown ? std::string(key) : std::string(key.substr(0, kKeyShown)) + "...";
  return result;
}

}  // namespace facilitator
