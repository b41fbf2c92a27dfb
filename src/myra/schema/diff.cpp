#include "myra/schema/diff.hpp"

#include <algorithm>

#include "myra/schema/type_syntax.hpp"

namespace myra::schema {
namespace {

std::string value_text(const std::optional<std::string>& text) {
  return text ? "'" + *text + "'" : "none";
}

template <class Entry>
const Entry* find_live(const std::vector<Entry>& entries, const std::string& name) {
  const auto found = std::ranges::find_if(
      entries, [&](const Entry& each) { return each.name == name && !each.is_deleted; });
  return found == entries.end() ? nullptr : &*found;
}

class comparer {
 public:
  std::vector<change> compare(const ledger& before, const ledger& after) {
    before_ = &before;
    after_ = &after;
    compare_all(before.messages, after.messages, &ledger_message::id,
                [&](const ledger_message* old, const ledger_message* now) { message(old, now); });
    compare_all(before.enums, after.enums, &ledger_enum::id,
                [&](const ledger_enum* old, const ledger_enum* now) { enumeration(old, now); });
    return std::move(changes_);
  }

 private:
  /// Calls `visit` with the two entries of each number; one of them may be null.
  template <class Entry, class Number, class Visit>
  static void compare_all(const std::vector<Entry>& before, const std::vector<Entry>& after,
                          Number Entry::* number, const Visit& visit) {
    const auto find = [&](const std::vector<Entry>& entries, Number value) {
      const auto found = std::ranges::find(entries, value, number);
      return found == entries.end() ? nullptr : &*found;
    };
    for (const Entry& each : before) visit(&each, find(after, each.*number));
    for (const Entry& each : after)
      if (find(before, each.*number) == nullptr) visit(nullptr, &each);
  }

  void add(std::string what, std::string old_readers, std::string new_readers,
           bool breaks = false) {
    changes_.push_back({std::move(what), std::move(old_readers), std::move(new_readers), breaks});
  }

  static bool is_live(const ledger_entry* entry) { return entry != nullptr && !entry->is_deleted; }

  /// Whether two names are those of one message or enum. Those of other files are taken to be.
  [[nodiscard]] bool is_one_type(const std::string& before, const std::string& after) const {
    if (before == after) return true;
    if (kind_of(before) || kind_of(after)) return false;
    const auto* message = find_live(before_->messages, before);
    const auto* same_message = find_live(after_->messages, after);
    if (message != nullptr || same_message != nullptr)
      return message != nullptr && same_message != nullptr && message->id == same_message->id;
    const auto* one = find_live(before_->enums, before);
    const auto* other = find_live(after_->enums, after);
    return one != nullptr && other != nullptr ? one->id == other->id : one == other;
  }

  [[nodiscard]] bool are_alike(const written_type& before, const written_type& after) const {
    return is_one_type(before.name, after.name) && before.array_count == after.array_count &&
           std::ranges::equal(
               before.parameters, after.parameters,
               [this](const auto& one, const auto& other) { return are_alike(one, other); });
  }

  [[nodiscard]] bool is_renamed_type(const std::string& before, const std::string& after) const {
    const auto one = parse_type(before);
    const auto other = parse_type(after);
    return before != after && one && other && are_alike(*one, *other);
  }

  void renamed(const std::string& shown, const ledger_entry& before, const ledger_entry& after) {
    if (before.name != after.name) tell_renamed(shown + ": renamed from " + before.name);
  }

  void tell_renamed(std::string what) {
    add(std::move(what), "survive: names are not in the bytes",
        "survive; source code that uses the old name must change");
  }

  void message(const ledger_message* before, const ledger_message* after) {
    const ledger_message& shown = after != nullptr ? *after : *before;
    const std::string name = "message " + shown.name + " (" + std::to_string(shown.id) + ")";
    if (!is_live(before) && is_live(after))
      return add(name + ": added", "survive: they do not know it and are not to be sent it",
                 "survive");
    if (is_live(before) && !is_live(after))
      return add(name + ": deleted, its id stays taken", "survive",
                 "survive: do not read it any more");
    if (!is_live(after)) return;
    renamed(name, *before, *after);
    fields(shown.name, before->fields, after->fields, false);
  }

  void fields(const std::string& path, const std::vector<ledger_field>& before,
              const std::vector<ledger_field>& after, bool are_alternatives) {
    compare_all(before, after, &ledger_field::tag,
                [&](const ledger_field* old, const ledger_field* now) {
                  one_field(path, old, now, are_alternatives);
                });
  }

