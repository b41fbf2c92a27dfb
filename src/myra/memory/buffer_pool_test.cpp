#include "myra/memory/buffer_pool.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <fstream>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "myra/core/error.hpp"
#include "myra/core/sanitizer_test.hpp"
#include "myra/memory/buffer.hpp"

namespace myra {
namespace {

buffer_pool::owner open_pool(std::uint32_t initial, std::uint32_t most) {
  return buffer_pool::open(
             {.slot_size_bytes = 256, .slot_count_initial = initial, .slot_count_max = most})
      .value();
}

/// Everything is somewhere, and where it is believed to be.
void expect_accounts(const buffer_pool& pool, std::uint32_t application, std::uint32_t kernel) {
  EXPECT_EQ(pool.application_count(), application);
  EXPECT_EQ(pool.kernel_count(), kernel);
  EXPECT_EQ(pool.free_count(), pool.slot_count() - application - kernel);
}

TEST(buffer_pool, opens_with_the_slots_asked_for) {
  const auto pool = open_pool(100, 1000);
  EXPECT_EQ(pool->slot_count(), 100U);
  EXPECT_EQ(pool->slot_count_max(), 1000U);
  EXPECT_EQ(pool->slot_size_bytes(), 256U);
  EXPECT_EQ(pool->pages(), page_kind::ordinary);
  expect_accounts(*pool, 0, 0);
}

TEST(buffer_pool, grows_to_its_limit_and_then_says_no) {
  const auto pool = open_pool(0, 150);
  EXPECT_EQ(pool->slot_count(), 0U);
  std::vector<buffer> held;
  std::set<const std::byte*> places;
  for (std::uint32_t i = 0; i < 150; ++i) {
    held.push_back(pool->acquire());
    ASSERT_TRUE(held.back()) << i;
    EXPECT_TRUE(places.insert(held.back().bytes().data()).second);
    expect_accounts(*pool, i + 1, 0);
  }
  EXPECT_EQ(pool->slot_count(), 150U);
  EXPECT_FALSE(pool->acquire());
  EXPECT_EQ(pool->lend_to_kernel(), nullptr);
  held.pop_back();
  EXPECT_TRUE(held.emplace_back(pool->acquire()));
  held.clear();
  expect_accounts(*pool, 0, 0);
  EXPECT_EQ(pool->slot_count(), 150U);
}

TEST(buffer_pool, slots_do_not_overlap_and_are_aligned_to_cache_lines) {
  const auto pool = open_pool(3, 200);
  std::vector<buffer> held;
  while (buffer next = pool->acquire()) {
    std::memset(next.writable().data(), static_cast<int>(held.size()), next.size());
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(next.bytes().data()) % 64, 0U);
    held.push_back(std::move(next));
  }
  ASSERT_EQ(held.size(), 200U);
  for (std::size_t i = 0; i < held.size(); ++i)
    for (const std::byte each : held[i].bytes()) ASSERT_EQ(each, static_cast<std::byte>(i));
}

TEST(buffer_pool, indices_are_dense_and_stay_with_their_slot) {
  const auto pool = open_pool(10, 100);
  std::vector<slot*> lent;
  while (slot* next = pool->lend_to_kernel()) lent.push_back(next);
  ASSERT_EQ(lent.size(), 100U);
  std::set<std::uint32_t> indices;
  for (slot* each : lent) {
    EXPECT_LT(each->index, 100U);
    EXPECT_TRUE(indices.insert(each->index).second);
    EXPECT_EQ(&pool->at(each->index), each);
  }
  for (slot* each : lent) pool->reclaim(*each);
}

TEST(buffer_pool, the_kernels_slots_are_counted_until_they_come_back) {
  const auto pool = open_pool(8, 8);
  slot* unused = pool->lend_to_kernel();
  slot* filled = pool->lend_to_kernel();
  ASSERT_NE(unused, nullptr);
  ASSERT_NE(filled, nullptr);
  expect_accounts(*pool, 0, 2);
  pool->reclaim(*unused);
  expect_accounts(*pool, 0, 1);
  filled->memory[0] = std::byte{'x'};
  {
    const buffer received = pool->from_kernel(filled->index, 1);
    EXPECT_EQ(as_text(received.bytes()), "x");
    expect_accounts(*pool, 1, 0);
  }
  expect_accounts(*pool, 0, 0);
}

TEST(buffer_pool, a_slot_in_pieces_comes_home_with_the_last_of_them) {
  const auto pool = open_pool(1, 1);
  slot* filled = pool->lend_to_kernel();
  ASSERT_NE(filled, nullptr);
  std::memcpy(filled->memory, "abcdef", 6);
  buffer first = pool->piece_from_kernel(filled->index, 2);
  buffer second = pool->piece_from_kernel(filled->index, 4);
  EXPECT_EQ(as_text(first.bytes()), "ab");
  EXPECT_EQ(as_text(second.bytes()), "cdef");
  EXPECT_EQ(first.capacity(), 2U) << "what follows is another's";
  EXPECT_EQ(pool->piece_count(), 2U);
  first.release();
  EXPECT_EQ(pool->free_count(), 0U) << "the kernel still has it";
  pool->end_pieces(*filled);
  EXPECT_EQ(pool->free_count(), 0U) << "a piece is still out";
  EXPECT_EQ(as_text(second.bytes()), "cdef");
  second.release();
  EXPECT_EQ(pool->piece_count(), 0U);
  expect_accounts(*pool, 0, 0);
  EXPECT_TRUE(pool->acquire());
}

TEST(buffer_pool, pieces_that_came_home_before_the_kernel_left_keep_nothing) {
  const auto pool = open_pool(2, 2);
  slot* filled = pool->lend_to_kernel();
  pool->piece_from_kernel(filled->index, 256).release();
  expect_accounts(*pool, 0, 1);
  pool->end_pieces(*filled);
  expect_accounts(*pool, 0, 0);
}

TEST(buffer_pool, a_piece_of_no_bytes_is_no_buffer) {
  const auto pool = open_pool(1, 1);
  slot* filled = pool->lend_to_kernel();
  EXPECT_FALSE(pool->piece_from_kernel(filled->index, 0));
  EXPECT_EQ(pool->piece_count(), 0U);
  pool->end_pieces(*filled);
  expect_accounts(*pool, 0, 0);
}

TEST(buffer_pool, a_piece_is_lent_to_a_send_like_a_slot) {
  const auto pool = open_pool(2, 2);
  slot* filled = pool->lend_to_kernel();
  slot* sent = pool->piece_from_kernel(filled->index, 100).into_slot();
  pool->end_pieces(*filled);
  pool->hand_to_kernel(*sent);
  EXPECT_EQ(pool->kernel_count(), 1U);
  EXPECT_EQ(pool->application_count(), 1U) << "the slot that the piece keeps";
  pool->reclaim(*sent);
  expect_accounts(*pool, 0, 0);
}

TEST(buffer_pool, pieces_come_home_from_another_thread) {
  const auto pool = open_pool(4, 4);
  std::vector<buffer> pieces;
  for (int i = 0; i < 4; ++i) {
    slot* filled = pool->lend_to_kernel();
    for (int j = 0; j < 64; ++j) pieces.push_back(pool->piece_from_kernel(filled->index, 4));
    pool->end_pieces(*filled);
  }
  std::thread([gone = std::move(pieces)]() mutable { gone.clear(); }).join();
  EXPECT_EQ(pool->free_count(), 0U);
  pool->collect();
  EXPECT_EQ(pool->piece_count(), 0U);
  expect_accounts(*pool, 0, 0);
}

TEST(buffer_pool, a_send_lends_the_applications_slot_and_gives_it_back) {
  const auto pool = open_pool(8, 8);
  slot* sent = pool->acquire().into_slot();
  pool->hand_to_kernel(*sent);
  expect_accounts(*pool, 0, 1);
  pool->take_from_kernel(*sent);
  expect_accounts(*pool, 1, 0);
  pool->release(*sent);
  expect_accounts(*pool, 0, 0);
}

TEST(buffer_pool, what_was_released_last_is_used_first) {
  const auto pool = open_pool(8, 8);
  buffer first = pool->acquire();
  const std::byte* place = first.bytes().data();
  first.release();
  EXPECT_EQ(pool->acquire().into_slot()->memory, place);
  pool->release(pool->at(0));
}

struct mistake {
  pool_options options;
  const char* message;
};

TEST(buffer_pool, options_out_of_bounds_are_named_with_what_is_allowed) {
  const std::vector<mistake> mistakes = {
      {{.slot_size_bytes = 0},
       "pool.slot_size_bytes: found 0, allowed 64 to 1048576 in steps of 64"},
      {{.slot_size_bytes = 100},
       "pool.slot_size_bytes: found 100, allowed 64 to 1048576 in steps of 64"},
      {{.slot_size_bytes = 1048576 + 64},
       "pool.slot_size_bytes: found 1048640, allowed 64 to 1048576 in steps of 64"},
      {{.slot_count_initial = 0, .slot_count_max = 0},
       "pool.slot_count_max: found 0, allowed 1 to 32768"},
      {{.slot_count_max = 32769}, "pool.slot_count_max: found 32769, allowed 1 to 32768"},
      {{.slot_count_initial = 11, .slot_count_max = 10},
       "pool.slot_count_initial: found 11, allowed at most slot_count_max"},
  };
  for (const mistake& each : mistakes) {
    EXPECT_EQ(check(each.options), each.message);
    const auto pool = buffer_pool::open(each.options);
    ASSERT_FALSE(pool);
    EXPECT_TRUE(pool.error() == condition::invalid);
  }
  for (const pool_options& right :
       {pool_options{},
        pool_options{.slot_size_bytes = 64, .slot_count_initial = 1, .slot_count_max = 1},
        pool_options{.slot_size_bytes = 1048576, .slot_count_initial = 0, .slot_count_max = 32768}})
    EXPECT_EQ(check(right), "");
}

TEST(buffer_pool, memory_that_the_system_refuses_is_an_error) {
  if (sanitized) GTEST_SKIP() << "a sanitizer does not live under RLIMIT_AS";
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_AS, &before), 0);
  rlimit small = before;
  small.rlim_cur = rlim_t{256} * 1024 * 1024;
  ASSERT_EQ(::setrlimit(RLIMIT_AS, &small), 0);
  const auto refused = buffer_pool::open(
      {.slot_size_bytes = 1024 * 1024, .slot_count_initial = 1024, .slot_count_max = 1024});
  ASSERT_EQ(::setrlimit(RLIMIT_AS, &before), 0);
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error() == condition::resource_exhausted);
}

