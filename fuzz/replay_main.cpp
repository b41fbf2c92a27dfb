// Runs a fuzzer's entry once on each file named, or in each folder named, on the command line.
// What the fuzzers find stays found: ./dev test replays their corpora without libFuzzer.

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

// libFuzzer gives the name.
// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

namespace fs = std::filesystem;

bool replay_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> text{std::istreambuf_iterator<char>(file), {}};
  if (file.bad() || !file.is_open()) {
    std::fprintf(stderr, "%s: cannot be read\n", path.c_str());
    return false;
  }
  // A copy of exactly the input's size on the heap, so that a sanitizer sees a read past its end.
  const std::vector<std::uint8_t> input(text.begin(), text.end());
  // Before the run: an input that ends the program is the last one named.
  std::printf("%s\n", path.c_str());
  std::fflush(stdout);
  LLVMFuzzerTestOneInput(input.data(), input.size());
  return true;
}

// The number of files replayed, or -1 when one could not be read.
int replay(const fs::path& path) {
  if (!fs::is_directory(path)) return replay_file(path) ? 1 : -1;
  int count = 0;
  for (const auto& entry : fs::directory_iterator(path)) {
    if (!entry.is_regular_file()) continue;
    if (!replay_file(entry.path())) return -1;
    ++count;
  }
  return count;
}

}  // namespace

int main(int argc, char** argv) {
  int total = 0;
  for (int i = 1; i < argc; ++i) {
    const int count = replay(argv[i]);
    if (count < 0) return 1;
    total += count;
  }
  std::printf("%d inputs replayed\n", total);
  if (total > 0) return 0;
  std::fprintf(stderr, "usage: %s FILE_OR_FOLDER...   (at least one input)\n", argv[0]);
  return 1;
}
