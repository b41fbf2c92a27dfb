#include "server.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace kv {
namespace {

using namespace std::chrono_literals;

/// Commands without a network: the reactor is there, but nothing listens.
class command_test : public testing::Test {
 protected:
  server on;
  myra::reactor reactor = myra::reactor::open({.backend = myra::io::backend_kind::epoll}).value();
  client from;

  command_test() {
    on.reactor = &reactor;
    from.id = 7;
    pass(1h);
  }
  void pass(myra::duration time) { on.data.set_now(on.data.now() + time); }

  // The reply to a command whose arguments are the words of `line`.
  std::string run(std::string_view line) {
    std::vector<std::string_view> arguments;
    while (!line.empty()) {
      const std::size_t stop = std::min(line.find(' '), line.size());
      arguments.push_back(line.substr(0, stop));
      line.remove_prefix(std::min(stop + 1, line.size()));
    }
    return run(arguments);
  }
  std::string run(const std::vector<std::string_view>& arguments) {
    execute(on, from, arguments);
    return std::exchange(on.replies, {});
  }
};

TEST_F(command_test, NamesAreFoundInAnyCase) {
  EXPECT_EQ(run("PING"), "+PONG\r\n");
  EXPECT_EQ(run("pInG hi"), "$2\r\nhi\r\n");
  EXPECT_EQ(run("client GETNAME"), "$-1\r\n");
}

TEST_F(command_test, UnknownOnesAreQuotedToALimit) {
  EXPECT_EQ(run("foo a bc"), "-ERR unknown command 'foo', with args beginning with: 'a' 'bc' \r\n");
  const std::string big(1000, 'x');
  EXPECT_EQ(run({big, big}), "-ERR unknown command '" + std::string(128, 'x') +
                                 "', with args beginning with: '" + std::string(128, 'x') +
                                 "' \r\n");
  EXPECT_EQ(run("client foo"), "-ERR unknown subcommand 'foo'. Try CLIENT HELP.\r\n");
}

TEST_F(command_test, ArityIsChecked) {
  EXPECT_EQ(run("get"), "-ERR wrong number of arguments for 'get' command\r\n");
  EXPECT_EQ(run("get a b"), "-ERR wrong number of arguments for 'get' command\r\n");
  EXPECT_EQ(run("mset a 1 b"), "-ERR wrong number of arguments for 'mset' command\r\n");
  EXPECT_EQ(run("client"), "-ERR wrong number of arguments for 'client' command\r\n");
  EXPECT_EQ(run("client id x"), "-ERR wrong number of arguments for 'client|id' command\r\n");
  EXPECT_EQ(on.counted.error_replies, 5U);
}

TEST_F(command_test, ALongKeyIsRefusedWhereverItStands) {
  on.bounds.key_size_max_bytes = 16;
  const std::string fits(16, 'k');
  const std::string longer(17, 'k');
  EXPECT_EQ(run({"set", fits, longer}), "+OK\r\n");
  const std::string refused = "-ERR key is too long, at most 16 bytes\r\n";
  EXPECT_EQ(run({"set", longer, "v"}), refused);
  EXPECT_EQ(run({"mget", "a", "b", longer}), refused);
  EXPECT_EQ(run({"mset", "a", "1", longer, "2"}), refused);
  EXPECT_EQ(run("exists a"), ":0\r\n");
}

TEST_F(command_test, SetAndGet) {
  EXPECT_EQ(run("get k"), "$-1\r\n");
  EXPECT_EQ(run("set k v"), "+OK\r\n");
  EXPECT_EQ(run("get k"), "$1\r\nv\r\n");
  EXPECT_EQ(on.counted.hits, 1U);
  EXPECT_EQ(on.counted.misses, 1U);
}

TEST_F(command_test, SetUnderConditions) {
  EXPECT_EQ(run("set k 1 xx"), "$-1\r\n");
  EXPECT_EQ(run("set k 1 nx"), "+OK\r\n");
  EXPECT_EQ(run("set k 2 NX"), "$-1\r\n");
  EXPECT_EQ(run("set k 3 XX"), "+OK\r\n");
  EXPECT_EQ(run("get k"), "$1\r\n3\r\n");
  EXPECT_EQ(run("set k 1 nx xx"), "-ERR syntax error\r\n");
  EXPECT_EQ(run("set k 1 what"), "-ERR syntax error\r\n");
}

TEST_F(command_test, SetWithATime) {
  EXPECT_EQ(run("set k v ex 10"), "+OK\r\n");
  EXPECT_EQ(run("ttl k"), ":10\r\n");
  pass(9999ms);
  EXPECT_EQ(run("get k"), "$1\r\nv\r\n");
  pass(1ms);
  EXPECT_EQ(run("get k"), "$-1\r\n");
  EXPECT_EQ(run("ttl k"), ":-2\r\n");
}

TEST_F(command_test, SetRefusesTimesThatCannotBe) {
  const std::string invalid = "-ERR invalid expire time in 'set' command\r\n";
  EXPECT_EQ(run("set k v ex 0"), invalid);
  EXPECT_EQ(run("set k v px -1"), invalid);
  EXPECT_EQ(run("set k v ex 9223372036854775807"), invalid);
  EXPECT_EQ(run("set k v px 9223372036854775807"), invalid);
  EXPECT_EQ(run("set k v ex 1.5"), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(run("set k v ex"), "-ERR syntax error\r\n");
  EXPECT_EQ(run("set k v ex 1 px 1"), "-ERR syntax error\r\n");
  EXPECT_EQ(run("exists k"), ":0\r\n");
  EXPECT_EQ(run("set k v ex 9223372036854"), "+OK\r\n");
  EXPECT_EQ(run("get k"), "$1\r\nv\r\n");
}

TEST_F(command_test, IncrCounts) {
  EXPECT_EQ(run("incr n"), ":1\r\n");
  EXPECT_EQ(run("incrby n -3"), ":-2\r\n");
  EXPECT_EQ(run("get n"), "$2\r\n-2\r\n");
  run("set n 9223372036854775807");
  EXPECT_EQ(run("incr n"), "-ERR increment or decrement would overflow\r\n");
  for (const char* bad : {"1x", "", " 1", "+1", "01", "-0", "9223372036854775808"}) {
    run({"set", "n", bad});
    EXPECT_EQ(run("incr n"), "-ERR value is not an integer or out of range\r\n") << bad;
    EXPECT_EQ(run({"incrby", "m", bad}), "-ERR value is not an integer or out of range\r\n");
  }
}

TEST_F(command_test, IncrKeepsTheTime) {
  run("set n 1 ex 10");
  run("incr n");
  EXPECT_EQ(run("ttl n"), ":10\r\n");
}

TEST_F(command_test, ManyKeysAtOnce) {
  EXPECT_EQ(run("mset a 1 b 2 a 3"), "+OK\r\n");
  EXPECT_EQ(run("mget a x b"), "*3\r\n$1\r\n3\r\n$-1\r\n$1\r\n2\r\n");
  EXPECT_EQ(run("exists a a x"), ":2\r\n");
  EXPECT_EQ(run("dbsize"), ":2\r\n");
  EXPECT_EQ(run("del a a x"), ":1\r\n");
  EXPECT_EQ(run("type b"), "+string\r\n");
  EXPECT_EQ(run("type a"), "+none\r\n");
  EXPECT_EQ(run("flushall now"), "-ERR syntax error\r\n");
  EXPECT_EQ(run("flushall async"), "+OK\r\n");
  EXPECT_EQ(run("dbsize"), ":0\r\n");
}

TEST_F(command_test, AReplyIsBounded) {
  on.bounds.value_size_max_bytes = 1000;  // a reply: four of them
  run({"set", "k", std::string(1000, 'v')});
  EXPECT_EQ(run("mget k k k k"), "-ERR reply is longer than 4000 bytes\r\n");
  EXPECT_TRUE(run("mget k k k").starts_with("*3\r\n$1000\r\nvvv"));
}

TEST_F(command_test, AListOfClientsIsBoundedAsWell) {
  on.bounds.value_size_max_bytes = 16;
  const client named{.id = 8, .name = std::string(10, 'n')};
  on.clients = {{named.id, &named}};
  EXPECT_TRUE(run("client list").starts_with("$39\r\nid=8 addr= name=nnnnnnnnnn db=0 resp=2\n"));
  on.clients.emplace(9, &named);
  EXPECT_EQ(run("client list"), "-ERR reply is longer than 64 bytes\r\n");
}

TEST_F(command_test, Expire) {
  EXPECT_EQ(run("expire k 10"), ":0\r\n");
  run("set k v");
  EXPECT_EQ(run("ttl k"), ":-1\r\n");
  EXPECT_EQ(run("expire k 5"), ":1\r\n");
  EXPECT_EQ(run("ttl k"), ":5\r\n");
  EXPECT_EQ(run("expire k 9223372036854775807"),
            "-ERR invalid expire time in 'expire' command\r\n");
  EXPECT_EQ(run("expire k -1"), ":1\r\n");
  EXPECT_EQ(run("exists k"), ":0\r\n");
}

TEST_F(command_test, Connection) {
  EXPECT_EQ(run("select 0"), "+OK\r\n");
  EXPECT_EQ(run("select 1"), "-ERR DB index is out of range\r\n");
  EXPECT_EQ(run("hello 3"), "-NOPROTO unsupported protocol version\r\n");
  EXPECT_EQ(run("hello x"), "-ERR Protocol version is not an integer or out of range\r\n");
  EXPECT_EQ(run("hello 2 foo"), "-ERR Syntax error in HELLO option 'foo'\r\n");
  EXPECT_TRUE(run("hello 2").starts_with("*14\r\n$6\r\nserver\r\n"));
  EXPECT_EQ(run("client setname me"), "+OK\r\n");
  EXPECT_EQ(run("client getname"), "$2\r\nme\r\n");
  EXPECT_EQ(run({"client", "setname", "a b"}),
            "-ERR Client names cannot contain spaces, newlines or special characters.\r\n");
  EXPECT_EQ(run("client id"), ":7\r\n");
  EXPECT_FALSE(from.quits);
  EXPECT_EQ(run("quit"), "+OK\r\n");
  EXPECT_TRUE(from.quits);
}

TEST_F(command_test, ConfigGetTakesPatterns) {
  EXPECT_EQ(run("config get save"), "*2\r\n$4\r\nsave\r\n$0\r\n\r\n");
  EXPECT_EQ(run("config get MAXCLIENTS nothing"), "*2\r\n$10\r\nmaxclients\r\n$5\r\n10000\r\n");
  EXPECT_EQ(run("config get nothing"), "*0\r\n");
  EXPECT_TRUE(run("config get *").starts_with("*8\r\n"));
  EXPECT_EQ(run("config set save x"), "-ERR unknown subcommand 'set'. Try CONFIG HELP.\r\n");
}

TEST_F(command_test, InfoHasItsSections) {
  run("set k v ex 10");
  const std::string all = run("info");
  for (const char* line : {"# Server", "# Clients", "used_memory:", "backend:epoll",
                           "backend_reason:", "kernel_entries:", "db0:keys=1,expires=1"}) {
    EXPECT_NE(all.find(line), std::string::npos) << line;
  }
  const std::string one = run("info KeySpace");
  EXPECT_NE(one.find("# Keyspace"), std::string::npos);
  EXPECT_EQ(one.find("# Server"), std::string::npos);
  EXPECT_EQ(run("info nothing"), "$0\r\n\r\n");
}

TEST_F(command_test, CommandsDescribeThemselves) {
  EXPECT_EQ(run("command count"), ":22\r\n");
  EXPECT_TRUE(run("command").starts_with(
      "*22\r\n*6\r\n$3\r\nget\r\n:2\r\n*0\r\n:1\r\n:1\r\n:1\r\n*6\r\n$3\r\nset\r\n"));
  EXPECT_EQ(run("command docs get"), "*0\r\n");
}

}  // namespace
}  // namespace kv