/// "Name: value kB" of a file of /proc, or of one mapping in /proc/self/smaps.
std::uint64_t kernel_figure(const char* path, const std::string& name, const std::byte* mapping) {
  std::ifstream file(path);
  bool inside = mapping == nullptr;
  for (std::string line; std::getline(file, line);) {
    std::uintptr_t from = 0;
    std::uintptr_t to = 0;
    if (mapping != nullptr && std::sscanf(line.c_str(), "%lx-%lx ", &from, &to) == 2) {
      const auto at = reinterpret_cast<std::uintptr_t>(mapping);
      inside = at >= from && at < to;
    }
    if (inside && line.starts_with(name + ':')) return std::stoull(line.substr(name.size() + 1));
  }
  return 0;
}

TEST(buffer_pool, huge_pages_are_asked_for_and_what_came_is_told) {
  const auto pool = buffer_pool::open({.slot_size_bytes = 16 * 1024,
                                       .slot_count_initial = 64,
                                       .slot_count_max = 64,
                                       .huge_pages = true})
                        .value();
  buffer used = pool->acquire();
  used.writable()[0] = std::byte{1};
  const std::byte* memory = used.bytes().data();
  const std::uint64_t page_kib = kernel_figure("/proc/self/smaps", "KernelPageSize", memory);
  switch (pool->pages()) {
    case page_kind::huge: EXPECT_GE(page_kib, 2048U); break;
    case page_kind::transparent_huge: {
      EXPECT_LT(page_kib, 2048U);
      EXPECT_EQ(kernel_figure("/proc/meminfo", "HugePages_Free", nullptr), 0U);
      break;
    }
    case page_kind::ordinary:
      EXPECT_LT(page_kib, 2048U);
      EXPECT_FALSE(std::ifstream("/sys/kernel/mm/transparent_hugepage/enabled").good());
      break;
  }
}

