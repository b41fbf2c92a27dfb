#include "myra/schema/type_syntax.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "myra/schema/diagnostics.hpp"

namespace myra::schema {
namespace {

using failed = std::unexpected<std::string>;

constexpr std::size_t text_size_max = 1000;

class type_reader {
 public:
  explicit type_reader(std::string_view text) : rest_(text) {}

  std::expected<written_type, std::string> read_all() {
    auto made = read(0);
    if (!made) return made;
    skip_spaces();
    if (!rest_.empty())
      return failed("unexpected " + in_quotes(rest_) +
                    " after the type; a type is a name, name[COUNT] "
                    "or map<KEY, VALUE>");
    return made;
  }

 private:
  std::expected<written_type, std::string> read(int depth) {
    written_type made;
    made.name = std::string(take_name());
    if (made.name.empty())
      return failed("a type is missing" + (rest_.empty() ? "" : " at " + in_quotes(rest_)) +
                    "; a type is a name, name[COUNT] or map<KEY, VALUE>");
    if (take('<')) {
      if (made.name != "map")
        return failed(
            "only a map has its types in < and >; a list is its element with "
            "'repeated: true', an array name[COUNT]");
      if (depth > 0) return failed("a map within a map; wrap the inner one in a message");
      if (auto read = read_parameters(made); !read) return failed(read.error());
    }
    if (take('[')) {
      if (auto read = read_count(made); !read) return failed(read.error());
    }
    return made;
  }

  std::expected<void, std::string> read_parameters(written_type& made) {
    do {
      auto parameter = read(1);
      if (!parameter) return failed(parameter.error());
      made.parameters.push_back(std::move(*parameter));
      if (made.parameters.size() > 2) break;
    } while (take(','));
    if (made.parameters.size() != 2 || !take('>'))
      return failed("a map needs a key and a value; write map<KEY, VALUE>");
    return {};
  }

  std::expected<void, std::string> read_count(written_type& made) {
    skip_spaces();
    std::uint64_t count = 0;
    const auto [end, wrong] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), count);
    if (wrong != std::errc())
      return failed(
          "an array needs a count between [ and ]; for a list of any length write "
          "'repeated: true'");
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    if (!take(']')) return failed("']' is missing after the count of an array; write name[COUNT]");
    made.array_count = count;
    return {};
  }

  void skip_spaces() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t'))
      rest_.remove_prefix(1);
  }

  bool take(char wanted) {
    skip_spaces();
    if (rest_.empty() || rest_.front() != wanted) return false;
    rest_.remove_prefix(1);
    return true;
  }

  std::string_view take_name() {
    skip_spaces();
    const std::size_t end = std::min(rest_.find_first_of("<>[],  \t"), rest_.size());
    const std::string_view name = rest_.substr(0, end);
    rest_.remove_prefix(end);
    return name;
  }

  std::string_view rest_;
};

}  // namespace

std::expected<written_type, std::string> parse_type(std::string_view text) {
  if (text.size() > text_size_max)
    return failed("a type of " + std::to_string(text.size()) + " letters; at most " +
                  std::to_string(text_size_max));
  return type_reader(text).read_all();
}

std::optional<type_kind> kind_of(std::string_view name) {
  if (name == "timestamp") return type_kind::timestamp_nanos;
  if (name == "group") return type_kind::message;
  for (int each = 0; each <= static_cast<int>(type_kind::oneof); ++each) {
    const auto kind = static_cast<type_kind>(each);
    if (kind == type_kind::enumeration || kind == type_kind::message) continue;
    if (kind_name(kind) == name) return kind;
  }
  return std::nullopt;
}

std::vector<std::string> kind_words() {
  std::vector<std::string> words = {"group", "timestamp"};
  for (int each = 0; each <= static_cast<int>(type_kind::oneof); ++each) {
    const auto kind = static_cast<type_kind>(each);
    if (kind != type_kind::enumeration && kind != type_kind::message)
      words.emplace_back(kind_name(kind));
  }
  return words;
}

}  // namespace myra::schema
