#include "myra/transport/endpoint.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

#include "myra/core/error.hpp"

namespace myra {
namespace {

endpoint parsed(std::string_view text) {
  const auto made = endpoint::parse(text);
  EXPECT_TRUE(made) << (made ? "" : made.error().what);
  return made.value_or(endpoint{});
}

TEST(endpoint, is_small_and_empty_at_first) {
  static_assert(sizeof(endpoint) == 112);
  const endpoint empty;
  EXPECT_EQ(empty.family(), AF_UNSPEC);
  EXPECT_EQ(empty.size(), 0U);
  EXPECT_EQ(empty.port(), 0);
  EXPECT_EQ(empty.to_string(), "");
  EXPECT_EQ(empty, endpoint());
  EXPECT_NE(empty, parsed("127.0.0.1:0"));
}

struct form {
  const char* text;
  int family;
  std::uint16_t port;
  const char* printed;
};

TEST(endpoint, every_form_is_read_and_printed_so_that_it_reads_back_equal) {
  const std::vector<form> forms = {
      {"127.0.0.1:7000", AF_INET, 7000, "127.0.0.1:7000"},
      {"0.0.0.0:0", AF_INET, 0, "0.0.0.0:0"},
      {"255.255.255.255:65535", AF_INET, 65535, "255.255.255.255:65535"},
      {"localhost:7000", AF_INET, 7000, "127.0.0.1:7000"},
      {"[::1]:7000", AF_INET6, 7000, "[::1]:7000"},
      {"[2001:DB8:0:0::1]:443", AF_INET6, 443, "[2001:db8::1]:443"},
      {"[::ffff:192.0.2.1]:80", AF_INET6, 80, "[::ffff:192.0.2.1]:80"},
      {"*:7000", AF_INET6, 7000, "[::]:7000"},
      {"unix:/run/x.sock", AF_UNIX, 0, "unix:/run/x.sock"},
      {"unix:relative:with:colons", AF_UNIX, 0, "unix:relative:with:colons"},
      {"unix:@name", AF_UNIX, 0, "unix:@name"},
  };
  for (const form& each : forms) {
    const endpoint made = parsed(each.text);
    EXPECT_EQ(made.family(), each.family) << each.text;
    EXPECT_EQ(made.port(), each.port) << each.text;
    EXPECT_EQ(made.to_string(), each.printed) << each.text;
    EXPECT_EQ(parsed(made.to_string()), made) << each.text;
    EXPECT_EQ(endpoint::from_kernel(made.address(), made.size()), made) << each.text;
  }
}

TEST(endpoint, the_address_is_what_the_kernel_wants) {
  const endpoint made = parsed("10.1.2.3:258");
  sockaddr_in address{};
  ASSERT_EQ(made.size(), sizeof address);
  std::memcpy(&address, made.address(), sizeof address);
  EXPECT_EQ(address.sin_addr.s_addr, htonl(0x0a010203));
  EXPECT_EQ(address.sin_port, htons(258));
}

TEST(endpoint, a_scope_is_an_interface_by_name_or_number) {
  const unsigned loopback = ::if_nametoindex("lo");
  ASSERT_NE(loopback, 0U);
  const endpoint by_name = parsed("[fe80::1%lo]:7000");
  sockaddr_in6 address{};
  std::memcpy(&address, by_name.address(), sizeof address);
  EXPECT_EQ(address.sin6_scope_id, loopback);
  EXPECT_EQ(by_name.to_string(), "[fe80::1%lo]:7000");
  EXPECT_EQ(parsed("[fe80::1%" + std::to_string(loopback) + "]:7000"), by_name);
  EXPECT_NE(parsed("[fe80::1]:7000"), by_name);
  // An interface that is not there (any more) keeps its number.
  EXPECT_EQ(parsed("[fe80::1%987654]:1").to_string(), "[fe80::1%987654]:1");
}

TEST(endpoint, unix_names_have_up_to_107_bytes) {
  for (const std::string prefix : {"unix:/", "unix:@"}) {
    const std::size_t counted = prefix == "unix:/" ? 1 : 0;
    const std::string longest = prefix + std::string(107 - counted, 'x');
    const endpoint made = parsed(longest);
    EXPECT_EQ(made.to_string(), longest);
    EXPECT_EQ(made.size(), sizeof(sockaddr_un));
    EXPECT_EQ(endpoint::from_kernel(made.address(), made.size()), made);
    const auto longer = endpoint::parse(longest + 'x');
    ASSERT_FALSE(longer);
    EXPECT_NE(longer.error().what.find("108 bytes"), std::string::npos) << longer.error().what;
    EXPECT_NE(longer.error().what.find("107"), std::string::npos) << longer.error().what;
  }
}

TEST(endpoint, what_the_kernel_bound_reads_back_equal) {
  const std::string name = "unix:@myra-endpoint-test-" + std::to_string(::getpid());
  for (const std::string& text : {name, std::string("127.0.0.1:0"), std::string("[::1]:0")}) {
    endpoint wanted = parsed(text);
    const int socket = ::socket(wanted.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (socket < 0) GTEST_SKIP() << "no sockets of the family of " << text;
    ASSERT_EQ(::bind(socket, wanted.address(), wanted.size()), 0) << text;
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    ASSERT_EQ(::getsockname(socket, reinterpret_cast<sockaddr*>(&storage), &size), 0);
    const endpoint bound = endpoint::from_kernel(reinterpret_cast<sockaddr*>(&storage), size);
    ::close(socket);
    if (bound.family() != AF_UNIX) {
      EXPECT_NE(bound.port(), 0);
    }
    wanted.set_port(bound.port());
    EXPECT_EQ(bound, wanted);
    EXPECT_EQ(bound.to_string(), wanted.to_string());
  }
}

TEST(endpoint, a_path_is_the_same_with_and_without_its_nul) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, "/run/x");
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  const socklen_t bare = offsetof(sockaddr_un, sun_path) + 6;
  for (const socklen_t size : {bare, bare + 1, socklen_t{sizeof address}})
    EXPECT_EQ(endpoint::from_kernel(generic, size), parsed("unix:/run/x"));
}

// bind(2) takes it, and gives such a peer's path with a NUL behind it that has no place.
TEST(endpoint, a_path_of_108_bytes_has_no_nul) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memset(address.sun_path, 'x', sizeof address.sun_path);
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  for (const socklen_t size : {socklen_t{sizeof address}, socklen_t{sizeof address + 1}}) {
    const endpoint made = endpoint::from_kernel(generic, size);
    EXPECT_EQ(made.size(), sizeof address);
    EXPECT_EQ(made.unix_path(), std::string(108, 'x'));
  }
}

