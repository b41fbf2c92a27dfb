#include "codec/verify_costs.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "bench_shapes.hpp"
#include "codec/contender.hpp"
#include "codec/myra_codec.hpp"
#include "codec/order_book.hpp"
#include "codec/shapes.hpp"
#include "codec/shapes_myra.hpp"
#include "feed.hpp"

namespace codec_bench {
namespace {

using myra::byte_view;
using message = std::vector<std::byte>;
constexpr std::size_t message_count = 100;
constexpr std::size_t few = 1;
constexpr std::size_t many = 17;

/// The short way, and the long one that messages of other versions go.
template <class Message>
[[gnu::always_inline]] inline bool shortly(byte_view from) {
  return myra::codec::verify_quickly<Message>(from, {});
}
template <class Message>
[[gnu::always_inline]] inline bool fully(byte_view from) {
  myra::codec::block root;
  return myra::codec::verify_fully<Message>(from, {}, root).code == myra::codec_error::none;
}

// A list of so many texts; a map of so many entries, which are two texts each; six messages, each
// with a text and within the one before it; an order book. Never merged, though some are the same.
template <std::size_t>
struct texts {
  [[gnu::noipa]] static bool shortly(byte_view from) {
    return codec_bench::shortly<bench_shapes::person>(from);
  }
  [[gnu::noipa]] static bool fully(byte_view from) {
    return codec_bench::fully<bench_shapes::person>(from);
  }
};
template <std::size_t>
struct entries {
  [[gnu::noipa]] static bool shortly(byte_view from) {
    return codec_bench::shortly<feed::snapshot>(from);
  }
  [[gnu::noipa]] static bool fully(byte_view from) {
    return codec_bench::fully<feed::snapshot>(from);
  }
};
struct nested {
  [[gnu::noipa]] static bool shortly(byte_view from) {
    return codec_bench::shortly<bench_shapes::box1>(from);
  }
  [[gnu::noipa]] static bool fully(byte_view from) {
    return codec_bench::fully<bench_shapes::box1>(from);
  }
};
struct books {
  [[gnu::noipa]] static bool shortly(byte_view from) {
    return codec_bench::shortly<feed::snapshot>(from);
  }
  [[gnu::noipa]] static bool fully(byte_view from) {
    return codec_bench::fully<feed::snapshot>(from);
  }
};

/// An order book with limits: those by default, which the compiler knows, but one.
struct limited {
  // The compiler does not know them.
  static inline volatile std::uint32_t size_max_bytes = 1'000'000;
  static inline volatile std::uint32_t depth_max = 16;
  static inline volatile std::uint32_t element_count_max = 100'000;
  static inline volatile bool refuse_unordered_keys = true;

  [[gnu::always_inline]] static bool verify(byte_view from, const myra::codec::limits& bounds) {
    return feed::snapshot::verify(from, bounds).has_value();
  }
  [[gnu::noipa]] static bool nothing(byte_view from) { return verify(from, {}); }
  [[gnu::noipa]] static bool size(byte_view from) {
    return verify(from, {.size_max_bytes = size_max_bytes});
  }
  [[gnu::noipa]] static bool depth(byte_view from) {
    return verify(from, {.depth_max = depth_max});
  }
  [[gnu::noipa]] static bool elements(byte_view from) {
    return verify(from, {.element_count_max = element_count_max});
  }
  [[gnu::noipa]] static bool keys(byte_view from) {
    return verify(from, {.refuse_unordered_keys = refuse_unordered_keys});
  }
};

template <class Codec, class Plain>
std::vector<message> encoded(const std::vector<Plain>& plain) {
  std::array<std::byte, 4096> memory;
  std::vector<message> made;
  for (std::size_t i = 0; i < message_count; ++i) {
    const byte_run one = Codec::encode(plain[i % plain.size()], {memory.data(), memory.size()});
    made.emplace_back(one.data, one.data + one.size);
  }
  return made;
}

std::vector<message> persons_with(std::size_t tags) {
  bench_plain::person one;
  for (std::string& text : one.texts) text = "text";
  one.tags.assign(tags, "tag");
  return encoded<myra_person>(std::vector{one});
}

std::vector<message> books_with(std::size_t entry_count) {
  order_book::snapshot one = order_book::sample()[0];
  one.metadata.clear();
  for (std::size_t i = 0; i < entry_count; ++i)
    one.metadata.emplace_back(std::string(1, static_cast<char>('a' + i)), "value");
  return encoded<myra_book>(std::vector{one});
}

void run(bool (*verify)(byte_view), const std::vector<message>& messages, int repeats) {
  for (int i = 0; i < repeats; ++i) {
    for (const message& one : messages) {
      if (verify(one)) continue;
      std::fprintf(stderr, "codec-bench: a message of its own was refused\n");
      std::exit(1);
    }
  }
}

template <class Of>
void run_both(const std::vector<message>& messages, int repeats) {
  run(Of::shortly, messages, repeats);
  run(Of::fully, messages, repeats);
}

}  // namespace

void count_verify_costs(int repeats) {
  run_both<texts<few>>(persons_with(few), repeats);
  run_both<texts<many>>(persons_with(many), repeats);
  run_both<entries<few>>(books_with(few), repeats);
  run_both<entries<many>>(books_with(many), repeats);
  run_both<nested>(encoded<myra_box>(bench_plain::boxes(message_count)), repeats);
  const std::vector<message> sample = encoded<myra_book>(order_book::sample());
  run_both<books>(sample, repeats);
  for (const auto verify :
       {limited::nothing, limited::size, limited::depth, limited::elements, limited::keys})
    run(verify, sample, repeats);
  std::printf("costs %zu messages\n", message_count * static_cast<std::size_t>(repeats));
}

}  // namespace codec_bench