TEST(buffer_pool, a_buffer_released_on_another_thread_comes_home) {
  const auto pool = open_pool(4, 4);
  buffer away = pool->acquire();
  std::thread([moved = std::move(away)]() mutable { moved.release(); }).join();
  expect_accounts(*pool, 1, 0);  // not yet known here
  pool->collect();
  expect_accounts(*pool, 0, 0);
}

TEST(buffer_pool, acquire_takes_in_what_came_home_before_it_says_no) {
  const auto pool = open_pool(1, 1);
  buffer only = pool->acquire();
  EXPECT_FALSE(pool->acquire());
  std::thread([moved = std::move(only)]() mutable { moved.release(); }).join();
  EXPECT_TRUE(pool->acquire());
}

TEST(buffer_pool, a_pool_changes_its_thread_when_told) {
  const auto pool = open_pool(4, 4);
  std::thread([&] {
    pool->adopt_thread();
    buffer own = pool->acquire();
    own.release();
    expect_accounts(*pool, 0, 0);
  }).join();
  pool->adopt_thread();
  pool->acquire().release();
  expect_accounts(*pool, 0, 0);
}

TEST(buffer_pool, another_thread_may_send_its_buffers) {
  constexpr int rounds = 20'000;
  const auto pool = open_pool(8, 8);
  std::atomic<slot*> on_its_way{nullptr};
  std::thread other([&] {
    for (int i = 0; i < rounds; ++i) {
      slot* sent = nullptr;
      while ((sent = on_its_way.exchange(nullptr)) == nullptr) std::this_thread::yield();
      pool->hand_to_kernel(*sent);
      if (i % 2 == 0) {  // a send that was short
        pool->take_from_kernel(*sent);
        pool->hand_to_kernel(*sent);
      }
      pool->reclaim(*sent);
    }
  });
  for (int i = 0; i < rounds; ++i) {
    buffer next = pool->acquire();
    while (!next) next = pool->acquire();
    slot* given = std::move(next).into_slot();
    for (slot* none = nullptr; !on_its_way.compare_exchange_strong(none, given); none = nullptr) {
      pool->acquire().release();
      std::this_thread::yield();
    }
  }
  other.join();
  pool->collect();
  expect_accounts(*pool, 0, 0);
}

