// The end of a page, with one behind it that may not be touched.
#pragma once

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>

#include "myra/core/bytes.hpp"

namespace codec_test {

/// Memory whose last byte is the last one before a page that may not be touched.
class guarded {
 public:
  guarded() : page_(static_cast<std::size_t>(sysconf(_SC_PAGESIZE))) {
    void* mapped =
        mmap(nullptr, 2 * page_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT_NE(mapped, MAP_FAILED);
    start_ = static_cast<std::byte*>(mapped);
    EXPECT_EQ(mprotect(start_ + page_, page_, PROT_NONE), 0);
  }
  guarded(const guarded&) = delete;
  guarded& operator=(const guarded&) = delete;
  ~guarded() { munmap(start_, 2 * page_); }

  myra::byte_view at_the_edge(myra::byte_view message) {
    std::byte* to = start_ + page_ - message.size();
    if (!message.empty()) std::memcpy(to, message.data(), message.size());
    return {to, message.size()};
  }

 private:
  std::size_t page_;
  std::byte* start_;
};

}  // namespace codec_test
