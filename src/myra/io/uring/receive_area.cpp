#include "myra/io/uring/receive_area.hpp"

#include <net/if.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <utility>

#include "myra/io/uring/aim.hpp"
#include "myra/io/uring/opcode.hpp"
#include "myra/io/uring/ring.hpp"
#include "myra/memory/buffer.hpp"

namespace myra::io {

/// As the kernel lays it out (struct zcrx_stats, Linux 7.2), in the memory of the refill ring.
struct receive_area::kernel_statistics {
  std::uint64_t copy_count;
  std::uint64_t copied_bytes;
};

namespace {

/// What is to be told of an area, and where (struct zcrx_event_desc, Linux 7.2): newer than the
/// headers that we build with. Its address stands in what was `io_uring_zcrx_ifq_reg::__resv[0]`.
struct event_description {
  std::uint64_t user_data = 0;
  std::uint32_t event_mask = 0;
  std::uint32_t flags = 0;
  std::uint64_t statistics_offset = 0;
  std::uint64_t reserved[9] = {};
};
constexpr std::uint32_t with_statistics_flag = 1;

/// The kernel writes it while we look.
std::uint64_t told(const std::uint64_t& figure) noexcept {
  return __atomic_load_n(&figure, __ATOMIC_RELAXED);
}

constexpr std::uint32_t refill_entries_min = 64;
constexpr std::uint32_t refill_entries_max = 32768;

std::size_t page_bytes() noexcept { return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); }

std::string refused_memory(std::size_t size) {
  rlimit limit{};
  ::getrlimit(RLIMIT_MEMLOCK, &limit);
  const std::string found =
      limit.rlim_cur == RLIM_INFINITY ? "unlimited" : std::to_string(limit.rlim_cur) + " bytes";
  return "no memory for an area of " + std::to_string(size) + " bytes (RLIMIT_MEMLOCK is " + found +
         ")";
}

std::string refused_queue(int status, const zero_copy_receive_options& options) {
  const std::string& interface = options.interface;
  const std::string queue = "receive queue " + std::to_string(options.queue) + " of " + interface;
  switch (status) {
    case -ENODEV: return "there is no network interface " + interface;
    case -ERANGE: return interface + " has no receive queue " + std::to_string(options.queue);
    case -EEXIST:
    case -EBUSY:
      return queue + " is in use: by another zero-copy receive, by AF_XDP, or " + interface +
             " has an XDP program";
    case -EOPNOTSUPP:
      return "the driver of " + interface + " cannot let a receive queue fill memory of ours";
    case -EINVAL:
      return "header split of " + interface + " is off or has a threshold (ethtool -G " +
             interface + " tcp-data-split on hds-thresh 0)";
    default: return queue + " was refused: " + std::system_category().message(-status);
  }
}

std::string refused(int status, const zero_copy_receive_options& options, std::size_t size) {
  if (status == -EPERM) return "needs CAP_NET_ADMIN, which this process has not";
  if (status == -ENOMEM) return refused_memory(size);
  if (options.mode == zero_copy_receive_mode::queue) return refused_queue(status, options);
  if (status == -EINVAL) return "the mode without a device needs Linux 7.1";
  if (status == -EOPNOTSUPP) return "this kernel was built without it (CONFIG_IO_URING_ZCRX)";
  return "was refused: " + std::system_category().message(-status);
}

const char* words_for(page_kind pages) noexcept {
  switch (pages) {
    case page_kind::ordinary: return "ordinary pages";
    case page_kind::transparent_huge: return "transparent huge pages";
    case page_kind::huge: return "huge pages";
  }
  return "?";
}

}  // namespace

receive_area::receive_area(io_uring& on, const zero_copy_receive_options& options) noexcept
    : uring_(on),
      has_device_(options.mode == zero_copy_receive_mode::queue),
      queue_(options.queue) {}

receive_area::~receive_area() {
  if (refill_memory_ != nullptr) ::munmap(refill_memory_, refill_memory_bytes_);
}

opened<std::unique_ptr<receive_area>> receive_area::open(io_uring& on,
                                                         const zero_copy_receive_options& options) {
  if (!knows(on, IORING_OP_RECV_ZC))
    return report(kernel_error(-EOPNOTSUPP),
                  "this kernel does not know the operation, which needs Linux 6.15");
  std::uint32_t interface_index = 0;
  if (options.mode == zero_copy_receive_mode::queue) {
    interface_index = ::if_nametoindex(options.interface.c_str());
    if (interface_index == 0) return report(kernel_error(-ENODEV), refused_queue(-ENODEV, options));
  }
  std::unique_ptr<receive_area> made(new receive_area(on, options));
  auto pool = buffer_pool::open_area(options.area_bytes, options.huge_pages);
  if (!pool) return report(pool.error(), refused_memory(options.area_bytes));
  made->pool_ = std::move(*pool);
  int status = made->map_refill_ring();
  if (status == 0) status = made->register_all(interface_index, true);
  // Before Linux 7.2 there are no statistics, and to ask for them is invalid.
  if (status == -EINVAL) status = made->register_all(interface_index, false);
  if (status < 0)
    return report(kernel_error(status),
                  refused(status, options, made->pool_->region_bytes(0).size()));
  made->describe_as(options);
  return made;
}