TEST(buffer_pool, memory_that_is_refused_is_not_obtainable_until_one_comes_back) {
  if (sanitized) GTEST_SKIP() << "a sanitizer does not live under RLIMIT_AS";
  const auto pool = open_pool(4, 4096);
  std::vector<buffer> held;
  while (pool->free_count() != 0) held.push_back(pool->acquire());
  const std::uint32_t not_made = pool->slot_count_max() - pool->slot_count();
  EXPECT_EQ(pool->obtainable_count(), not_made);
  rlimit before{};
  ::getrlimit(RLIMIT_AS, &before);
  const rlimit none_left{1024 * 1024, before.rlim_max};
  ::setrlimit(RLIMIT_AS, &none_left);
  const bool got = static_cast<bool>(pool->acquire());
  const std::uint32_t after_refusal = pool->obtainable_count();
  held.pop_back();
  const std::uint32_t after_return = pool->obtainable_count();
  held.push_back(pool->acquire());
  const bool got_another = pool->reserve(1);
  const std::uint32_t refused_again = pool->obtainable_count();
  pool->forget_refusal();
  const std::uint32_t forgotten = pool->obtainable_count();
  ::setrlimit(RLIMIT_AS, &before);
  EXPECT_FALSE(got);
  EXPECT_EQ(after_refusal, 0U);
  EXPECT_EQ(after_return, not_made + 1);
  EXPECT_FALSE(got_another);
  EXPECT_EQ(refused_again, 0U);
  EXPECT_EQ(forgotten, not_made);
  EXPECT_TRUE(pool->acquire());
}

