// myrac json, dump and random: messages for people and for tests.

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>

#include "console.hpp"
#include "myra/schema/literal.hpp"
#include "myra/schema/message_text.hpp"
#include "verbs.hpp"

namespace myra::compiler {
namespace {

constexpr std::size_t input_size_max_bytes = 64u << 20;

struct message_options {
  schema::compile_options compile;
  std::string message;
  std::string input;
  bool hex = false;
};

void add_options(CLI::App& app, message_options& options) {
  app.add_option("SCHEMA", options.compile.schema_path, "The .myra.yml file")->required();
  app.add_option("--message", options.message, "Which message of it, such as order")->required();
  app.add_option("--lock", options.compile.ledger_path,
                 "The ledger of SCHEMA (default: NAME.myra.lock beside it)");
  app.add_flag("--hex", options.hex,
               "Bytes are hex digits, in and out; blanks between them count not");
}

void add_input(CLI::App& app, message_options& options) {
  app.add_option("FILE", options.input, "What is read (default: standard input)");
}

int fail(const std::string& what) {
  tell("myrac: " + what + '\n');
  return exit_wrong;
}

std::optional<std::string> read_input(const std::string& path) {
  std::ifstream file;
  if (!path.empty()) file.open(path, std::ios::binary);
  std::istream& from = path.empty() ? std::cin : file;
  std::string text;
  char piece[65536];
  while (from.read(piece, sizeof piece) || from.gcount() > 0) {
    text.append(piece, static_cast<std::size_t>(from.gcount()));
    if (text.size() > input_size_max_bytes) break;
  }
  if (!path.empty() && !file.is_open()) {
    tell("myrac: cannot read " + path + '\n');
    return std::nullopt;
  }
  if (text.size() <= input_size_max_bytes) return text;
  tell("myrac: the input has more than " + std::to_string(input_size_max_bytes) + " bytes\n");
  return std::nullopt;
}

/// The bytes that `text` is, or writes in hex; nothing where it writes none.
std::optional<std::string> bytes_of(std::string text, bool is_hex) {
  if (!is_hex) return text;
  std::erase_if(text, [](char each) { return each == ' ' || each == '\n' || each == '\r'; });
  const auto bytes = schema::parse_literal(schema::type_kind::bytes, text);
  if (bytes) return std::get<std::string>(*bytes);
  tell("myrac: the input is not hex: expected " + bytes.error() + '\n');
  return std::nullopt;
}

void put(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

void put_bytes(const std::string& bytes, bool is_hex) {
  put(is_hex ? schema::hex_text(bytes) + '\n' : bytes);
}

/// Calls `use` with the message that the options name, in the schema that they name.
template <class Use>
int with_message(const message_options& options, const Use& use) {
  const auto made = compile_or_tell(options.compile);
  if (!made) return exit_wrong;
  std::vector<std::string> known;
  for (std::uint32_t i = 0; i < made->schema.messages.size(); ++i) {
    const schema::message& each = made->schema.messages[i];
    const std::string qualified = schema::qualified_name(made->schema, each);
    if (each.name == options.message || qualified == options.message)
      return use(schema::message_type{made->schema, made->places, i});
    known.push_back(each.name);
  }
  return fail(
      "there is no message " + schema::in_quotes(options.message) + "; " +
      schema::suggestion(options.message, known, "there are: " + schema::enumerated(known)));
}

/// CLI11 would take the nearest number for one that does not fit.
std::string is_seed(const std::string& text) {
  std::uint64_t value = 0;
  const char* last = text.data() + text.size();
  const auto [end, wrong] = std::from_chars(text.data(), last, value);
  if (wrong == std::errc() && end == last) return "";
  return "found '" + text + "', expected a whole number from 0 to 18446744073709551615";
}

template <class Use>
int with_decoded(const message_options& options, const Use& use) {
  return with_message(options, [&](const schema::message_type& type) {
    auto input = read_input(options.input);
    if (!input) return exit_usage;
    const auto bytes = bytes_of(std::move(*input), options.hex);
    if (!bytes) return exit_wrong;
    const auto decoded = schema::decode_message(type, *bytes);
    if (!decoded) return fail(decoded.error());
    use(*bytes, *decoded);
    return 0;
  });
}

}  // namespace

int run_json(int argc, const char* const* argv) {
  message_options options;
  bool is_back = false;
  CLI::App app("Shows a message as JSON; with --back makes the message that JSON describes.",
               "myrac json");
  add_options(app, options);
  add_input(app, options);
  app.add_flag("--back", is_back, "From JSON to bytes");
  if (const auto status = parse(app, argc, argv)) return *status;
  if (!is_back)
    return with_decoded(options, [](const std::string&, const schema::decoded_message& decoded) {
      put(decoded.json + '\n');
    });
  return with_message(options, [&](const schema::message_type& type) {
    const auto input = read_input(options.input);
    if (!input) return exit_usage;
    const auto bytes = schema::encode_message(type, *input);
    if (!bytes) return fail(bytes.error());
    put_bytes(*bytes, options.hex);
    return 0;
  });
}

int run_dump(int argc, const char* const* argv) {
  message_options options;
  CLI::App app("Shows the bytes of a message in hex, each piece with its meaning.", "myrac dump");
  add_options(app, options);
  add_input(app, options);
  if (const auto status = parse(app, argc, argv)) return *status;
  return with_decoded(options,
                      [](const std::string& bytes, const schema::decoded_message& decoded) {
                        put(schema::dump_text(bytes, decoded.pieces));
                      });
}

int run_random(int argc, const char* const* argv) {
  message_options options;
  std::uint64_t seed = 1;
  bool is_json = false;
  CLI::App app("Makes a valid message that depends on the seed alone.", "myrac random");
  add_options(app, options);
  app.add_option("--seed", seed, "Any number of 64 bits (default: 1)")->check(is_seed);
  app.add_flag("--json", is_json, "As JSON");
  if (const auto status = parse(app, argc, argv)) return *status;
  return with_message(options, [&](const schema::message_type& type) {
    const std::string text = schema::random_json(type, seed);
    if (is_json) return put(text + '\n'), 0;
    const auto bytes = schema::encode_message(type, text);
    if (!bytes) return fail(bytes.error());
    put_bytes(*bytes, options.hex);
    return 0;
  });
}

}  // namespace myra::compiler