TEST(endpoint, a_unix_socket_without_a_name_says_so) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const auto made = endpoint::from_kernel(reinterpret_cast<const sockaddr*>(&address),
                                          offsetof(sockaddr_un, sun_path));
  EXPECT_EQ(made.family(), AF_UNIX);
  EXPECT_EQ(made.to_string(), "unix:");
  EXPECT_FALSE(endpoint::parse("unix:"));
}

TEST(endpoint, what_is_no_address_is_empty) {
  sockaddr_storage other{};
  other.ss_family = AF_NETLINK;
  const auto* generic = reinterpret_cast<const sockaddr*>(&other);
  EXPECT_EQ(endpoint::from_kernel(generic, sizeof other).family(), AF_UNSPEC);
  EXPECT_EQ(endpoint::from_kernel(nullptr, 0).family(), AF_UNSPEC);
  EXPECT_EQ(endpoint::from_kernel(generic, 1).family(), AF_UNSPEC);
  other.ss_family = AF_INET;
  EXPECT_EQ(endpoint::from_kernel(generic, sizeof(sockaddr_in) - 1).family(), AF_UNSPEC);
  other.ss_family = AF_INET6;
  EXPECT_EQ(endpoint::from_kernel(generic, sizeof(sockaddr_in6) - 1).family(), AF_UNSPEC);
}