void count_call(void* context) noexcept { static_cast<std::atomic<int>*>(context)->fetch_add(1); }

void release_elsewhere(buffer moved) {
  std::thread([held = std::move(moved)]() mutable { held.release(); }).join();
}

TEST(buffer_pool, one_homecoming_is_announced_for_each_time_it_is_wanted) {
  const auto pool = open_pool(8, 8);
  std::atomic<int> calls{0};
  pool->on_homecoming(&count_call, &calls);
  release_elsewhere(pool->acquire());
  EXPECT_EQ(calls.load(), 0) << "nobody waited";
  pool->collect();
  pool->want_homecoming();
  pool->acquire().release();
  EXPECT_EQ(calls.load(), 0) << "a release on the pool's own thread needs no call";
  release_elsewhere(pool->acquire());
  release_elsewhere(pool->acquire());
  EXPECT_EQ(calls.load(), 1);
  pool->want_homecoming();
  release_elsewhere(pool->acquire());
  EXPECT_EQ(calls.load(), 2);
}

TEST(buffer_pool, a_slot_that_came_home_before_it_was_wanted_is_not_missed) {
  const auto pool = open_pool(1, 1);
  std::atomic<int> calls{0};
  pool->on_homecoming(&count_call, &calls);
  release_elsewhere(pool->acquire());
  // The contract of one who waits: want, look again, then sleep.
  pool->want_homecoming();
  EXPECT_TRUE(pool->acquire());
}

/// Hands buffers to releasing threads, a few at a time.
class releasing_threads {
 public:
  explicit releasing_threads(int count) {
    for (int i = 0; i < count; ++i) threads_.emplace_back([this] { work(); });
  }
  ~releasing_threads() {
    ended_ = true;
    for (std::thread& each : threads_) each.join();
  }
  void give(buffer away) {
    const std::lock_guard guard(lock_);
    waiting_.push_back(std::move(away));
  }

 private:
  void work() {
    for (;;) {
      const bool last_look = ended_;
      std::vector<buffer> taken;
      {
        const std::lock_guard guard(lock_);
        for (int i = 0; i < 4 && !waiting_.empty(); ++i) {
          taken.push_back(std::move(waiting_.back()));
          waiting_.pop_back();
        }
      }
      if (taken.empty() && last_look) return;
      if (taken.empty()) std::this_thread::yield();
    }
  }

  std::mutex lock_;
  std::vector<buffer> waiting_;
  std::atomic<bool> ended_{false};
  std::vector<std::thread> threads_;
};

TEST(buffer_pool, four_threads_release_at_once_and_nothing_is_lost) {
  const auto pool = open_pool(64, 64);
  std::atomic<int> calls{0};
  pool->on_homecoming(&count_call, &calls);
  int wants = 0;
  {
    releasing_threads threads(4);
    for (int given = 0; given < 20'000;) {
      buffer away = pool->acquire();
      if (!away) {
        pool->want_homecoming();
        ++wants;
        away = pool->acquire();
      }
      if (!away) {
        std::this_thread::yield();
        continue;
      }
      std::memcpy(away.writable().data(), &given, sizeof given);
      threads.give(std::move(away));
      ++given;
    }
  }
  EXPECT_LE(calls.load(), wants);
  pool->collect();
  expect_accounts(*pool, 0, 0);
}

TEST(buffer_pool, one_who_sleeps_for_a_buffer_is_woken) {
  const auto pool = open_pool(2, 2);
  std::atomic<int> calls{0};
  pool->on_homecoming(
      [](void* context) noexcept {
        static_cast<std::atomic<int>*>(context)->fetch_add(1);
        static_cast<std::atomic<int>*>(context)->notify_one();
      },
      &calls);
  releasing_threads threads(2);
  for (int given = 0; given < 2000; ++given) {
    buffer away = pool->acquire();
    while (!away) {
      const int seen = calls.load();
      pool->want_homecoming();
      away = pool->acquire();
      if (!away) calls.wait(seen);  // would hang if a homecoming went by unannounced
      if (!away) away = pool->acquire();
    }
    threads.give(std::move(away));
  }
}

