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

// Each call has a result of its own, or the compiler would make one function of several.

/// The short way, and the long one that messages of other versions go.
template <class Message>
[[gnu::always_inline]] inline int shortly(byte_view from, int result) {
  return myra::codec::verify_quickly<Message>(from, {}) ? result : 0;
}
template <class Message>
[[gnu::always_inline]] inline int fully(byte_view from, int result) {
  myra::codec::block root;
  const auto failure = myra::codec::verify_fully<Message>(from, {}, root);
  return failure.code == myra::codec_error::none ? result : 0;
}

/// A list of so many texts.
template <std::size_t Count>
struct texts {
  [[gnu::noinline]] static int shortly(byte_view from) {
    return codec_bench::shortly<bench_shapes::person>(from, 100 + Count);
  }
  [[gnu::noinline]] static int fully(byte_view from) {
    return codec_bench::fully<bench_shapes::person>(from, 100 + Count);
  }
};
/// An order book with a map of so many entries, which are two texts each.
template <std::size_t Count>
struct entries {
  [[gnu::noinline]] static int shortly(byte_view from) {
    return codec_bench::shortly<feed::snapshot>(from, 200 + Count);
  }
  [[gnu::noinline]] static int fully(byte_view from) {
    return codec_bench::fully<feed::snapshot>(from, 200 + Count);
  }
};
/// Six messages, each with a text and within the one before it.
struct nested {
  [[gnu::noinline]] static int shortly(byte_view from) {
    return codec_bench::shortly<bench_shapes::box1>(from, 300);
  }
  [[gnu::noinline]] static int fully(byte_view from) {
    return codec_bench::fully<bench_shapes::box1>(from, 300);
  }
};
/// The order books of the sample.
struct books {
  [[gnu::noinline]] static int shortly(byte_view from) {
    return codec_bench::shortly<feed::snapshot>(from, 400);
  }
  [[gnu::noinline]] static int fully(byte_view from) {
    return codec_bench::fully<feed::snapshot>(from, 400);
  }
};

/// An order book with limits: those by default, which the compiler knows, but one.
struct limited {
  // The compiler does not know them.
  static inline volatile std::uint32_t size_max_bytes = 1'000'000;
  static inline volatile std::uint32_t depth_max = 16;
  static inline volatile std::uint32_t element_count_max = 100'000;
  static inline volatile bool refuse_unordered_keys = true;

  [[gnu::always_inline]] static int verify(byte_view from, const myra::codec::limits& bounds) {
    return feed::snapshot::verify(from, bounds) ? 1 : 0;
  }
  [[gnu::noinline]] static int nothing(byte_view from) { return verify(from, {}); }
  [[gnu::noinline]] static int size(byte_view from) {
    return verify(from, {.size_max_bytes = size_max_bytes});
  }
  [[gnu::noinline]] static int depth(byte_view from) {
    return verify(from, {.depth_max = depth_max});
  }
  [[gnu::noinline]] static int elements(byte_view from) {
    return verify(from, {.element_count_max = element_count_max});
  }
  [[gnu::noinline]] static int keys(byte_view from) {
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

void run(int (*verify)(byte_view), const std::vector<message>& messages, int repeats) {
  for (int i = 0; i < repeats; ++i) {
    for (const message& one : messages) {
      if (verify(one) != 0) continue;
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