  void one_field(const std::string& path, const ledger_field* before, const ledger_field* after,
                 bool is_alternative) {
    const ledger_field& shown = after != nullptr ? *after : *before;
    const std::string own_path = path + '.' + shown.name;
    const std::string name = own_path + " (" + std::to_string(shown.tag) + ")";
    if (!is_live(before) && is_live(after)) return added(name, shown, is_alternative);
    if (is_live(before) && !is_live(after)) return deleted(name, *before, is_alternative);
    if (!is_live(after)) return;
    renamed(name, *before, *after);
    changed(name, *before, *after);
    fields(own_path, before->fields, after->fields, after->type == "oneof");
  }

  void added(const std::string& name, const ledger_field& shown, bool is_alternative) {
    const std::string what =
        name + ": added, " + std::string(presence_text(shown.given)) + ' ' + shown.type;
    if (is_alternative)
      return add(what, "survive: see none of the alternatives that they know", "survive");
    add(what, "survive: skip it", "survive: see " + unset_text(shown) + " in old messages");
  }

  void deleted(const std::string& name, const ledger_field& shown, bool is_alternative) {
    const std::string what = name + ": deleted, its tag and place stay taken";
    if (is_alternative)
      return add(what, "survive", "survive: see none of the alternatives that they know");
    add(what, "survive: see " + unset_text(shown) + " in new messages", "survive: skip it");
  }

  static std::string unset_text(const ledger_field& shown) {
    if (shown.default_text) return "the default " + value_text(shown.default_text);
    if (shown.given == presence::optional || shown.given == presence::optional_repeated)
      return "it absent";
    if (shown.given == presence::repeated) return "an empty list";
    if (shown.type == "oneof") return "no alternative";
    return "its zero value";
  }

  /// What breaks is refused by the compiler, and comes from a ledger that it did not make from the
  /// other one.
  void changed(const std::string& name, const ledger_field& before, const ledger_field& after) {
    const auto broken = [&](const std::string& what) {
      add(name + ": " + what, "BREAK: read other bytes than were meant",
          "BREAK: read other bytes than were meant", true);
    };
    if (is_renamed_type(before.type, after.type))
      tell_renamed(name + ": type renamed from " + before.type + " to " + after.type);
    else if (before.type != after.type)
      broken("type from " + before.type + " to " + after.type);
    if (before.given != after.given)
      broken("from " + std::string(presence_text(before.given)) + " to " +
             std::string(presence_text(after.given)));
    if (before.fixed_capacity != after.fixed_capacity)
      broken("fixed_capacity from " + std::to_string(before.fixed_capacity) + " to " +
             std::to_string(after.fixed_capacity));
    if (!(before.placed == after.placed)) broken("another place in the bytes");
    if (before.default_text != after.default_text)
      add(name + ": default from " + value_text(before.default_text) + " to " +
              value_text(after.default_text),
          "survive: see " + value_text(before.default_text) + " where it is not given",
          "survive: see " + value_text(after.default_text) + " where it is not given");
  }

  void enumeration(const ledger_enum* before, const ledger_enum* after) {
    const ledger_enum& shown = after != nullptr ? *after : *before;
    const std::string name = "enum " + shown.name + " (" + std::to_string(shown.id) + ")";
    if (!is_live(before) && is_live(after)) return add(name + ": added", "survive", "survive");
    if (is_live(before) && !is_live(after))
      return add(name + ": deleted, its id stays taken", "survive", "survive");
    if (!is_live(after)) return;
    renamed(name, *before, *after);
    if (before->underlying != after->underlying)
      add(name + ": type from " + before->underlying + " to " + after->underlying,
          "BREAK: read other bytes than were meant", "BREAK: read other bytes than were meant",
          true);
    compare_all(
        before->values, after->values, &ledger_value::number,
        [&](const ledger_value* old, const ledger_value* now) { value(shown.name, old, now); });
  }

  void value(const std::string& path, const ledger_value* before, const ledger_value* after) {
    const ledger_value& shown = after != nullptr ? *after : *before;
    const std::string name = path + '.' + shown.name + " (" + std::to_string(shown.number) + ")";
    if (!is_live(before) && is_live(after))
      return add(name + ": added", "survive: keep it as a value without a name", "survive");
    if (is_live(before) && !is_live(after))
      return add(name + ": deleted, its id stays taken", "survive",
                 "survive: keep it as a value without a name");
    if (is_live(after)) renamed(name, *before, *after);
  }

  const ledger* before_ = nullptr;
  const ledger* after_ = nullptr;
  std::vector<change> changes_;
};

}  // namespace

std::vector<change> changes_between(const ledger& before, const ledger& after) {
  return comparer().compare(before, after);
}

std::string text_of(const std::vector<change>& changes) {
  std::string text;
  for (const change& each : changes)
    text += each.what + "\n  old readers, new messages: " + each.old_readers +
            "\n  new readers, old messages: " + each.new_readers + '\n';
  return text;
}

}  // namespace myra::schema
