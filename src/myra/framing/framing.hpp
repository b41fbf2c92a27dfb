// What every framing offers, so that a layer above can be written for any of them.
#pragma once

#include <concepts>
#include <optional>
#include <system_error>

#include "myra/core/bytes.hpp"
#include "myra/core/error.hpp"

namespace myra {

/// A reader that splits one direction of a stream into frames. The contract is that of
/// frame_reader: feed() lends a chunk, next() returns payloads until it returns nothing, and then
/// the chunk is no longer needed; a payload is valid until the next call and as long as its chunk;
/// frames do not depend on how the stream was cut into chunks; an error is for good; what is stored
/// for an incomplete frame is bounded.
template <class Reader>
concept framing =
    std::movable<Reader> && requires(Reader reader, const Reader& seen, byte_view chunk) {
      { reader.feed(chunk) } noexcept;
      { reader.next() } noexcept -> std::same_as<std::optional<byte_view>>;
      { reader.finish() } noexcept -> std::same_as<std::error_code>;
      { seen.error() } noexcept -> std::same_as<std::error_code>;
      { seen.report() } -> std::same_as<error_report>;
    };

}  // namespace myra
