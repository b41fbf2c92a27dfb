#include "myra/schema/yaml_tree.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>
#include <unordered_set>
#include <utility>

#include "myra/schema/utf8.hpp"

namespace myra::schema {
namespace {

/// Thrown out of the events to end the reading: a limit was met.
struct limit_met {
  position at;
  std::string what;
  std::string right;
};

/// Builds the tree from the events of yaml-cpp.
class tree_builder : public YAML::EventHandler {
 public:
  tree_builder(std::uint32_t file, diagnostics& errors, const yaml_limits& limits)
      : file_(file), errors_(errors), limits_(limits) {}

  /// What was read; where an error ended the reading, what is open is closed as it is.
  yaml_node take_root() {
    for (; !open_.empty(); open_.pop_back()) {
      if (open_.size() == 1) {
        root_ = std::move(open_.front().node);
      } else if (unfinished& parent = open_[open_.size() - 2]; parent.has_key) {
        parent.node.items.back() = std::move(open_.back().node);
      } else if (parent.node.kind == yaml_kind::sequence) {
        parent.node.items.push_back(std::move(open_.back().node));
      }
    }
    return std::move(root_);
  }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    refuse_anchor(mark, anchor);
    add({.kind = yaml_kind::null, .at = place(mark)});
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    errors_.error(place(mark), "an alias (*name) is not part of the schema language",
                  "write the value out");
    add({.kind = yaml_kind::null, .at = place(mark)});
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_tag(mark, tag);
    refuse_anchor(mark, anchor);
    add({.kind = yaml_kind::scalar, .is_quoted = tag == "!", .at = place(mark), .text = value});
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(yaml_kind::sequence, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(yaml_kind::mapping, mark, tag, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  /// A sequence or mapping whose end has not come.
  struct unfinished {
    yaml_node node;
    bool has_key = false;  ///< A mapping: the last key waits for its value.
    std::unordered_set<std::string> keys = {};
  };

  [[nodiscard]] position place(const YAML::Mark& mark) const {
    return {file_, static_cast<std::uint32_t>(mark.line + 1),
            static_cast<std::uint32_t>(mark.column + 1)};
  }

  void refuse_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != 0)
      errors_.error(place(mark), "an anchor (&name) is not part of the schema language",
                    "leave it out and write values out where they are used");
  }

  void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    if (tag.size() > 1)
      errors_.error(place(mark),
                    "a tag (" + in_quotes(tag) + ") is not part of the schema language",
                    "leave it out");
  }

  void open(yaml_kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    refuse_tag(mark, tag);
    refuse_anchor(mark, anchor);
    if (open_.size() >= limits_.depth_max) {
      throw limit_met{place(mark),
                      "nested deeper than " + std::to_string(limits_.depth_max) + " levels",
                      "no schema needs that"};
    }
    open_.push_back({.node = {.kind = kind, .at = place(mark)}});
  }

  void close() {
    unfinished done = std::move(open_.back());
    open_.pop_back();
    add(std::move(done.node));
  }

  void add(yaml_node node) {
    if (++node_count_ > limits_.node_count_max) {
      throw limit_met{node.at,
                      "more than " + std::to_string(limits_.node_count_max) + " values in one file",
                      "divide it with imports"};
    }
    if (open_.empty()) {
      root_ = std::move(node);
    } else if (unfinished& parent = open_.back(); parent.node.kind == yaml_kind::sequence) {
      parent.node.items.push_back(std::move(node));
    } else if (parent.has_key) {
      parent.node.items.back() = std::move(node);
      parent.has_key = false;
    } else {
      add_key(parent, node);
    }
  }

  void add_key(unfinished& mapping, yaml_node& node) {
    if (node.kind != yaml_kind::scalar)
      errors_.error(node.at, "a key is a word, found something else", "write 'key: value'");
    else if (!mapping.keys.insert(node.text).second)
      errors_.error(node.at, "key " + in_quotes(node.text) + " is given twice",
                    "keep one of the two");
    mapping.node.keys.push_back({std::move(node.text), node.at});
    mapping.node.items.push_back({.at = node.at});
    mapping.has_key = true;
  }

