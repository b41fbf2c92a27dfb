#include "myra/schema/recursion.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace myra::schema {
namespace {

enum class colour : std::uint8_t { unseen, open, done };

/// Walks the required fields depth first, with a stack of its own: chains may be long.
class walker {
 public:
  walker(const model& schema, diagnostics& errors)
      : schema_(schema), errors_(errors), colours_(schema.messages.size(), colour::unseen) {}

  void walk() {
    for (std::uint32_t i = 0; i < schema_.messages.size(); ++i)
      if (colours_[i] == colour::unseen) walk_from(i);
  }

 private:
  struct step {
    std::uint32_t message;
    std::size_t next_field;
  };

  void walk_from(std::uint32_t first) {
    enter(first);
    while (!path_.empty()) {
      step& top = path_.back();
      const std::vector<field>& fields = schema_.messages[top.message].fields;
      if (top.next_field == fields.size()) {
        colours_[top.message] = colour::done;
        path_.pop_back();
        continue;
      }
      const field& each = fields[top.next_field++];
      if (each.value.kind != type_kind::message || each.given != presence::required) continue;
      const std::uint32_t target = each.value.index;
      if (colours_[target] == colour::open)
        tell(target, each);
      else if (colours_[target] == colour::unseen)
        enter(target);
    }
  }

  void enter(std::uint32_t message) {
    colours_[message] = colour::open;
    path_.push_back({message, 0});
  }

  void tell(std::uint32_t target, const field& closing) {
    constexpr std::size_t shown_max = 8;
    std::string chain;
    const auto begin = std::ranges::find(path_, target, &step::message);
    for (auto each = begin; each != path_.end(); ++each) {
      if (static_cast<std::size_t>(each - begin) < shown_max)
        chain += schema_.messages[each->message].name + " -> ";
      else if (static_cast<std::size_t>(each - begin) == shown_max)
        chain += "... -> ";
    }
    errors_.error(closing.at,
                  "a message that must hold itself: " + chain + schema_.messages[target].name,
                  "make " + in_quotes(closing.name) + " optional or repeated");
  }

  const model& schema_;
  diagnostics& errors_;
  std::vector<colour> colours_;
  std::vector<step> path_;
};

}  // namespace

void refuse_endless_messages(const model& schema, diagnostics& errors) {
  walker(schema, errors).walk();
}

}  // namespace myra::schema
