#include "myra/io/uring/restrictions.hpp"

#include <array>
#include <cerrno>
#include <cstdint>

namespace myra::io {
namespace {

// Operations on sockets, and on operations. None opens, reads or writes a file, and none takes a
// path. A receive of zero-copy areas, for instance, comes here with the feature.
constexpr std::array<std::uint8_t, 23> operations = {
    IORING_OP_NOP,
    IORING_OP_POLL_ADD,
    IORING_OP_POLL_REMOVE,
    IORING_OP_SENDMSG,
    IORING_OP_RECVMSG,
    IORING_OP_TIMEOUT,
    IORING_OP_TIMEOUT_REMOVE,
    IORING_OP_ACCEPT,
    IORING_OP_ASYNC_CANCEL,
    IORING_OP_LINK_TIMEOUT,
    IORING_OP_CONNECT,
    IORING_OP_CLOSE,
    IORING_OP_FILES_UPDATE,
    IORING_OP_SEND,
    IORING_OP_RECV,
    IORING_OP_SHUTDOWN,
    IORING_OP_MSG_RING,
    IORING_OP_SOCKET,
    IORING_OP_SEND_ZC,
    IORING_OP_SENDMSG_ZC,
    IORING_OP_FIXED_FD_INSTALL,
    IORING_OP_BIND,
    IORING_OP_LISTEN,
};

// What the backend registers while it runs.
constexpr std::array<std::uint8_t, 18> registrations = {
    IORING_REGISTER_BUFFERS,       IORING_UNREGISTER_BUFFERS,
    IORING_REGISTER_BUFFERS2,      IORING_REGISTER_BUFFERS_UPDATE,
    IORING_REGISTER_FILES,         IORING_UNREGISTER_FILES,
    IORING_REGISTER_FILES2,        IORING_REGISTER_FILES_UPDATE,
    IORING_REGISTER_FILES_UPDATE2, IORING_REGISTER_FILE_ALLOC_RANGE,
    IORING_REGISTER_EVENTFD,       IORING_UNREGISTER_EVENTFD,
    IORING_REGISTER_PROBE,         IORING_REGISTER_RING_FDS,
    IORING_UNREGISTER_RING_FDS,    IORING_REGISTER_PBUF_RING,
    IORING_UNREGISTER_PBUF_RING,   IORING_REGISTER_SYNC_CANCEL,
};

constexpr std::uint8_t allowed_flags = IOSQE_FIXED_FILE | IOSQE_IO_LINK | IOSQE_IO_HARDLINK |
                                       IOSQE_BUFFER_SELECT | IOSQE_CQE_SKIP_SUCCESS;

io_uring_restriction operation_allowed(std::uint8_t opcode) noexcept {
  io_uring_restriction made{};
  made.opcode = IORING_RESTRICTION_SQE_OP;
  made.sqe_op = opcode;
  return made;
}

io_uring_restriction registration_allowed(std::uint8_t opcode) noexcept {
  io_uring_restriction made{};
  made.opcode = IORING_RESTRICTION_REGISTER_OP;
  made.register_op = opcode;
  return made;
}

/// A kernel refuses the whole table for one operation that it has not heard of.
bool knows(const io_uring_probe* probe, std::uint8_t opcode) noexcept {
  return probe != nullptr && io_uring_opcode_supported(probe, opcode) != 0;
}

}  // namespace

int restrict_to_sockets(io_uring& disabled) noexcept {
  std::array<io_uring_restriction, operations.size() + registrations.size() + 2> table{};
  unsigned count = 0;
  io_uring_probe* probe = io_uring_get_probe_ring(&disabled);
  for (std::uint8_t opcode : operations)
    if (knows(probe, opcode)) table[count++] = operation_allowed(opcode);
  io_uring_free_probe(probe);
  for (std::uint8_t opcode : registrations) table[count++] = registration_allowed(opcode);
  table[count].opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED;
  table[count++].sqe_flags = allowed_flags;
  table[count++] = registration_allowed(IORING_REGISTER_RESIZE_RINGS);
  const int status = io_uring_register_restrictions(&disabled, table.data(), count);
  if (status != -EINVAL) return status;
  return io_uring_register_restrictions(&disabled, table.data(), count - 1);  // before Linux 6.13
}

}  // namespace myra::io
