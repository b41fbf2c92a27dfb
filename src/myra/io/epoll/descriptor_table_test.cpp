#include "myra/io/epoll/descriptor_table.hpp"

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>

namespace myra::io {
namespace {

class descriptor_table_test : public testing::Test {
 protected:
  ~descriptor_table_test() override {
    ::close(event);
    ::close(epoll);
  }

  int reported() { return ::epoll_wait(epoll, &found, 1, 0); }
  void write() const {
    const std::uint64_t one = 1;
    ASSERT_EQ(::write(event, &one, sizeof one), 8);
  }

  int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  int event = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  descriptor_table table{epoll};
  epoll_event found{};
};

TEST_F(descriptor_table_test, admits_open_descriptors_only) {
  EXPECT_EQ(table.admit(event), 0);
  EXPECT_EQ(table.admit(-1), -EBADF);
  EXPECT_EQ(table.admit(1 << 30), -EBADF);
}

TEST_F(descriptor_table_test, registers_once) {
  ASSERT_EQ(table.admit(event), 0);
  const std::uint64_t before = table.kernel_entries();
  EXPECT_EQ(table.watch(event, EPOLLIN), 0);
  EXPECT_EQ(table.watch(event, EPOLLIN), 0);
  EXPECT_EQ(table.kernel_entries(), before + 1);
  EXPECT_EQ(reported(), 0);
  write();
  ASSERT_EQ(reported(), 1);
  EXPECT_EQ(table.descriptor_of(found), event);
  EXPECT_EQ(table.find(found), &table[event]);
}

TEST_F(descriptor_table_test, tells_what_is_true_already_when_more_is_asked_for) {
  ASSERT_EQ(table.admit(event), 0);
  EXPECT_EQ(table.watch(event, EPOLLIN), 0);
  EXPECT_EQ(reported(), 0);
  EXPECT_EQ(table.watch(event, EPOLLOUT), 0);
  ASSERT_EQ(reported(), 1);
  EXPECT_EQ(found.events, static_cast<std::uint32_t>(EPOLLOUT));
  EXPECT_EQ(reported(), 0);
  EXPECT_EQ(table.look_again(event, EPOLLOUT), 0);
  EXPECT_EQ(reported(), 1);
}

TEST_F(descriptor_table_test, an_event_of_an_earlier_life_is_nobodys) {
  ASSERT_EQ(table.admit(event), 0);
  EXPECT_EQ(table.watch(event, EPOLLIN), 0);
  write();
  table.forget(event);
  ASSERT_EQ(reported(), 1);
  EXPECT_EQ(table.find(found), nullptr);
}

TEST_F(descriptor_table_test, registers_anew_what_the_kernel_still_knows) {
  ASSERT_EQ(table.admit(event), 0);
  EXPECT_EQ(table.watch(event, EPOLLIN), 0);
  table.forget(event);  // without a close: the kernel has it still
  EXPECT_EQ(table.watch(event, EPOLLIN), 0);
  write();
  ASSERT_EQ(reported(), 1);
  EXPECT_EQ(table.find(found), &table[event]);
}

TEST_F(descriptor_table_test, registers_anew_what_was_closed_behind_its_back) {
  ASSERT_EQ(table.admit(event), 0);
  EXPECT_EQ(table.watch(event, EPOLLIN), 0);
  ::close(event);
  ASSERT_EQ(::eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK), event);
  EXPECT_EQ(table.look_again(event, EPOLLIN), 0);
  EXPECT_EQ(reported(), 1);
}

TEST_F(descriptor_table_test, a_regular_file_cannot_be_watched) {
  FILE* file = ::fopen("/proc/self/exe", "re");
  ASSERT_NE(file, nullptr);
  const int descriptor = ::fileno(file);
  ASSERT_EQ(table.admit(descriptor), 0);
  EXPECT_EQ(table.watch(descriptor, EPOLLIN), -EPERM);
  EXPECT_EQ(table[descriptor].interest, 0U);
  ::fclose(file);
}

}  // namespace
}  // namespace myra::io
