// The names that the server knows, and what it answers about them.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "dns_message.hpp"
#include "myra/core/error.hpp"

namespace dns {

/// One zone: everything at and below its origin.
///
/// Its text has a line a record, `name type value`, and `#` begins a comment:
///
///   example.test      SOA   ns.example.test        # the origin: first, and once
///   www.example.test  A     192.0.2.1
///   www.example.test  AAAA  2001:db8::1
///   example.test      TXT   any text up to the line's end
class zone {
 public:
  /// Errors: invalid; the report names `source` and the line, what was found and what is allowed.
  [[nodiscard]] static myra::opened<zone> parse(std::string_view text, const std::string& source);

  /// Adds what there is to say about the question, and sets the reply's code.
  void answer(const query& asked, reply_writer& reply) const;

  [[nodiscard]] std::size_t record_count() const noexcept { return record_count_; }

 private:
  struct record {
    record_type type;
    std::string bytes;
  };
  struct hash_of_text {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>()(text);
    }
  };

  [[nodiscard]] std::string add_line(std::string_view line);
  [[nodiscard]] std::string add(const wire_name& name, std::string_view type,
                                std::string_view value);
  void make_known(const wire_name& name);
  [[nodiscard]] bool contains(std::string_view name) const noexcept;

  static constexpr std::uint32_t ttl_seconds = 300;
  std::string origin_;
  std::string soa_;
  std::size_t record_count_ = 0;
  /// By their names as in messages. A name without records exists all the same: something is below
  /// it.
  std::unordered_map<std::string, std::vector<record>, hash_of_text, std::equal_to<>> names_;
};

/// The reply to a datagram, in `target`, which has room for reply_size_max_bytes; empty when none
/// is due.
[[nodiscard]] myra::byte_view respond(const zone& from, myra::byte_view request,
                                      myra::mutable_byte_view target);

}  // namespace dns
