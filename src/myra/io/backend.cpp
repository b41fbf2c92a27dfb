#include "myra/io/backend.hpp"

namespace myra::io {

opened<inlet_address> backend::open_inlet(inlet&) {
  return report(std::make_error_code(std::errc::not_supported),
                std::string(name_of(kind())) + " has no rings that could send messages");
}

}  // namespace myra::io
