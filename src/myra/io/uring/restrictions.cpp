#include "myra/io/uring/restrictions.hpp"

#include <array>
#include <cerrno>
#include <cstdint>
#include <span>

namespace myra::io {
namespace {

// Operations on sockets, and on operations. None opens, reads or writes a file, and none takes a
// path.
constexpr std::array<std::uint8_t, 24> operations = {
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
    IORING_OP_RECV_ZC,
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

// Newer ones. A kernel refuses the whole table for the last ones if it has not heard of them, and
// then they are of no use.
constexpr std::array<std::uint8_t, 1> newer_registrations = {IORING_REGISTER_RESIZE_RINGS};
constexpr std::array<std::uint8_t, 3> area_registrations = {
    IORING_REGISTER_RESIZE_RINGS, IORING_REGISTER_ZCRX_IFQ, IORING_REGISTER_ZCRX_CTRL};

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

int restrict_to_sockets(io_uring& disabled, bool receives_into_area) noexcept {
  constexpr std::size_t others = area_registrations.size() + 1;
  std::array<io_uring_restriction, operations.size() + registrations.size() + others> table{};
  unsigned count = 0;
  io_uring_probe* probe = io_uring_get_probe_ring(&disabled);
  for (std::uint8_t opcode : operations)
    if (knows(probe, opcode)) table[count++] = operation_allowed(opcode);
  io_uring_free_probe(probe);
  for (std::uint8_t opcode : registrations) table[count++] = registration_allowed(opcode);
  table[count].opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED;
  table[count++].sqe_flags = allowed_flags;
  const std::span<const std::uint8_t> newer =
      receives_into_area ? std::span<const std::uint8_t>(area_registrations) : newer_registrations;
  for (std::uint8_t opcode : newer) table[count++] = registration_allowed(opcode);
  int status = -EINVAL;
  for (std::size_t left = newer.size() + 1; status == -EINVAL && left-- > 0; --count)
    status = io_uring_register_restrictions(&disabled, table.data(), count);
  return status;
}

}  // namespace myra::io
