// read_ledger: the text of a ledger, with all that may be wrong with it.
#include <algorithm>
#include <array>
#include <charconv>
#include <span>
#include <utility>

#include "myra/schema/ledger.hpp"
#include "myra/schema/parse.hpp"
#include "myra/schema/type_syntax.hpp"

namespace myra::schema {
namespace {

constexpr std::size_t path_size_max = group_depth_max + 4;

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = text.find(at);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

template <class Number>
std::optional<Number> number_of(std::string_view text) {
  Number value = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (wrong != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::uint32_t> number_up_to(std::string_view text, std::uint32_t greatest) {
  const auto value = number_of<std::uint32_t>(text);
  return value && *value <= greatest ? value : std::nullopt;
}

std::optional<std::string> unescaped(std::string_view text) {
  std::string made;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      made += text[i];
      continue;
    }
    unsigned value = 0;
    if (i + 2 >= text.size()) return std::nullopt;
    const auto [end, wrong] = std::from_chars(text.data() + i + 1, text.data() + i + 3, value, 16);
    if (wrong != std::errc() || end != text.data() + i + 3) return std::nullopt;
    made += static_cast<char>(value);
    i += 2;
  }
  return made;
}

std::optional<presence> presence_of(std::string_view text) {
  for (int each = 0; each <= static_cast<int>(presence::optional_repeated); ++each)
    if (presence_text(static_cast<presence>(each)) == text) return static_cast<presence>(each);
  return std::nullopt;
}

class ledger_reader {
 public:
  ledger_reader(std::uint32_t file, diagnostics& errors) : file_(file), errors_(errors) {}

  ledger read(std::string_view text) {
    if (text.size() > size_max_bytes) {
      refuse("the ledger is larger than " + std::to_string(size_max_bytes) + " bytes", "");
      return {};
    }
    for (const std::string_view line : split(text, '\n')) {
      ++line_;
      if (errors_.full() || !read_line(line)) return {};
    }
    if (!has_head_ && errors_.empty()) refuse("not a ledger", "its first words are 'myra-lock 1'");
    return std::move(made_);
  }

 private:
  static constexpr std::size_t size_max_bytes = 4u << 20;

  void refuse(std::string what, std::string right) {
    errors_.error({file_, std::max(line_, 1u), 1}, std::move(what), std::move(right));
  }
  bool malformed() {
    refuse("this line cannot be understood",
           "restore it from version control, or delete it and run myrac lock");
    return true;
  }

  /// Whether reading goes on.
  bool read_line(std::string_view line) {
    for (const std::string_view mark : {"<<<<<<<", "=======", ">>>>>>>", "|||||||"}) {
      if (!line.starts_with(mark)) continue;
      refuse(
          "a merge conflict that is not resolved",
          "keep the lines of both branches; where two have the same id, delete the line of the one "
          "that is not released yet; then run myrac lock");
      return false;
    }
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || line.starts_with('#')) return true;
    const std::vector<std::string_view> words = split(line, ' ');
    if (!has_head_) {
      has_head_ = line == "myra-lock 1";
      if (!has_head_)
        refuse("not a ledger of a version that this myrac knows",
               "its first words are 'myra-lock 1'; a newer myrac may know more");
      return has_head_;
    }
    if (words.size() < 3) return malformed();
    if (words[0] == "message") return read_message(words);
    if (words[0] == "field") return read_field(words);
    if (words[0] == "enum") return read_enum(words);
    if (words[0] == "value") return read_value(words);
    return malformed();
  }

  /// Tells of two entries with one number; says whether there are.
  template <class Entry>
  bool is_taken(const std::vector<Entry>& entries, auto number, auto value, std::string_view what,
                std::string_view name) {
    const auto found = std::ranges::find(entries, value, number);
    if (found == entries.end()) return false;
    refuse(std::string(what) + " of " + in_quotes(name) + " is that of " + in_quotes(found->name) +
               " in line " + std::to_string(found->line),
           "two branches took it: delete the line of the one that is not released yet and run "
           "myrac lock");
    return true;
  }

