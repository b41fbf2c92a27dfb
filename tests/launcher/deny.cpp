// Runs a command as a container or a cautious administrator would: with io_uring denied by a
// seccomp filter, or everything but a list of system calls, with little memory that may be locked,
// with few descriptors, as an ordinary user.
//
//   deny [--errno EPERM|ENOSYS] [--only CALL,CALL...] [--memlock BYTES] [--descriptors COUNT]
//        [--user UID] -- COMMAND [ARGUMENT...]
//
// A call outside the list of --only ends the whole process with SIGSYS.
// Becomes the command; only what fails before that gives exit status 125, and a command that cannot
// be started 127, as in env(1).

#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace {

struct restrictions {
  std::optional<std::uint16_t> uring_errno;
  std::optional<std::string_view> only;
  std::optional<rlim_t> memlock_bytes;
  std::optional<rlim_t> descriptors;
  std::optional<uid_t> user;
  char** command = nullptr;
};

[[noreturn]] void refuse(std::string_view what) {
  std::fprintf(stderr,
               "deny: %.*s. Usage: deny [--errno EPERM|ENOSYS] [--only CALL,CALL...] [--memlock "
               "BYTES] [--descriptors COUNT] [--user UID] -- COMMAND [ARGUMENT...]\n",
               static_cast<int>(what.size()), what.data());
  std::exit(125);
}

[[noreturn]] void fail(const char* call) {
  std::fprintf(stderr, "deny: %s: %s\n", call, std::strerror(errno));
  std::exit(125);
}

template <class T>
T number(std::string_view option, std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) refuse(option);
  return value;
}

std::uint16_t errno_named(std::string_view name) {
  if (name == "EPERM") return EPERM;
  if (name == "ENOSYS") return ENOSYS;
  refuse("--errno takes EPERM or ENOSYS");
}

restrictions parse(int count, char** arguments) {
  restrictions wanted;
  for (int at = 1; at < count; ++at) {
    const std::string_view option = arguments[at];
    if (option == "--") {
      wanted.command = arguments + at + 1;
      break;
    }
    if (at + 1 == count) refuse("an option without its value");
    const std::string_view value = arguments[++at];
    if (option == "--errno") {
      wanted.uring_errno = errno_named(value);
    } else if (option == "--only") {
      wanted.only = value;
    } else if (option == "--descriptors") {
      wanted.descriptors = number<rlim_t>("--descriptors takes a number", value);
    } else if (option == "--memlock") {
      wanted.memlock_bytes = number<rlim_t>("--memlock takes a number of bytes", value);
    } else if (option == "--user") {
      wanted.user = number<uid_t>("--user takes a numeric user id", value);
    } else {
      refuse("unknown option");
    }
  }
  if (wanted.command == nullptr || *wanted.command == nullptr) refuse("no command");
  return wanted;
}

void limit(const char* name, __rlimit_resource_t which, rlim_t most) {
  const rlimit limit{most, most};
  if (setrlimit(which, &limit) != 0) fail(name);
}

// libseccomp sets PR_SET_NO_NEW_PRIVS itself, and adds a check of the architecture.
void allow_only(std::string_view names) {
  const scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
  if (filter == nullptr) fail("seccomp_init");
  while (!names.empty()) {
    const std::size_t end = std::min(names.find(','), names.size());
    const std::string name(names.substr(0, end));
    names.remove_prefix(std::min(end + 1, names.size()));
    const int call = seccomp_syscall_resolve_name(name.c_str());
    if (call == __NR_SCMP_ERROR) refuse("--only names no system call: " + name);
    if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0) != 0) fail(name.c_str());
  }
  if (seccomp_load(filter) != 0) fail("seccomp_load");
  seccomp_release(filter);
}

void become(uid_t user) {
  const gid_t group = user;
  if (setgroups(0, nullptr) != 0) fail("setgroups");
  if (setresgid(group, group, group) != 0) fail("setresgid");
  if (setresuid(user, user, user) != 0) fail("setresuid");
}

// io_uring_setup, io_uring_enter and io_uring_register have the numbers 425 to 427 on every
// architecture, so that the filter need not look at seccomp_data.arch.
void deny_uring(std::uint16_t answer) {
  constexpr std::uint32_t first = 425;
  constexpr std::uint32_t last = 427;
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, first, 0, 2),
      BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, last, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | answer),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter{sizeof program / sizeof program[0], program};
  // Without it an ordinary user may not install a filter (seccomp(2)).
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fail("prctl(PR_SET_NO_NEW_PRIVS)");
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) fail("prctl(PR_SET_SECCOMP)");
}

}  // namespace

int main(int count, char** arguments) {
  const restrictions wanted = parse(count, arguments);
  if (wanted.memlock_bytes) limit("RLIMIT_MEMLOCK", RLIMIT_MEMLOCK, *wanted.memlock_bytes);
  if (wanted.descriptors) limit("RLIMIT_NOFILE", RLIMIT_NOFILE, *wanted.descriptors);
  if (wanted.user) become(*wanted.user);
  if (wanted.uring_errno) deny_uring(*wanted.uring_errno);
  if (wanted.only) allow_only(*wanted.only);
  execvp(wanted.command[0], wanted.command);
  std::fprintf(stderr, "deny: %s: %s\n", wanted.command[0], std::strerror(errno));
  return 127;
}
