#include "myra/io/zero_copy_receive.hpp"

#include <net/if.h>

namespace myra::io {

std::string check(const zero_copy_receive_options& options) {
  constexpr std::uint32_t step = 64 * 1024;
  constexpr std::uint32_t most = 0x8000'0000;
  const std::string table = "zero_copy_receive.";
  const bool by_queue = options.mode == zero_copy_receive_mode::queue;
  if (by_queue && (options.interface.empty() || options.interface.size() >= IFNAMSIZ))
    return table + "interface: found \"" + options.interface +
           "\", allowed with mode = queue the name of a network interface, such as \"eth0\"";
  if (!by_queue && (!options.interface.empty() || options.queue != 0))
    return table + (options.interface.empty() ? "queue" : "interface") + ": found " +
           (options.interface.empty() ? std::to_string(options.queue)
                                      : "\"" + options.interface + "\"") +
           " without mode = queue, allowed with it";
  if (options.area_bytes < step || options.area_bytes > most || options.area_bytes % step != 0)
    return table + "area_bytes: found " + std::to_string(options.area_bytes) +
           ", allowed 65536 to 2147483648 in steps of 65536";
  return {};
}

}  // namespace myra::io
