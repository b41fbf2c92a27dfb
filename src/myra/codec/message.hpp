// The two ends of a message: where verify begins, and where a builder begins and ends.
#pragma once

#include <algorithm>
#include <array>
#include <cassert>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <utility>

#include "myra/codec/block.hpp"
#include "myra/codec/codec_error.hpp"
#include "myra/codec/cursor.hpp"
#include "myra/codec/limits.hpp"
#include "myra/codec/message_writer.hpp"
#include "myra/codec/quick_check.hpp"
#include "myra/codec/verifier.hpp"
#include "myra/codec/wire.hpp"
#include "myra/core/bytes.hpp"
#include "myra/core/result.hpp"

namespace myra::codec {

/// What a builder is of: a message, which can be finished, or something inside of one.
enum class role : std::uint8_t { root, nested };

/// Verifies a message of any width and version; its block goes into `root`.
template <class Message>
[[nodiscard, gnu::noinline]] codec_failure verify_fully(byte_view message, const limits& bounds,
                                                        block& root) noexcept {
  if (message.size() > bounds.size_max_bytes ||
      message.size() > message_size_max_bytes(width::wide))
    return {codec_error::too_large, 0};
  if (message.empty()) return {codec_error::truncated, 0};
  const auto format = read<std::uint8_t>(message.data());
  if (format != format_byte(width::narrow) && format != format_byte(width::wide))
    return {codec_error::unknown_format, 0};
  const std::byte* header = message.data() + format_size_bytes;
  const auto failure_of = [&](auto check) {
    check.template message<Message>(header, message.size() - format_size_bytes);
    return check.failure();
  };
  const bool is_narrow = format == format_byte(width::narrow);
  const codec_failure failure = is_narrow ? failure_of(verifier<width::narrow>(message, bounds))
                                          : failure_of(verifier<width::wide>(message, bounds));
  if (failure.code == codec_error::none)
    root = block::at(header, is_narrow ? form::narrow : form::wide);
  return failure;
}

/// The largest message that the short way may accept: one that is over no limit.
template <class Message>
[[nodiscard, gnu::always_inline]] inline std::size_t quick_size_max(const limits& bounds) noexcept {
  if (Message::depth == 0 || Message::depth > bounds.depth_max || bounds.refuse_unordered_keys)
    return 0;
  return std::min({std::size_t{bounds.size_max_bytes}, std::size_t{bounds.element_count_max},
                   message_size_max_bytes(width::narrow)});
}

/// Whether the short way accepts the message; if so it has the shape that this version writes.
template <class Message>
[[nodiscard, gnu::always_inline]] inline bool verify_quickly(byte_view message,
                                                             const limits& bounds) noexcept {
  if constexpr (Message::depth == 0) {
    return false;
  } else {
    return message.size() <= quick_size_max<Message>(bounds) &&
           quick_check::root<Message>(message.data(), message.size());
  }
}

/// The view of a message, once it is verified.
template <class Message>
[[nodiscard, gnu::always_inline]] inline auto verify(byte_view message,
                                                     const limits& bounds) noexcept {
  using view = typename Message::view;
  using verified = std::expected<view, codec_failure>;
  block root;
  if (verify_quickly<Message>(message, bounds)) [[likely]] {
    root = block::known<Message>(message.data() + format_size_bytes);
  } else {
    block opened;
    const codec_failure failure = verify_fully<Message>(message, bounds, opened);
    if (failure.code != codec_error::none) return verified(std::unexpect, failure);
    root = opened;
  }
  return verified(std::in_place, root);
}

namespace detail {
/// Where the fixed part of a message goes that has no room: written, and read by nobody.
template <std::size_t Size>
[[nodiscard, gnu::cold, gnu::noinline]] inline std::byte* nowhere() noexcept {
  static thread_local std::array<std::byte, Size> bytes;
  return bytes.data();
}
}  // namespace detail

/// Begins a message at the start of `target`.
template <class Message, width W>
[[nodiscard, gnu::always_inline]] inline message_writer<W> begin_message(
    mutable_byte_view target) noexcept {
  constexpr std::size_t fixed = message_writer<W>::template fixed_size<Message>;
  const std::size_t size = std::min(target.size(), message_size_max_bytes(W));
  cursor from{target.data(), target.data() + size, codec_error::none};
  if (!from.has_room(format_size_bytes + fixed)) [[unlikely]] {
    from.at = detail::nowhere<format_size_bytes + fixed>();
    from.limit = from.at + format_size_bytes + fixed;
    from.error = codec_error::no_room;
  }
  write(from.at, format_byte(W));
  from.at += format_size_bytes;
  return message_writer<W>::template begin<Message>(from);
}

/// Ends it: its bytes, or why there are none.
template <class Message, width W>
[[nodiscard, gnu::always_inline]] inline std::expected<byte_view, codec_error> end_message(
    message_writer<W>& fields) noexcept {
  fields.template finish<Message>();
  const cursor& at = fields.place();
  if (at.error != codec_error::none) return std::unexpected(at.error);
  constexpr std::size_t before =
      format_size_bytes + shape_size_bytes + message_writer<W>::template ends_size<Message>;
  const std::byte* start = fields.pivot() - before;
  return byte_view(start, static_cast<std::size_t>(at.at - start));
}

/// Writes the message of a view at the start of `target` as this version of the schema writes it:
/// fields and alternatives that it does not know are left out. Messages of equal values get equal
/// bytes, whoever wrote them. Errors: no_room, unsorted_keys.
template <class View>
[[nodiscard]] std::expected<byte_view, codec_error> canonical(const View& from,
                                                              mutable_byte_view target) noexcept {
  using message = typename View::message_;
  const auto written = [&from](auto builder) {
    from.copy_to_(builder);
    return builder.finish();
  };
  const auto narrow = written(message::build(target));
  if (narrow || narrow.error() != codec_error::no_room ||
      target.size() <= message_size_max_bytes(width::narrow))
    return narrow;
  return written(message::build_large(target));
}

/// Verifies a message, and that it is the canonical one for what it says; `scratch` has room for
/// it. Errors: those of verify; not_canonical, at the first byte that is not as it would be.
template <class Message>
[[nodiscard]] std::expected<typename Message::view, codec_failure> verify_canonical(
    byte_view message, mutable_byte_view scratch, const limits& bounds = default_limits) noexcept {
  auto view = Message::verify(message, bounds);
  if (!view) return view;
  const auto rebuilt = canonical(*view, scratch);
  if (!rebuilt) {
    const bool is_unsorted = rebuilt.error() == codec_error::unsorted_keys;
    return std::unexpected(
        codec_failure{is_unsorted ? codec_error::not_canonical : rebuilt.error(), 0});
  }
  const auto [is, should] = std::ranges::mismatch(message, *rebuilt);
  if (is == message.end() && should == rebuilt->end()) return view;
  const auto offset = static_cast<std::uint32_t>(is - message.begin());
  return std::unexpected(codec_failure{codec_error::not_canonical, offset});
}

/// The owner of the memory that a message was built in, cut to the message.
template <class Buffer>
[[nodiscard]] result<Buffer> cut(Buffer&& owner,
                                 const std::expected<byte_view, codec_error>& message) noexcept {
  if (!message) return failure(message.error());
  assert(message->data() == owner.writable().data() && "the message was built somewhere else");
  owner.resize(static_cast<std::uint32_t>(message->size()));
  return std::forward<Buffer>(owner);
}

}  // namespace myra::codec
