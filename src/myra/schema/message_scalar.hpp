// Single values between bytes and JSON: what message_read.cpp and message_write.cpp share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "myra/schema/model.hpp"

namespace myra::schema {

using message_json = nlohmann::ordered_json;  ///< Fields stand as the schema has them.

[[nodiscard]] std::uint64_t little_endian(std::string_view bytes) noexcept;
void put_number(std::string& out, std::uint64_t value, std::size_t size);

/// One value of a kind of fixed size, whose bytes are `bytes`. Not an array.
[[nodiscard]] message_json scalar_json(const model& schema, const type& of, std::string_view bytes);
/// A string or bytes.
[[nodiscard]] message_json text_json(type_kind kind, std::string_view text);

/// The value that `given` is, or what would be right.
[[nodiscard]] std::expected<literal, std::string> scalar_of(const model& schema, const type& of,
                                                            const message_json& given);
[[nodiscard]] std::expected<std::string, std::string> text_of(type_kind kind,
                                                              const message_json& given);

/// Appends the bytes of a value of a type of fixed size.
void put_literal(std::string& out, const model& schema, const type& of, const literal& value);

/// Bytes that sort as the map's keys do of which `bytes` are the bytes.
[[nodiscard]] std::string key_order(const model& schema, const type& of, std::string bytes);

}  // namespace myra::schema
