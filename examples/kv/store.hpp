// The keys and their values, and when they end.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <unordered_map>

#include "myra/core/clock.hpp"

namespace kv {

/// Transparent: a key is looked up by its bytes in the network's buffer, no string is made of it.
/// Clients are trusted not to choose keys that collide, as they are trusted with FLUSHALL; a server
/// for strangers would take a hash with a secret seed here.
struct text_hash : std::hash<std::string_view> {
  using is_transparent = void;
};

/// A key that has ended is not there. Thread: one, the reactor's, so there is no lock.
class store {
 public:
  struct entry {
    std::string value;
    myra::time_point end = myra::never;
  };

  /// The present moment, until the next call: one look at the clock for all commands of a turn.
  void set_now(myra::time_point now) noexcept { now_ = now; }
  [[nodiscard]] myra::time_point now() const noexcept { return now_; }

  /// What is at `key`, or null. Good until the store is changed.
  [[nodiscard]] const entry* find(std::string_view key) {
    const auto at = entries_.find(key);
    return at == entries_.end() || at->second.end <= now_ ? nullptr : &at->second;
  }

  [[nodiscard]] bool contains(std::string_view key) { return find(key) != nullptr; }

  /// Sets `key` to a copy of `text`, until `end` (`myra::never`: until it is changed).
  void set(std::string_view key, std::string_view text, myra::time_point end) {
    auto at = entries_.find(key);
    if (at == entries_.end()) at = entries_.try_emplace(std::string(key)).first;
    std::string& value = at->second.value;
    // The memory is used again, but a key that once held a megabyte does not hold on to it.
    if (value.capacity() > 2 * text.size() + 64) std::string().swap(value);
    value.assign(text);
    move_end(*at, end);
  }

  /// Whether there was such a key. An end that has come removes it at once.
  bool set_end(std::string_view key, myra::time_point end) {
    const auto at = entries_.find(key);
    if (at == entries_.end() || at->second.end <= now_) return false;
    move_end(*at, end);
    if (end <= now_) remove(at);
    return true;
  }
  bool erase(std::string_view key) { return set_end(key, now_); }

  void clear() noexcept {
    ending_.clear();
    entries_.clear();
  }

  /// Removes keys that have ended, the earliest first, `count_max` at most: bounded work for a
  /// timer. Returns how many.
  std::size_t sweep(std::size_t count_max) {
    std::size_t count = 0;
    for (; count < count_max && !ending_.empty() && ending_.begin()->first <= now_; ++count)
      remove(entries_.find(*ending_.begin()->second));
    expired_count_ += count;
    return count;
  }

  /// Keys, those included that have ended and were not swept since.
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  [[nodiscard]] std::size_t ending_count() const noexcept { return ending_.size(); }
  /// Keys removed because they had ended.
  [[nodiscard]] std::size_t expired_count() const noexcept { return expired_count_; }

 private:
  using table = std::unordered_map<std::string, entry, text_hash, std::equal_to<>>;

  void move_end(table::value_type& of, myra::time_point end) {
    if (of.second.end == end) return;
    if (of.second.end != myra::never) ending_.erase({of.second.end, &of.first});
    if (end != myra::never) ending_.emplace(end, &of.first);
    of.second.end = end;
  }

  void remove(table::iterator at) {
    move_end(*at, myra::never);
    entries_.erase(at);
  }

  myra::time_point now_;
  table entries_;
  // The keys that end, in that order; they point into the table, whose nodes stay where they are.
  std::set<std::pair<myra::time_point, const std::string*>> ending_;
  std::size_t expired_count_ = 0;
};

}  // namespace kv