TEST(buffer_pool, a_pool_may_end_while_its_last_slots_are_on_their_way_home) {
  for (int round = 0; round < 200; ++round) {
    auto pool = open_pool(4, 4);
    std::atomic<bool> released{false};
    std::thread releaser([&, away = pool->acquire()]() mutable {
      away.release();
      released = true;
    });
    if (round % 2 == 0) {
      releaser.join();
    } else {
      while (!released) std::this_thread::yield();
    }
    pool.reset();
    if (releaser.joinable()) releaser.join();
  }
}

buffer_pool::owner open_area() { return buffer_pool::open_area(64 * 1024, false).value(); }

using place = std::pair<std::size_t, std::uint32_t>;

std::vector<place> taken_from(buffer_pool& area, std::uint32_t most) {
  std::vector<place> found;
  area.take_returned(
      most, [&](std::size_t offset, std::uint32_t size) { found.emplace_back(offset, size); });
  return found;
}

TEST(buffer_area, its_windows_lie_where_they_were_filled) {
  const auto area = open_area();
  ASSERT_EQ(area->region_count(), 1U);
  const mutable_byte_view memory = area->region_bytes(0);
  ASSERT_EQ(memory.size(), 64U * 1024);
  buffer first = area->from_area(0, 4096);
  buffer second = area->from_area(4096, 7);
  EXPECT_EQ(first.bytes().data(), memory.data());
  EXPECT_EQ(second.bytes().data(), memory.data() + 4096);
  EXPECT_EQ(second.size(), 7U);
  EXPECT_EQ(second.capacity(), 7U);
  EXPECT_EQ(area->application_count(), 2U);
  EXPECT_FALSE(area->acquire()) << "it has no slots";
}

TEST(buffer_area, what_comes_home_waits_for_who_fills_it) {
  const auto area = open_area();
  buffer first = area->from_area(8192, 4096);
  buffer second = area->from_area(100, 28);
  second.remove_prefix(20);
  EXPECT_TRUE(taken_from(*area, 16).empty());
  first.release();
  second.release();
  EXPECT_EQ(area->application_count(), 0U);
  EXPECT_EQ(area->returned_window_count(), 2U);
  EXPECT_EQ(area->returned_count(), 2U);
  std::vector<place> all = taken_from(*area, 1);
  EXPECT_EQ(all.size(), 1U);
  for (const place& each : taken_from(*area, 16)) all.push_back(each);
  EXPECT_EQ(std::set<place>(all.begin(), all.end()), (std::set<place>{{8192, 4096}, {100, 28}}));
  EXPECT_EQ(area->returned_window_count(), 0U);
}

TEST(buffer_area, windows_come_home_from_other_threads) {
  const auto area = open_area();
  std::atomic<int> calls{0};
  area->on_homecoming(&count_call, &calls);
  area->want_homecoming();
  release_elsewhere(area->from_area(0, 4096));
  EXPECT_EQ(calls.load(), 1);
  EXPECT_EQ(area->returned_window_count(), 0U) << "not collected yet";
  area->collect();
  EXPECT_EQ(taken_from(*area, 16), (std::vector<place>{{0, 4096}}));
}

TEST(buffer_area, one_byte_of_it_can_be_filled_a_thousand_times) {
  const auto area = open_area();
  for (int i = 0; i < 1000; ++i) {
    area->from_area(17, 1).release();
    EXPECT_EQ(taken_from(*area, 16).size(), 1U);
  }
}

TEST(buffer_area, huge_pages_are_whole_ones) {
  const auto area = buffer_pool::open_area(64 * 1024, true).value();
  EXPECT_EQ(area->region_bytes(0).size() % (2 * 1024 * 1024), 0U);
}

}  // namespace
}  // namespace myra
