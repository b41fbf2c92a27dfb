#include "store.hpp"

#include <cstring>
#include <random>

namespace kv {
namespace {

// What an entry costs beside the bytes of its key and value: the node, the counted string.
constexpr std::size_t entry_overhead_bytes = 128;

[[nodiscard]] std::size_t cost(const std::string& key, const shared_text& value) noexcept {
  return entry_overhead_bytes + key.capacity() + (value == nullptr ? 0 : value->capacity());
}

// Both halves of a 128-bit product, folded: every bit of the input reaches every bit of the hash.
[[nodiscard]] std::uint64_t mix(std::uint64_t left, std::uint64_t right) noexcept {
  __extension__ using wide = unsigned __int128;
  const wide product = static_cast<wide>(left) * right;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

}  // namespace

text_hash::text_hash() {
  std::random_device source;
  seed = (static_cast<std::uint64_t>(source()) << 32 | source()) | 1;
}

std::size_t text_hash::operator()(std::string_view text) const noexcept {
  constexpr std::uint64_t factor = 0x9e3779b97f4a7c15;
  std::uint64_t hash = seed ^ text.size();
  std::uint64_t word = 0;
  for (; text.size() > sizeof word; text.remove_prefix(sizeof word)) {
    std::memcpy(&word, text.data(), sizeof word);
    hash = mix(hash ^ word, factor);
  }
  word = 0;
  if (!text.empty()) std::memcpy(&word, text.data(), text.size());
  return mix(hash ^ word, factor ^ seed);
}

const shared_text& store::find(std::string_view key) {
  static const shared_text nothing;
  const auto at = live(key);
  return at == entries_.end() ? nothing : at->second.value;
}

void store::set(std::string_view key, std::string_view text, myra::time_point end) {
  auto at = entries_.find(key);
  if (at == entries_.end()) {
    at = entries_.try_emplace(std::string(key)).first;
    used_bytes_ += cost(at->first, at->second.value);
  }
  write(at, text);
  move_end(at, end);
}

bool store::erase(std::string_view key) {
  const auto at = live(key);
  if (at == entries_.end()) return false;
  remove(at);
  return true;
}

void store::clear() noexcept {
  ending_.clear();
  entries_.clear();
  used_bytes_ = 0;
}

std::optional<myra::time_point> store::end_of(std::string_view key) {
  const auto at = live(key);
  if (at == entries_.end()) return std::nullopt;
  return at->second.end;
}

bool store::set_end(std::string_view key, myra::time_point end) {
  const auto at = live(key);
  if (at == entries_.end()) return false;
  if (end <= now_) {
    remove(at);
  } else {
    move_end(at, end);
  }
  return true;
}

std::size_t store::sweep(std::size_t count_max) {
  std::size_t count = 0;
  while (count < count_max && !ending_.empty() && ending_.begin()->first <= now_) {
    remove(entries_.find(*ending_.begin()->second));
    ++count;
  }
  expired_count_ += count;
  return count;
}

// The entry of `key`; one that has ended is removed on the way.
store::table::iterator store::live(std::string_view key) {
  const auto at = entries_.find(key);
  if (at == entries_.end() || at->second.end > now_) return at;
  remove(at);
  ++expired_count_;
  return entries_.end();
}

void store::write(table::iterator at, std::string_view text) {
  shared_text& value = at->second.value;
  used_bytes_ -= cost(at->first, value);
  // A string of its own when a reply still reads the old one, or when the old memory is far too
  // large: a key that once held a megabyte does not hold on to it.
  const bool reusable =
      value != nullptr && value.use_count() == 1 && value->capacity() <= 2 * text.size() + 64;
  if (reusable) {
    value->assign(text);
  } else {
    value = std::make_shared<std::string>(text);
  }
  used_bytes_ += cost(at->first, value);
}

void store::move_end(table::iterator at, myra::time_point end) {
  if (at->second.end == end) return;
  if (at->second.end != myra::never) ending_.erase({at->second.end, &at->first});
  if (end != myra::never) ending_.emplace(end, &at->first);
  at->second.end = end;
}

void store::remove(table::iterator at) {
  move_end(at, myra::never);
  used_bytes_ -= cost(at->first, at->second.value);
  entries_.erase(at);
}

}  // namespace kv
