// DNS messages (RFC 1035, and EDNS of RFC 6891): what comes from strangers is read here, and every
// length is held against what is there. Nothing is allocated.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "myra/core/bytes.hpp"

namespace dns {

enum class record_type : std::uint16_t {
  a = 1,
  ns = 2,
  soa = 6,
  txt = 16,
  aaaa = 28,
  opt = 41,
  any = 255,
};

enum class response_code : std::uint8_t {
  no_error = 0,
  format_error = 1,
  server_failure = 2,
  name_error = 3,  // NXDOMAIN
  not_implemented = 4,
  refused = 5,
};

inline constexpr std::size_t header_size_bytes = 12;
inline constexpr std::size_t name_size_max_bytes = 255;
/// What every resolver takes without EDNS, and what we send at most with it: more would be cut into
/// fragments on the way.
inline constexpr std::uint16_t plain_size_max_bytes = 512;
inline constexpr std::uint16_t reply_size_max_bytes = 1232;

/// A name as it stands in a message: each label behind its length, the root's length of 0 last. In
/// lower case, since names are compared without it.
class wire_name {
 public:
  /// Of "www.example.test" or "www.example.test."; nothing when a label or the whole is too long or
  /// empty in between.
  [[nodiscard]] static std::optional<wire_name> parse(std::string_view text);
  /// Of the bytes of a message from `at` on, without compression; `at` is set behind it.
  [[nodiscard]] static std::optional<wire_name> read(myra::byte_view message, std::size_t& at);

  [[nodiscard]] std::string_view bytes() const noexcept { return {bytes_.data(), size_}; }

 private:
  [[nodiscard]] bool add_label(std::string_view label) noexcept;
  void end() noexcept { bytes_[size_++] = '\0'; }

  std::array<char, name_size_max_bytes> bytes_{};
  std::size_t size_ = 0;
};

/// A question that came.
struct query {
  std::uint16_t id = 0;
  bool recursion_desired = false;
  std::optional<wire_name> name;  ///< With it: everything below.
  myra::byte_view question;       ///< The question's bytes, borrowed from the message.
  record_type type = record_type::a;
  std::uint16_t record_class = 1;
  bool has_edns = false;
  std::uint8_t edns_version = 0;
  std::uint16_t reply_size_max = plain_size_max_bytes;
  /// `no_error`, or what is to be answered at once.
  response_code fault = response_code::no_error;
};

/// Nothing when no answer is due: it is too short for one, or an answer itself.
[[nodiscard]] std::optional<query> read_query(myra::byte_view message);

/// Puts a reply together in memory of the caller's. What does not fit is left out, and the reply
/// then says that it is truncated.
class reply_writer {
 public:
  /// `target` has room for reply_size_max_bytes.
  reply_writer(myra::mutable_byte_view target, const query& asked) noexcept;

  void set_code(response_code code) noexcept { code_ = code; }
  /// Whether it fitted.
  bool add_answer(record_type type, std::uint32_t ttl, std::string_view record_bytes) noexcept;
  bool add_authority(std::string_view name, record_type type, std::uint32_t ttl,
                     std::string_view record_bytes) noexcept;
  /// The reply; borrowed from the target.
  [[nodiscard]] myra::byte_view finish() noexcept;

 private:
  bool add(std::string_view name, record_type type, std::uint32_t ttl,
           std::string_view record_bytes) noexcept;
  void put(std::string_view bytes) noexcept;
  void put16(std::uint16_t value) noexcept;

  myra::mutable_byte_view target_;
  const query& asked_;
  std::size_t size_ = 0;
  std::size_t size_max_;
  response_code code_ = response_code::no_error;
  std::uint16_t answer_count_ = 0;
  std::uint16_t authority_count_ = 0;
  bool truncated_ = false;
};

}  // namespace dns
