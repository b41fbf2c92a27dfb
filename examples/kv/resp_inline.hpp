// The other form of a Redis request: one line, as a person types it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kv {

/// Splits `line`, which has no line end, into arguments by the rules of Redis 7: blanks separate;
/// "..." may hold blanks and the escapes \n \r \t \b \a \xHH, any other escaped character stands
/// for itself; '...' may hold blanks and \'; a closing quote is followed by a blank or the end.
/// False when quotes are unbalanced.
///
/// `arguments` and `unescaped` are emptied first. Arguments borrow from `line`, and where quotes
/// had to be taken out from `unescaped`: they are valid as long as both.
[[nodiscard]] bool split_inline(std::string_view line, std::vector<std::string_view>& arguments,
                                std::string& unescaped);

}  // namespace kv
