// The keys and their values, and when they end.
//
// Thread: one, the reactor's. No locks: a server of one thread needs none.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "myra/core/clock.hpp"

namespace kv {

/// The bytes of a value, counted: a long reply under way keeps them while the key gets others.
using shared_text = std::shared_ptr<std::string>;

/// Hashes text from a seed drawn at the start, so that nobody can prepare keys that all collide.
/// Transparent: a key is looked up by the bytes in the network's buffer, no string is made of it.
struct text_hash {
  using is_transparent = void;
  std::uint64_t seed;

  text_hash();
  [[nodiscard]] std::size_t operator()(std::string_view text) const noexcept;
};

/// A key that has ended is not there.
class store {
 public:
  /// The present moment, until the next call: one look at the clock for all commands of a turn.
  void set_now(myra::time_point now) noexcept { now_ = now; }
  [[nodiscard]] myra::time_point now() const noexcept { return now_; }

  /// The value of `key`, or null. The reference is good until the store is changed.
  [[nodiscard]] const shared_text& find(std::string_view key);
  [[nodiscard]] bool contains(std::string_view key) { return find(key) != nullptr; }

  /// Sets `key` to a copy of `text`, until `end` (`myra::never`: until it is changed). Writes into
  /// the memory of the old value where that is large enough and no reply still reads it.
  void set(std::string_view key, std::string_view text, myra::time_point end);
  /// Whether there was such a key.
  bool erase(std::string_view key);
  void clear() noexcept;

  /// When `key` ends: nothing when there is no such key, `myra::never` when it does not end.
  [[nodiscard]] std::optional<myra::time_point> end_of(std::string_view key);
  /// Whether there was such a key. An end that has come removes it at once.
  bool set_end(std::string_view key, myra::time_point end);

  /// Removes keys that have ended, the earliest first, `count_max` at most: bounded work for a
  /// timer. Returns how many.
  std::size_t sweep(std::size_t count_max);

  /// Keys, those included that have ended and were not looked up or swept since.
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  [[nodiscard]] std::size_t ending_count() const noexcept { return ending_.size(); }
  /// Memory of keys and values, about.
  [[nodiscard]] std::size_t used_bytes() const noexcept { return used_bytes_; }
  /// Keys removed because they had ended.
  [[nodiscard]] std::uint64_t expired_count() const noexcept { return expired_count_; }

 private:
  struct entry {
    shared_text value;
    myra::time_point end = myra::never;
  };
  using table = std::unordered_map<std::string, entry, text_hash, std::equal_to<>>;

  [[nodiscard]] table::iterator live(std::string_view key);
  void write(table::iterator at, std::string_view text);
  void move_end(table::iterator at, myra::time_point end);
  void remove(table::iterator at);

  myra::time_point now_;
  table entries_;
  // The keys that end, in that order; they point into the table, whose nodes stay where they are.
  std::set<std::pair<myra::time_point, const std::string*>> ending_;
  std::size_t used_bytes_ = 0;
  std::uint64_t expired_count_ = 0;
};

}  // namespace kv
