#include "zone.hpp"

#include <arpa/inet.h>

#include <algorithm>

namespace dns {
namespace {

constexpr std::string_view blanks = " \t\r";

/// The next word of `line`, taken off it.
std::string_view take_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(blanks), line.size()));
  const std::string_view word = line.substr(0, line.find_first_of(blanks));
  line.remove_prefix(word.size());
  return word;
}

std::string_view trimmed(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
  return text.substr(0, text.find_last_not_of(blanks) + 1);
}

std::string address_bytes(int family, std::string_view text) {
  std::string bytes(family == AF_INET ? 4 : 16, '\0');
  if (::inet_pton(family, std::string(text).c_str(), bytes.data()) != 1) return {};
  return bytes;
}

/// Text as strings of 255 bytes at most, each behind its length.
std::string text_bytes(std::string_view text) {
  constexpr std::size_t string_size_max = 255;
  std::string bytes;
  do {
    const std::string_view piece = text.substr(0, string_size_max);
    bytes += static_cast<char>(piece.size());
    bytes += piece;
    text.remove_prefix(piece.size());
  } while (!text.empty());
  return bytes;
}

/// Of a zone whose server is `server`: serial 1, and times that suit one that never changes.
std::string soa_bytes(const wire_name& server, std::string_view origin) {
  std::string bytes(server.bytes());
  bytes += "\x0ahostmaster";
  bytes += origin;
  for (const std::uint32_t number : {1U, 3600U, 600U, 86400U, 300U})
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(number >> shift & 0xff);
  return bytes;
}

}  // namespace

bool zone::contains(std::string_view name) const noexcept {
  // Whole labels: the origin's own bytes begin with a length, and so does what is before them.
  for (;;) {
    if (name == origin_) return true;
    if (name.size() <= origin_.size()) return false;
    name.remove_prefix(static_cast<std::size_t>(name.front()) + 1);
  }
}

void zone::make_known(const wire_name& name) {
  std::string_view each = name.bytes();
  while (each != origin_) {
    names_.try_emplace(std::string(each));
    each.remove_prefix(static_cast<std::size_t>(each.front()) + 1);
  }
}

std::string zone::add(const wire_name& name, std::string_view type, std::string_view value) {
  record made{record_type::txt, {}};
  if (type == "A") {
    made = {record_type::a, address_bytes(AF_INET, value)};
    if (made.bytes.empty()) return "found no IPv4 address, allowed is one such as 192.0.2.1";
  } else if (type == "AAAA") {
    made = {record_type::aaaa, address_bytes(AF_INET6, value)};
    if (made.bytes.empty()) return "found no IPv6 address, allowed is one such as 2001:db8::1";
  } else if (type == "TXT") {
    if (value.size() > 1000) return "found a text of more than 1000 bytes";
    made.bytes = text_bytes(value);
  } else {
    return "found the type '" + std::string(type.substr(0, 20)) +
           "', allowed are A, AAAA, TXT and, first, SOA";
  }
  make_known(name);
  names_.find(name.bytes())->second.push_back(std::move(made));
  ++record_count_;
  return {};
}

std::string zone::add_line(std::string_view line) {
  line = line.substr(0, line.find('#'));
  const std::string_view owner = take_word(line);
  if (owner.empty()) return {};
  const auto name = wire_name::parse(owner);
  if (!name) return "found a name that is none: labels have 1 to 63 bytes, a name 253";
  const std::string_view type = take_word(line);
  const std::string_view value = trimmed(line);
  if (origin_.empty()) {
    const auto server = wire_name::parse(value);
    if (type != "SOA" || !server || value.empty())
      return "found no SOA, expected as the first record the origin: `example.test SOA "
             "ns.example.test`";
    origin_ = name->bytes();
    soa_ = soa_bytes(*server, origin_);
    names_[origin_].push_back({record_type::soa, soa_});
    ++record_count_;
    return {};
  }
  if (!contains(name->bytes())) return "found a name outside of the zone";
  return add(*name, type, value);
}

myra::opened<zone> zone::parse(std::string_view text, const std::string& source) {
  zone made;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (auto complaint = made.add_line(text.substr(0, end)); !complaint.empty())
      return myra::report(std::make_error_code(std::errc::invalid_argument),
                          source + ":" + std::to_string(number) + ": " + complaint);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (made.origin_.empty())
    return myra::report(std::make_error_code(std::errc::invalid_argument),
                        source + ": found no record, expected at least an SOA");
  return made;
}

void zone::answer(const query& asked, reply_writer& reply) const {
  if (!asked.name || asked.record_class != 1 || !contains(asked.name->bytes()))
    return reply.set_code(response_code::refused);
  const std::string_view name = asked.name->bytes();
  const auto known = names_.find(name);
  if (known == names_.end()) {
    reply.set_code(response_code::name_error);
    reply.add_authority(origin_, record_type::soa, ttl_seconds, soa_);
    return;
  }
  bool any = false;
  for (const record& each : known->second) {
    if (each.type != asked.type && asked.type != record_type::any) continue;
    any = true;
    if (!reply.add_answer(each.type, ttl_seconds, each.bytes)) return;
  }
  if (!any) reply.add_authority(origin_, record_type::soa, ttl_seconds, soa_);
}

myra::byte_view respond(const zone& from, myra::byte_view request, myra::mutable_byte_view target) {
  const auto asked = read_query(request);
  if (!asked) return {};
  reply_writer reply(target, *asked);
  if (asked->fault != response_code::no_error)
    reply.set_code(asked->fault);
  else if (asked->edns_version == 0)
    from.answer(*asked, reply);
  return reply.finish();
}

}  // namespace dns