  std::uint32_t file_;
  diagnostics& errors_;
  const yaml_limits& limits_;
  std::vector<unfinished> open_;
  yaml_node root_;
  std::size_t node_count_ = 0;
};

std::string hint(const std::string& what) {
  if (what.find("illegal map value") != std::string::npos)
    return "put a text that has ': ' in it into quotes, and indent alike what belongs together";
  if (what.find("end of map") != std::string::npos || what.find("end of seq") != std::string::npos)
    return "look at the indentation and for an unclosed bracket or quote";
  if (what.find("tab") != std::string::npos) return "indent with spaces";
  return "this is not YAML; see docs/schema.md for what a schema looks like";
}

void tell(const YAML::Exception& wrong, std::uint32_t file, diagnostics& errors) {
  const position at{file, static_cast<std::uint32_t>(std::max(wrong.mark.line, 0) + 1),
                    static_cast<std::uint32_t>(std::max(wrong.mark.column, 0) + 1)};
  errors.error(at, wrong.msg, hint(wrong.msg));
}

void read_documents(std::string_view text, std::uint32_t file, tree_builder& tree,
                    diagnostics& errors, const yaml_limits& limits) {
  std::istringstream stream{std::string(text)};
  YAML::Parser parser(stream);
  if (!parser.HandleNextDocument(tree)) return;
  diagnostics unheard;
  tree_builder second(file, unheard, limits);
  if (parser.HandleNextDocument(second)) {
    const yaml_node root = second.take_root();
    errors.error({file, root.at.line, root.at.column}, "a second document in one file",
                 "give it a file of its own and import that");
  }
}

/// yaml-cpp holds several hundred bytes for each character of a line of brackets: hence the limit
/// on lines.
bool sizes_are_bearable(std::string_view text, std::uint32_t file, diagnostics& errors,
                        const yaml_limits& limits) {
  if (text.size() > limits.size_max_bytes) {
    errors.error({file, 1, 1},
                 "the file has " + std::to_string(text.size()) + " bytes, more than the limit of " +
                     std::to_string(limits.size_max_bytes),
                 "divide it with imports");
    return false;
  }
  std::uint32_t line = 1;
  for (std::size_t at = 0; at < text.size(); ++line) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    if (end - at > limits.line_size_max_bytes) {
      errors.error({file, line, 1},
                   "a line of " + std::to_string(end - at) + " bytes, more than the limit of " +
                       std::to_string(limits.line_size_max_bytes),
                   "break it");
      return false;
    }
    at = end + 1;
  }
  return true;
}

/// Where the byte of that number stands. Columns count characters.
position place_of(std::string_view text, std::size_t at, std::uint32_t file) {
  const std::string_view before = text.substr(0, at);
  const std::size_t line_at = before.rfind('\n') + 1;  // 0 where there is none.
  const auto characters = std::ranges::count_if(before.substr(line_at),
                                                [](char each) { return (each & 0xc0) != 0x80; });
  return {file, static_cast<std::uint32_t>(std::ranges::count(before, '\n') + 1),
          static_cast<std::uint32_t>(characters + 1)};
}

/// yaml-cpp would take other encodings, and put something else where there is none of them.
bool is_plain_text(std::string_view text, std::uint32_t file, diagnostics& errors) {
  const auto hex = [&](std::size_t at) {
    constexpr std::string_view digits = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(text[at]);
    return std::string{digits[byte >> 4], digits[byte & 15]};
  };
  const std::size_t good = utf8_size(text);
  const auto is_control = [](char each) {
    return static_cast<unsigned char>(each) < ' ' && each != '\n' && each != '\r' && each != '\t';
  };
  const auto control = static_cast<std::size_t>(
      std::ranges::find_if(text.substr(0, good), is_control) - text.begin());
  if (control < good)
    errors.error(place_of(text, control, file), "a control character (byte " + hex(control) + ")",
                 "leave it out");
  else if (good < text.size())
    errors.error(place_of(text, good, file), "the file is not UTF-8 (byte " + hex(good) + ")",
                 "save it as UTF-8");
  return good == text.size() && control == good;
}

}  // namespace

const yaml_node* find_value(const yaml_node& mapping, std::string_view key) {
  const auto found = std::ranges::find(mapping.keys, key, &yaml_key::text);
  if (found == mapping.keys.end()) return nullptr;
  return &mapping.items[static_cast<std::size_t>(found - mapping.keys.begin())];
}

yaml_node read_yaml(std::string_view text, std::uint32_t file, diagnostics& errors,
                    const yaml_limits& limits) {
  if (!sizes_are_bearable(text, file, errors, limits) || !is_plain_text(text, file, errors))
    return {};
  tree_builder tree(file, errors, limits);
  try {
    read_documents(text, file, tree, errors, limits);
  } catch (const limit_met& limit) {
    errors.error(limit.at, limit.what, limit.right);
  } catch (const YAML::Exception& wrong) {
    tell(wrong, file, errors);
  }
  return tree.take_root();
}

}  // namespace myra::schema