  template <class Entry>
  bool is_name_taken(const std::vector<Entry>& entries, std::string_view name) {
    const auto found = std::ranges::find(entries, name, &ledger_entry::name);
    if (found == entries.end()) return false;
    refuse("the name " + in_quotes(name) + " is taken by line " + std::to_string(found->line),
           "keep one of the two lines");
    return true;
  }

  bool read_message(std::span<const std::string_view> words) {
    ledger_message made;
    const auto id = number_up_to(words[1], id_max);
    if (!id || *id == 0 || !set_entry(made, words[2])) return malformed();
    made.id = *id;
    for (const std::string_view word : words.subspan(3))
      if (!set_base(made.base, word) && !set_option(made, word)) return malformed();
    if (!is_taken(made_.messages, &ledger_message::id, *id, "id " + std::to_string(*id),
                  made.name) &&
        !is_name_taken(made_.messages, made.name))
      made_.messages.push_back(std::move(made));
    return true;
  }

  bool read_field(std::span<const std::string_view> words) {
    ledger_field made;
    std::vector<ledger_field>* scope = scope_of(words[1], made.tag);
    if (scope == nullptr || words.size() < 5 || !set_entry(made, words[2])) return malformed();
    const auto given = presence_of(words[4]);
    if (!given || !parse_type(words[3])) return malformed();
    made.type = words[3];
    made.given = *given;
    for (const std::string_view word : words.subspan(5))
      if (!set_field_option(made, word) && !set_option(made, word)) return malformed();
    if ((made.placed.offset_bytes == placement::none) != (made.placed.size_bytes == 0))
      return malformed();
    if (!is_taken(*scope, &ledger_field::tag, made.tag, "tag " + std::to_string(made.tag),
                  made.name) &&
        !is_name_taken(*scope, made.name) && !is_place_taken(*scope, made))
      scope->push_back(std::move(made));
    return true;
  }

  /// The fields among which the path "MESSAGE.TAG.TAG" stands, and its last tag.
  std::vector<ledger_field>* scope_of(std::string_view path, std::uint32_t& tag) {
    const std::vector<std::string_view> parts = split(path, '.');
    if (parts.size() < 2 || parts.size() > path_size_max) return nullptr;
    const auto id = number_of<std::uint32_t>(parts[0]);
    if (!id || made_.messages.empty() || made_.messages.back().id != *id) return nullptr;
    std::vector<ledger_field>* scope = &made_.messages.back().fields;
    for (std::size_t i = 1; i < parts.size(); ++i) {
      const auto number = number_up_to(parts[i], tag_max);
      if (!number || *number == 0) return nullptr;
      tag = *number;
      if (i + 1 == parts.size()) return scope;
      if (scope->empty() || scope->back().tag != tag) return nullptr;
      scope = &scope->back().fields;
    }
    return nullptr;
  }

  bool is_place_taken(const std::vector<ledger_field>& scope, const ledger_field& made) {
    for (const ledger_field& each : scope) {
      if (!overlap(each.placed, made.placed)) continue;
      refuse("field " + in_quotes(made.name) + " lies where " + in_quotes(each.name) + " of line " +
                 std::to_string(each.line) + " lies",
             "two branches added them: delete the line of the one that is not released yet and run "
             "myrac lock");
      return true;
    }
    return false;
  }

  static bool overlap(const placement& left, const placement& right) {
    if (left.slot != placement::none && left.slot == right.slot) return true;
    const auto bits_of = [](const placement& placed) {
      const std::pair<std::uint64_t, std::uint64_t> bytes =
          placed.offset_bytes == placement::none
              ? std::pair<std::uint64_t, std::uint64_t>{0, 0}
              : std::pair<std::uint64_t, std::uint64_t>{
                    8ull * placed.offset_bytes, 8ull * (placed.offset_bytes + placed.size_bytes)};
      const auto bit = [](std::uint32_t at) {
        return at == placement::none ? std::pair<std::uint64_t, std::uint64_t>{0, 0}
                                     : std::pair<std::uint64_t, std::uint64_t>{at, at + 1ull};
      };
      return std::array{bytes, bit(placed.bit), bit(placed.value_bit)};
    };
    for (const auto& [left_begin, left_end] : bits_of(left))
      for (const auto& [right_begin, right_end] : bits_of(right))
        if (std::max(left_begin, right_begin) < std::min(left_end, right_end)) return true;
    return false;
  }

