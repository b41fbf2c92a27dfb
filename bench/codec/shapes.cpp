#include "codec/shapes.hpp"

#include <random>

namespace bench_plain {
namespace {

class dice {
 public:
  std::uint64_t next() { return engine_(); }
  std::size_t below(std::size_t bound) { return engine_() % bound; }
  std::string word(std::size_t size_min, std::size_t size_max) {
    std::string made(size_min + below(size_max - size_min + 1), ' ');
    for (char& one : made) one = static_cast<char>('a' + below(26));
    return made;
  }

 private:
  std::mt19937_64 engine_{20251111};
};

}  // namespace

std::vector<tick> ticks(std::size_t count) {
  dice random;
  std::vector<tick> made(count);
  for (tick& one : made) {
    one.id = random.next();
    one.price = static_cast<std::int64_t>(random.below(1'000'000'000));
    one.quantity = static_cast<std::int64_t>(random.below(10'000));
    one.at = static_cast<std::int64_t>(random.next() >> 1);
    one.ratio = static_cast<double>(random.below(1000)) / 8;
    one.weight = static_cast<double>(random.below(1000)) / 4;
    one.venue = static_cast<std::uint32_t>(random.below(50));
    one.instrument = static_cast<std::uint32_t>(random.next());
    one.flags = static_cast<std::uint16_t>(random.next());
    one.way = static_cast<std::uint8_t>(1 + random.below(2));
    one.is_open = random.below(2) == 0;
    one.is_auction = random.below(10) == 0;
  }
  return made;
}

std::vector<person> persons(std::size_t count) {
  dice random;
  std::vector<person> made(count);
  for (person& one : made) {
    for (std::string& text : one.texts) text = random.word(2, 25);
    one.tags.resize(random.below(6));
    for (std::string& tag : one.tags) tag = random.word(3, 10);
  }
  return made;
}

std::vector<box> boxes(std::size_t count) {
  dice random;
  std::vector<box> made(count);
  for (box& one : made) {
    for (std::uint32_t& id : one.ids) id = static_cast<std::uint32_t>(random.next());
    for (std::string& label : one.labels) label = random.word(2, 12);
  }
  return made;
}

}  // namespace bench_plain