TEST(endpoint, differs_by_address_port_and_family) {
  EXPECT_NE(parsed("127.0.0.1:1"), parsed("127.0.0.1:2"));
  EXPECT_NE(parsed("127.0.0.1:1"), parsed("127.0.0.2:1"));
  EXPECT_NE(parsed("[::1]:1"), parsed("[::2]:1"));
  EXPECT_NE(parsed("[::ffff:127.0.0.1]:1"), parsed("127.0.0.1:1"));
  EXPECT_NE(parsed("unix:/a"), parsed("unix:/b"));
  EXPECT_NE(parsed("unix:/a"), parsed("unix:/ab"));
  EXPECT_NE(parsed("unix:name"), parsed("unix:@name"));
}

struct mistake {
  std::string text;
  const char* reason;
};

TEST(endpoint, every_malformed_form_is_named_and_the_allowed_ones_shown) {
  const std::vector<mistake> mistakes = {
      {"", "no port"},
      {"127.0.0.1", "no port"},
      {"[::1]", "no port"},
      {":7000", "nothing before the port"},
      {"127.0.0.1:", "the port \"\""},
      {"127.0.0.1:65536", "the port \"65536\""},
      {"127.0.0.1:-1", "the port \"-1\""},
      {"127.0.0.1:+1", "the port \"+1\""},
      {"127.0.0.1:0x10", "the port \"0x10\""},
      {"127.0.0.1: 80", "the port \" 80\""},
      {"127.0.0.1:80 ", "the port \"80 \""},
      {"127.0.0.1:http", "the port \"http\""},
      {"127.0.0.256:80", "\"127.0.0.256\" is no IPv4 address"},
      {"127.1:80", "\"127.1\" is no IPv4 address"},
      {"example.net:80", "names are not resolved"},
      {"::1:80", "between brackets"},
      {"[::1:80", "no ']'"},
      {"[]:80", "\"\" is no IPv6 address"},
      {"[:::1]:80", "\":::1\" is no IPv6 address"},
      {"[127.0.0.1]:80", "is no IPv6 address"},
      {"[::1]x:80", "no ']'"},
      {"[fe80::1%]:80", "no network interface \"\""},
      {"[fe80::1%0]:80", "no network interface \"0\""},
      {"[fe80::1%no-such-if]:80", "no network interface \"no-such-if\""},
      {"unix:", "no name"},
      {"unix:@", "no name"},
      {std::string("unix:a\0b", 8), "NUL"},
      {std::string("127.0.0.1\0:80", 13), "NUL"},
  };
  for (const mistake& each : mistakes) {
    const auto made = endpoint::parse(each.text);
    ASSERT_FALSE(made) << each.text;
    EXPECT_TRUE(made.error().code == condition::invalid);
    const std::string& what = made.error().what;
    EXPECT_NE(what.find(each.reason), std::string::npos) << what;
    EXPECT_NE(what.find("\"[::1]:7000\""), std::string::npos) << what;
    EXPECT_EQ(what.find('\0'), std::string::npos) << what;
    if (each.text.find('\0') == std::string::npos) {
      EXPECT_NE(what.find("found \"" + each.text + "\""), std::string::npos) << what;
    }
  }
}

TEST(endpoint, a_long_mistake_is_cut_in_the_message) {
  const auto made = endpoint::parse(std::string(100'000, 'x') + ":80");
  ASSERT_FALSE(made);
  EXPECT_LT(made.error().what.size(), 1000U);
}

TEST(endpoint, the_port_can_be_set_where_there_is_one) {
  for (const char* text : {"127.0.0.1:0", "[::1]:0"}) {
    endpoint changed = parsed(text);
    changed.set_port(4711);
    EXPECT_EQ(changed.port(), 4711);
  }
  endpoint unchanged = parsed("unix:@x");
  unchanged.set_port(4711);
  EXPECT_EQ(unchanged, parsed("unix:@x"));
}

}  // namespace
}  // namespace myra
