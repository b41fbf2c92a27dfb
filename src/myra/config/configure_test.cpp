#include "myra/config/configure.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

namespace myra::config {
namespace {

class configure_test : public testing::Test {
 protected:
  void SetUp() override {
    target.listener.address = "127.0.0.1:7000";
    made.fields = fields_of(target, parts);
    made.fields.push_back(
        number({"demo.depth", "depth"}, "How deep.", depth, {.least = 1, .most = 9}));
    made.fields.push_back(flag({"demo.loud", "loud"}, "How loud.", loud));
    made.check = [this] { return check(target, parts); };
  }
  ~configure_test() override {
    if (!path.empty()) std::remove(path.c_str());
  }

  /// Empty when the program goes on, the text when it ends well, or "error: " and the line.
  std::string parsed(const std::vector<std::string>& arguments) {
    const auto found = parse(arguments, made);
    if (!found) return "error: " + describe(found.error());
    EXPECT_EQ(found->ends, !found->text.empty());
    return found->text;
  }
  std::string refused(const std::vector<std::string>& arguments) {
    const auto found = parse(arguments, made);
    EXPECT_FALSE(found);
    return found ? "" : found.error().what;
  }
  int status_of(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "demo");
    return configure(static_cast<int>(arguments.size()), arguments.data(), made).value_or(-1);
  }
  const std::string& file_with(const std::string& text) {
    path = testing::TempDir() + "myra-configure-" + std::to_string(::getpid()) + ".toml";
    std::ofstream(path) << text;
    return path;
  }