void receive_area::describe_as(const zero_copy_receive_options& options) {
  description_ = has_device_ ? "zero-copy receive from queue " + std::to_string(options.queue) +
                                   " of " + options.interface
                             : "zero-copy receive without a device (the kernel copies)";
  description_ += ", an area of " + std::to_string(pool_->region_bytes(0).size() / 1024) +
                  " KiB in " + words_for(pool_->pages());
}

/// In front of the refills the kernel keeps a page at most, and behind them lie its statistics.
int receive_area::map_refill_ring() noexcept {
  page_count_ = static_cast<std::uint32_t>(pool_->region_bytes(0).size() / page_bytes());
  // One that is sent much leaves something to the others.
  share_bytes_ = static_cast<std::uint32_t>(pool_->region_bytes(0).size() / 4);
  refill_entries_ = std::clamp(std::bit_ceil(page_count_), refill_entries_min, refill_entries_max);
  const std::size_t size =
      page_bytes() + refill_entries_ * sizeof(io_uring_zcrx_rqe) + sizeof(kernel_statistics);
  refill_memory_bytes_ = (size + page_bytes() - 1) / page_bytes() * page_bytes();
  void* memory = ::mmap(nullptr, refill_memory_bytes_, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return -errno;
  refill_memory_ = static_cast<std::byte*>(memory);
  return 0;
}

int receive_area::register_all(std::uint32_t interface_index, bool with_statistics) noexcept {
  const mutable_byte_view memory = pool_->region_bytes(0);
  io_uring_zcrx_area_reg area{};
  area.addr = reinterpret_cast<std::uintptr_t>(memory.data());
  area.len = memory.size();
  io_uring_region_desc refill_ring{};
  refill_ring.user_addr = reinterpret_cast<std::uintptr_t>(refill_memory_);
  refill_ring.size = refill_memory_bytes_;
  refill_ring.flags = IORING_MEM_REGION_TYPE_USER;
  event_description events;
  events.flags = with_statistics_flag;
  events.statistics_offset = refill_memory_bytes_ - sizeof(kernel_statistics);
  io_uring_zcrx_ifq_reg wanted{};
  wanted.if_idx = interface_index;
  wanted.if_rxq = queue_;
  wanted.rq_entries = refill_entries_;
  wanted.flags = has_device_ ? 0U : static_cast<std::uint32_t>(ZCRX_REG_NODEV);
  wanted.area_ptr = reinterpret_cast<std::uintptr_t>(&area);
  wanted.region_ptr = reinterpret_cast<std::uintptr_t>(&refill_ring);
  if (with_statistics) wanted.__resv[0] = reinterpret_cast<std::uintptr_t>(&events);
  if (const int status = io_uring_register_ifq(&uring_, &wanted); status < 0) return status;
  const auto at = [this]<class T>(std::uint64_t offset, T*& place) noexcept {
    place = reinterpret_cast<T*>(refill_memory_ + offset);
  };
  at(wanted.offsets.head, refill_head_);
  at(wanted.offsets.tail, refill_kernel_tail_);
  at(wanted.offsets.rqes, refills_);
  if (with_statistics) at(events.statistics_offset, statistics_);
  refill_entries_ = wanted.rq_entries;
  token_ = area.rq_area_token;
  id_ = wanted.zcrx_id;
  return 0;
}

void receive_area::prepare(io_uring_sqe* entry, receive_operation& receive) const noexcept {
  const std::uint32_t most =
      receive.turn_bytes_max == 0 ? share_bytes_ : std::min(receive.turn_bytes_max, share_bytes_);
  receive.backend_index = served_mark | most;
  io_uring_prep_rw(IORING_OP_RECV_ZC, entry, 0, nullptr, most, 0);
  aim(entry, receive.descriptor);
  entry->ioprio = IORING_RECV_MULTISHOT;
  entry->zcrx_ifq_idx = id_;
}

buffer receive_area::take(const io_uring_cqe& cqe) noexcept {
  // The second half of the completion.
  const auto& where = *reinterpret_cast<const io_uring_zcrx_cqe*>(&cqe + 1);
  const std::uint64_t offset = where.off & ~IORING_ZCRX_AREA_MASK;
  const auto size = static_cast<std::uint32_t>(cqe.res);
  ++counters_.receives;
  counters_.received_bytes += size;
  failed_in_vain_ = false;
  if (pages_left_ != 0) --pages_left_;
  buffer brought = pool_->from_area(offset, size);
  if (!brought && queued_count() != refill_entries_) push_refill(offset, size);
  return brought;
}

void receive_area::refill() noexcept {
  // First, so that a window which comes home after the look wakes the loop.
  if (waiting_first_ != nullptr) pool_->want_homecoming();
  pool_->collect();
  if (pool_->returned_window_count() != 0) give_back();
  if (pool_->returned_window_count() != 0) {
    ++counters_.refill_full;
    flush();
    give_back();
  }
  if (wants_flush()) flush();
  pages_left_ = has_device_ ? 0 : servable_count();
}

bool receive_area::wants_flush() const noexcept {
  if (queued_count() == 0) return false;
  // A card takes refills by itself. What the kernel copies into is taken from what it has, and it
  // looks at the ring only when it is asked.
  const bool short_of_pages = !has_device_ && servable_count() < page_count_ / 2;
  return short_of_pages || waiting_first_ != nullptr;
}

void receive_area::push_refill(std::size_t offset, std::uint32_t size) noexcept {
  io_uring_zcrx_rqe& entry = refills_[refill_tail_++ & (refill_entries_ - 1)];
  entry.off = offset | token_;
  entry.len = size;
  entry.__pad = 0;
}

void receive_area::give_back() noexcept {
  pool_->take_returned(
      refill_entries_ - queued_count(),
      [this](std::size_t offset, std::uint32_t size) noexcept { push_refill(offset, size); });
  io_uring_smp_store_release(refill_kernel_tail_, refill_tail_);
}

/// Before Linux 6.19 the kernel cannot be asked.
void receive_area::flush() noexcept {
  zcrx_ctrl wanted{};
  wanted.zcrx_id = id_;
  wanted.op = ZCRX_CTRL_FLUSH_RQ;
  if (io_uring_register_zcrx_ctrl(&uring_, &wanted) == 0) ++counters_.flushes;
}

void receive_area::keep_waiting(operation& starved) noexcept {
  ++counters_.waits;
  failed_in_vain_ = pool_->piece_count() == 0 && pool_->returned_count() == served_until_;
  wait_on(starved);
}

void receive_area::wait_on(operation& starved) noexcept {
  starved.state = operation_state::queued;
  starved.backend_next = nullptr;
  (waiting_first_ == nullptr ? waiting_first_ : waiting_last_->backend_next) = &starved;
  waiting_last_ = &starved;
}

operation* receive_area::take_waiting() noexcept {
  served_until_ = pool_->returned_count();
  return std::exchange(waiting_first_, nullptr);
}

std::uint32_t receive_area::servable_count() const noexcept {
  // A card cuts pages as it likes: anything that went back to it may help anybody.
  if (has_device_) return crowded_ || pool_->returned_count() != served_until_ ? page_count_ : 0;
  const std::uint32_t gone = pool_->piece_count() + pool_->returned_window_count() + queued_count();
  return gone < page_count_ ? page_count_ - gone : 0;
}

bool receive_area::hopeless() const noexcept {
  const bool all_home = pool_->piece_count() == 0 && pool_->returned_count() == served_until_;
  return has_waiting() && all_home && !crowded_ && (has_device_ || failed_in_vain_);
}

void receive_area::count_into(zero_copy_receive_counters& to) const noexcept {
  to = counters_;
  to.pages = page_count_;
  to.windows = pool_->piece_count();
  if (statistics_ != nullptr) {
    to.kernel_copies = told(statistics_->copy_count);
    to.kernel_copied_bytes = told(statistics_->copied_bytes);
  } else if (!has_device_) {
    to.kernel_copies = counters_.receives;
    to.kernel_copied_bytes = counters_.received_bytes;
  }
}

opened<void> try_zero_copy_receive() {
  uring_options small;
  small.submission_entries = 4;
  small.completion_entries = 8;
  small.zero_copy_receive.mode = zero_copy_receive_mode::no_device;
  small.zero_copy_receive.area_bytes = 64 * 1024;
  auto trial = ring::open(small);
  if (!trial) return std::unexpected(std::move(trial.error()));
  // Goes after the ring.
  auto area = receive_area::open((*trial)->raw(), small.zero_copy_receive);
  trial->reset();
  if (!area) return std::unexpected(std::move(area.error()));
  return {};
}

}  // namespace myra::io
