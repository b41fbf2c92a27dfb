#include "myra/schema/json_input.hpp"

#include <functional>
#include <unordered_set>
#include <vector>

#include "myra/schema/diagnostics.hpp"

namespace myra::schema {
namespace {

using json = message_json;

/// Whether brackets nest no deeper than that.
bool depth_is_bearable(std::string_view text, std::size_t depth_max) {
  std::size_t depth = 0;
  bool is_in_text = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_in_text) {
      if (text[i] == '\\')
        ++i;
      else if (text[i] == '"')
        is_in_text = false;
    } else if (text[i] == '"') {
      is_in_text = true;
    } else if (text[i] == '{' || text[i] == '[') {
      if (++depth > depth_max) return false;
    } else if ((text[i] == '}' || text[i] == ']') && depth > 0) {
      --depth;
    }
  }
  return true;
}

/// Refuses an object that has a key twice: one of the values would be lost.
class key_checker {
 public:
  bool operator()(int, json::parse_event_t event, json& parsed) {
    if (event == json::parse_event_t::object_start) open_.emplace_back();
    if (event == json::parse_event_t::object_end && !open_.empty()) open_.pop_back();
    if (event == json::parse_event_t::key && !open_.empty() &&
        !open_.back().insert(parsed.get<std::string>()).second && twice.empty())
      twice = parsed.get<std::string>();
    return true;
  }

  std::string twice;

 private:
  std::vector<std::unordered_set<std::string>> open_;
};

}  // namespace

std::expected<message_json, std::string> read_json(std::string_view text, std::size_t depth_max) {
  if (!depth_is_bearable(text, depth_max)) return std::unexpected("the JSON is nested too deep");
  key_checker keys;
  try {
    json parsed = json::parse(text, std::ref(keys));
    if (keys.twice.empty()) return parsed;
    return std::unexpected("key " + in_quotes(keys.twice) + " is given twice in one object");
  } catch (const json::exception& wrong) {
    return std::unexpected("not JSON: " + std::string(wrong.what()));
  }
}

}  // namespace myra::schema