  bool read_enum(std::span<const std::string_view> words) {
    ledger_enum made;
    const auto id = number_up_to(words[1], id_max);
    if (!id || *id == 0 || words.size() < 4 || !set_entry(made, words[2])) return malformed();
    const auto kind = kind_of(words[3]);
    if (!kind || *kind < type_kind::int8 || *kind > type_kind::uint64) return malformed();
    made.id = *id;
    made.underlying = words[3];
    for (const std::string_view word : words.subspan(4))
      if (!set_option(made, word)) return malformed();
    if (!is_taken(made_.enums, &ledger_enum::id, *id, "id " + std::to_string(*id), made.name) &&
        !is_name_taken(made_.enums, made.name))
      made_.enums.push_back(std::move(made));
    return true;
  }

  bool read_value(std::span<const std::string_view> words) {
    ledger_value made;
    const std::vector<std::string_view> path = split(words[1], ':');
    const auto id = number_of<std::uint32_t>(path[0]);
    const bool has_enum = id && !made_.enums.empty() && made_.enums.back().id == *id;
    if (!has_enum || path.size() != 2 || !set_entry(made, words[2])) return malformed();
    ledger_enum& target = made_.enums.back();
    const auto plain = number_of<std::int64_t>(path[1]);
    const auto large = number_of<std::uint64_t>(path[1]);
    if (!plain && !(large && target.underlying == "uint64")) return malformed();
    made.number = plain ? *plain : static_cast<std::int64_t>(*large);
    for (const std::string_view word : words.subspan(3))
      if (!set_option(made, word)) return malformed();
    if (!is_taken(target.values, &ledger_value::number, made.number, "id " + std::string(path[1]),
                  made.name) &&
        !is_name_taken(target.values, made.name))
      target.values.push_back(std::move(made));
    return true;
  }

  bool set_entry(ledger_entry& made, std::string_view name) {
    made.name = name;
    made.line = line_;
    return !name.empty();
  }

  static bool set_option(ledger_entry& made, std::string_view word) {
    if (word == "deleted") {
      made.is_deleted = true;
      return true;
    }
    if (!word.starts_with("aliases=")) return false;
    for (const std::string_view alias : split(word.substr(8), ','))
      made.aliases.emplace_back(alias);
    return true;
  }

  static bool set_base(std::optional<base_shape>& base, std::string_view word) {
    if (!word.starts_with("base=")) return false;
    const std::vector<std::string_view> parts = split(word.substr(5), ',');
    if (parts.size() != 2) return false;
    const auto size = number_up_to(parts[0], 65535);
    const auto count = number_up_to(parts[1], 255);
    if (!size || !count) return false;
    base = base_shape{*size, *count};
    return true;
  }

  static bool set_field_option(ledger_field& made, std::string_view word) {
    const std::size_t end = word.find('=');
    if (end == std::string_view::npos) return false;
    const std::string_view key = word.substr(0, end);
    const std::string_view value = word.substr(end + 1);
    if (key == "base") return set_base(made.base, word);
    if (key == "default") {
      made.default_text = unescaped(value);
      return made.default_text.has_value();
    }
    const struct {
      std::string_view key;
      std::uint32_t& target;
      std::uint32_t greatest;
    } numbers[] = {{"offset", made.placed.offset_bytes, 65535},
                   {"size", made.placed.size_bytes, 65535},
                   {"slot", made.placed.slot, 254},
                   {"bit", made.placed.bit, 65535 * 8},
                   {"value_bit", made.placed.value_bit, 65535 * 8},
                   {"capacity", made.fixed_capacity, fixed_capacity_max}};
    for (const auto& each : numbers) {
      if (each.key != key) continue;
      const auto number = number_up_to(value, each.greatest);
      if (number) each.target = *number;
      return number.has_value();
    }
    return false;
  }

  std::uint32_t file_;
  diagnostics& errors_;
  std::uint32_t line_ = 0;
  bool has_head_ = false;
  ledger made_;
};

}  // namespace

ledger read_ledger(std::string_view text, std::uint32_t file, diagnostics& errors) {
  return ledger_reader(file, errors).read(text);
}

}  // namespace myra::schema
