#include "server_probe.hpp"

#include "command_line.hpp"

#include <linux/perf_event.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

namespace myra::bench {
namespace {

constexpr const char* tracing = "/sys/kernel/tracing";

std::uint64_t tracepoint_id() {
  const std::string path = std::string(tracing) + "/events/raw_syscalls/sys_enter/id";
  if (!std::filesystem::exists(path)) ::mount("tracefs", tracing, "tracefs", 0, nullptr);
  std::uint64_t id = 0;
  if (!(std::ifstream(path) >> id)) fail_system(path.c_str(), errno);
  return id;
}

int open_counter(pid_t task, std::uint64_t tracepoint) {
  perf_event_attr attributes{};
  attributes.type = PERF_TYPE_TRACEPOINT;
  attributes.size = sizeof attributes;
  attributes.config = tracepoint;
  const long counter =
      ::syscall(SYS_perf_event_open, &attributes, task, -1, -1, PERF_FLAG_FD_CLOEXEC);
  if (counter < 0) fail_system("perf_event_open(raw_syscalls:sys_enter)", errno);
  return static_cast<int>(counter);
}

template <typename Visit>
void for_each_task(pid_t pid, const Visit& visit) {
  const std::string folder = "/proc/" + std::to_string(pid) + "/task";
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    visit(entry.path());
  }
  if (error) fail_system(folder.c_str(), error.value());
}

}  // namespace

server_probe::server_probe(pid_t pid, bool count_entries, std::string counter_file)
    : pid_(pid), counter_file_(std::move(counter_file)) {
  if (pid_ == 0 || !count_entries) return;
  const std::uint64_t tracepoint = tracepoint_id();
  for_each_task(pid_, [this, tracepoint](const std::filesystem::path& task) {
    counters_.push_back(open_counter(std::stoi(task.filename()), tracepoint));
  });
}

server_probe::~server_probe() {
  for (const int counter : counters_) ::close(counter);
}

std::uint64_t server_probe::cpu_ns() const {
  if (pid_ == 0) return 0;
  std::uint64_t total = 0;
  for_each_task(pid_, [&total](const std::filesystem::path& task) {
    std::uint64_t ran = 0;
    std::ifstream(task / "schedstat") >> ran;
    total += ran;
  });
  return total;
}

cpu_split server_probe::split() const {
  cpu_split ticks;
  if (pid_ == 0) return ticks;
  std::ifstream file("/proc/" + std::to_string(pid_) + "/stat");
  std::string word;
  // The program's name, the second field, may have spaces; proc_pid_stat(5) counts from 1.
  std::getline(file, word, ')');
  for (int field = 3; field < 14; ++field) file >> word;
  file >> ticks.user >> ticks.system;
  return ticks;
}

std::uint64_t server_probe::entries() const {
  std::uint64_t total = 0;
  for (const int counter : counters_) {
    std::uint64_t count = 0;
    if (::read(counter, &count, sizeof count) != sizeof count) {
      fail_system("read of a perf counter", errno);
    }
    total += count;
  }
  return total;
}

std::uint64_t server_probe::counted() const {
  if (counter_file_.empty()) return 0;
  std::uint64_t number = 0;
  std::ifstream file(counter_file_, std::ios::binary);
  if (!file.read(reinterpret_cast<char*>(&number), sizeof number)) {
    fail_system(counter_file_.c_str(), errno);
  }
  return number;
}

}  // namespace myra::bench
