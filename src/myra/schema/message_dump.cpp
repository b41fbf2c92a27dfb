// dump_text: a line for each piece of a message.
#include <algorithm>
#include <cstdio>

#include "myra/schema/literal.hpp"
#include "myra/schema/message_text.hpp"

namespace myra::schema {

std::string dump_text(std::string_view bytes, const std::vector<dump_piece>& pieces) {
  constexpr std::size_t shown_max = 16;
  std::string text;
  for (const dump_piece& each : pieces) {
    char offset[16];
    std::snprintf(offset, sizeof offset, "%06zx  ", each.offset);
    std::string hex;
    for (const char byte : bytes.substr(each.offset, std::min(each.size, shown_max)))
      hex += hex_text({&byte, 1}) + ' ';
    if (each.size > shown_max) hex += "...";
    hex.resize(std::max(hex.size(), shown_max * 3 + 3), ' ');
    text += offset + hex + std::string(2u * each.depth, ' ') + each.meaning + '\n';
  }
  return text;
}

}  // namespace myra::schema