  const offered parts{.threads = true, .listener = true};
  options target;
  std::uint32_t depth = 2;
  bool loud = false;
  program made{.name = "demo",
               .summary = "Shows how it is done.",
               .examples = "demo --listen '*:0'\ndemo --depth 3",
               .fields = {},
               .check = {}};
  std::string path;
};

TEST_F(configure_test, nothing_said_changes_nothing) {
  EXPECT_EQ(parsed({}), "");
  EXPECT_EQ(target.listener.address, "127.0.0.1:7000");
  EXPECT_EQ(target.threads, 1U);
}

TEST_F(configure_test, options_are_long_or_brief_with_a_space_or_an_equals_sign) {
  EXPECT_EQ(parsed({"--listen", "*:1", "--reactor.backend=epoll", "--threads", "2", "--depth=3",
                    "--loud", "--reactor.pool.slot-size-bytes", "4KiB", "--listener.reuse-port"}),
            "");
  EXPECT_EQ(target.listener.address, "*:1");
  EXPECT_EQ(target.reactor.backend, io::backend_kind::epoll);
  EXPECT_EQ(target.threads, 2U);
  EXPECT_EQ(target.reactor.pool.slot_size_bytes, 4096U);
  EXPECT_TRUE(target.listener.reuse_port);
  EXPECT_EQ(depth, 3U);
  EXPECT_TRUE(loud);
}

TEST_F(configure_test, a_flag_is_switched_off_with_no) {
  EXPECT_EQ(parsed({"--no-connection.no-delay", "--loud", "--listener.reuse-address=false"}), "");
  EXPECT_FALSE(target.listener.connection.no_delay);
  EXPECT_FALSE(target.listener.reuse_address);
  EXPECT_TRUE(loud);
  EXPECT_EQ(parsed({"--no-loud"}), "");
  EXPECT_FALSE(loud);
}

TEST_F(configure_test, of_an_option_given_twice_the_last_counts) {
  EXPECT_EQ(parsed({"--threads", "2", "--threads", "4"}), "");
  EXPECT_EQ(target.threads, 4U);
}

TEST_F(configure_test, the_command_line_overrides_the_file) {
  const std::string& file =
      file_with("threads = 3\n[demo]\ndepth = 7\n[reactor]\nbackend = \"epoll\"\n");
  EXPECT_EQ(parsed({"--threads", "2", "--config", file}), "");
  EXPECT_EQ(target.threads, 2U);
  EXPECT_EQ(depth, 7U);
  EXPECT_EQ(target.reactor.backend, io::backend_kind::epoll);
}

TEST_F(configure_test, mistakes_name_the_option_and_what_is_allowed) {
  EXPECT_EQ(refused({"--depth", "10"}), "--depth: found 10, allowed 1 to 9");
  EXPECT_EQ(refused({"--depth", "two"}), "--depth: found \"two\", allowed 1 to 9");
  EXPECT_EQ(refused({"--loud=perhaps"}), "--loud: found \"perhaps\", allowed true or false");
  EXPECT_EQ(refused({"--reactor.backend", "iocp"}),
            "--backend: found \"iocp\", allowed \"auto\", \"uring\" or \"epoll\"");
  EXPECT_EQ(refused({"--listen", "--loud"}).substr(0, 27), "--listen: found \"--loud\", a");
}

TEST_F(configure_test, unknown_options_are_refused_with_the_nearest_known_one) {
  EXPECT_EQ(refused({"--dept", "3"}), "unknown option --dept; did you mean --depth?");
  EXPECT_EQ(refused({"--lissen=*:1"}), "unknown option --lissen; did you mean --listen?");
  EXPECT_EQ(refused({"--no-lod"}), "unknown option --no-lod; did you mean --no-loud?");
  EXPECT_EQ(refused({"--frobnicate"}), "unknown option --frobnicate");
  EXPECT_EQ(refused({"-x"}).substr(0, 17), "unknown option -x");
  EXPECT_EQ(refused({"7000"}),
            "found \"7000\", which belongs to no option; values follow their option's name");
  EXPECT_EQ(refused({"--connect", "*:1"}).substr(0, 24), "unknown option --connect");
}

TEST_F(configure_test, a_missing_value_is_told) {
  const std::string of_depth = "--depth: found nothing, allowed 1 to 9";
  EXPECT_EQ(refused({"--depth"}), of_depth);
  EXPECT_EQ(refused({"--depth="}), of_depth);
  EXPECT_EQ(refused({"--demo.depth"}), of_depth) << "the long name";
  EXPECT_EQ(refused({"--loud", "--threads", "2", "--depth"}), of_depth) << "behind others";
  EXPECT_EQ(refused({"--depth", "3", "--depth"}), of_depth) << "the second time";
  EXPECT_EQ(refused({"--config"}), "--config: found nothing, allowed a file");
  EXPECT_EQ(refused({"--config="}), "--config: found nothing, allowed a file");
}

TEST_F(configure_test, a_mistake_in_the_file_is_told_with_its_place) {
  const std::string& file = file_with("[demo]\ndept = 7\n");
  EXPECT_EQ(refused({"--config", file}),
            file + ":2:1: unknown key demo.dept; did you mean demo.depth?");
}

TEST_F(configure_test, what_does_not_go_together_is_refused) {
  EXPECT_EQ(refused({"--connection.send-high-water-bytes", "5", "--connection.send-low-water-bytes",
                     "6"}),
            "connection.send_low_water_bytes: found 6, allowed less than send_high_water_bytes");
}

TEST_F(configure_test, a_required_field_has_to_be_given_somewhere) {
  std::string peer;
  made.fields.push_back(required(address({"demo.peer", "peer"}, "Whom to ask.", peer)));
  EXPECT_EQ(refused({}), "--peer HOST:PORT is missing: Whom to ask.");
  EXPECT_EQ(parsed({"--peer", "127.0.0.1:1"}), "");
  peer.clear();
  EXPECT_EQ(parsed({"--config", file_with("demo.peer = '127.0.0.1:1'")}), "");
}

TEST_F(configure_test, help_shows_the_everyday_options_with_their_defaults_and_the_examples) {
  const std::string help = parsed({"--help"});
  for (const char* wanted :
       {"demo: Shows how it is done.", "--listen HOST:PORT", "(127.0.0.1:7000)",
        "--backend auto|uring|epoll", "--depth N", "How deep. (2)", "--loud", "--config FILE",
        "  demo --listen '*:0'\n  demo --depth 3\n", "--help-all"})
    EXPECT_NE(help.find(wanted), std::string::npos) << wanted << "\nin\n" << help;
  EXPECT_EQ(help.find("slot-size"), std::string::npos);
  EXPECT_EQ(parsed({"-h"}), help);
  EXPECT_EQ(parsed({"--depth", "99", "--help"}), help)
      << "help is to be had whatever else is wrong";
}

TEST_F(configure_test, full_help_shows_every_option_with_what_is_allowed) {
  const std::string help = parsed({"--help-all"});
  for (const field& each : made.fields) {
    EXPECT_NE(help.find(each.allowed), std::string::npos) << each.name.full;
    EXPECT_NE(help.find(each.help), std::string::npos) << each.name.full;
  }
  EXPECT_NE(help.find("--reactor.pool.slot-size-bytes SIZE"), std::string::npos);
}

TEST_F(configure_test, the_printed_configuration_is_what_is_in_effect_and_reads_back_equal) {
  const std::string printed =
      parsed({"--print-config", "--threads", "5", "--config", file_with("demo.depth = 4\n")});
  EXPECT_EQ(printed, print(made.fields));
  EXPECT_NE(printed.find("threads = 5\n"), std::string::npos);
  EXPECT_NE(printed.find("depth = 4\n"), std::string::npos);
  target = {};
  depth = 1;
  EXPECT_EQ(parsed({"--config", file_with(printed)}), "");
  EXPECT_EQ(print(made.fields), printed);
}

TEST_F(configure_test, a_program_of_options_has_their_fields_and_their_check) {
  const program offers = program_of(target, {.listener = true});
  EXPECT_EQ(offers.fields.size(), fields_of(target, {.listener = true}).size());
  EXPECT_EQ(offers.check(), "");
  target.listener.connection.send_low_water_bytes = 2;
  target.listener.connection.send_high_water_bytes = 1;
  EXPECT_NE(offers.check(), "");
}

TEST_F(configure_test, the_exit_status_is_2_for_bad_usage_with_one_line_and_0_for_what_was_asked) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(status_of({"--depth", "10"}), 2);
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "demo: --depth: found 10, allowed 1 to 9 (see demo --help)\n");
  testing::internal::CaptureStderr();
  EXPECT_EQ(status_of({"--config", "/no/such/file"}), 2);
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "demo: cannot read the configuration file /no/such/file: No such file or directory "
            "(see demo --help)\n");
  testing::internal::CaptureStdout();
  EXPECT_EQ(status_of({"--help"}), 0);
  EXPECT_NE(testing::internal::GetCapturedStdout().find("Usage: demo"), std::string::npos);
  EXPECT_EQ(status_of({"--depth", "3"}), -1) << "goes on";
}

}  // namespace
}  // namespace myra::config
