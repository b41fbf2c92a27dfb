// Configuration files: what is read prints as a file that reads back to the same, and what is
// refused is refused in one line.
//
// Parser: src/myra/config/file.cpp src/myra/config/field.cpp src/myra/config/quantity.cpp
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz_input.hpp"
#include "myra/config/configure.hpp"

namespace {

using namespace myra::config;

struct target {
  bool flag = false;
  std::uint32_t number = 1;
  std::uint32_t size = 64;
  myra::duration time{};
  std::string address;
  std::string words;
  std::string cpus;
  myra::endpoint bind;
  std::uint32_t entries = 0;
  std::size_t chosen = 0;

  std::vector<field> fields() {
    return {myra::config::flag("flag", "Help.", flag),
            myra::config::number("a.number", "Help.", number, {.least = 1, .most = 9}),
            myra::config::size("a.size", "Help.", size, {.least = 64, .most = 1 << 20, .step = 64}),
            myra::config::time("a.b.time", "Help.", time),
            myra::config::address("address", "Help.", address),
            myra::config::text("words", "WORDS", "Help.", words),
            myra::config::cpu_list("cpus", "Help.", cpus),
            myra::config::address("bind", "Help.", bind),
            myra::config::number("entries", "Help.", entries,
                                 {.least = 8, .power_of_two = true, .zero_too = true}),
            one_of(
                "word", "Help.", {"first", "second", "third"}, [this] { return chosen; },
                [this](std::size_t found) { chosen = found; })};
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  target first;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto read = read_text(text, "x.toml", first.fields());
  if (!read) {
    fuzz::require(read.error().what.find('\n') == std::string::npos, "a refusal is one line");
    return 0;
  }
  const std::string printed = print(first.fields());
  target second;
  fuzz::require(read_text(printed, "printed.toml", second.fields()).has_value(),
                "what is printed reads back");
  fuzz::require(print(second.fields()) == printed, "and is the same");
  const std::vector<field> fields = second.fields();
  fuzz::require(print(std::span(fields).subspan(1, 1)).starts_with("[a]"), "a table has a head");
  return 0;
}
