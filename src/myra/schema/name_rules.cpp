#include "myra/schema/name_rules.hpp"

#include <algorithm>
#include <array>

#include "myra/schema/diagnostics.hpp"

namespace myra::schema {
namespace {

constexpr auto keywords =
    std::to_array<std::string_view>({"alignas",       "alignof",     "and",
                                     "and_eq",        "asm",         "auto",
                                     "bitand",        "bitor",       "bool",
                                     "break",         "case",        "catch",
                                     "char",          "char16_t",    "char32_t",
                                     "char8_t",       "class",       "co_await",
                                     "co_return",     "co_yield",    "compl",
                                     "concept",       "const",       "const_cast",
                                     "consteval",     "constexpr",   "constinit",
                                     "continue",      "decltype",    "default",
                                     "delete",        "do",          "double",
                                     "dynamic_cast",  "else",        "enum",
                                     "explicit",      "export",      "extern",
                                     "false",         "float",       "for",
                                     "friend",        "goto",        "if",
                                     "inline",        "int",         "long",
                                     "mutable",       "namespace",   "new",
                                     "noexcept",      "not",         "not_eq",
                                     "nullptr",       "operator",    "or",
                                     "or_eq",         "private",     "protected",
                                     "public",        "register",    "reinterpret_cast",
                                     "requires",      "return",      "short",
                                     "signed",        "sizeof",      "static",
                                     "static_assert", "static_cast", "struct",
                                     "switch",        "template",    "this",
                                     "thread_local",  "throw",       "true",
                                     "try",           "typedef",     "typeid",
                                     "typename",      "union",       "unsigned",
                                     "using",         "virtual",     "void",
                                     "volatile",      "wchar_t",     "while",
                                     "xor",           "xor_eq"});
static_assert(std::ranges::is_sorted(keywords));

// Macros of headers that generated code or its users include, each between spaces.
constexpr std::string_view macros =
    " BIG_ENDIAN BUFSIZ BYTE_ORDER CHAR_BIT CHAR_MAX CHAR_MIN EOF INFINITY LITTLE_ENDIAN"
    " LLONG_MAX LLONG_MIN LONG_MAX LONG_MIN NAME_MAX NAN NULL PATH_MAX PIPE_BUF PTRDIFF_MAX"
    " PTRDIFF_MIN RAND_MAX SCHAR_MAX SCHAR_MIN SEEK_CUR SEEK_END SEEK_SET SHRT_MAX SHRT_MIN"
    " SIG_ATOMIC_MAX SIG_ATOMIC_MIN SIZE_MAX SSIZE_MAX UCHAR_MAX ULLONG_MAX ULONG_MAX USHRT_MAX"
    " WCHAR_MAX WCHAR_MIN WEOF WINT_MAX WINT_MIN alloca assert errno linux offsetof stderr stdin"
    " stdout unix va_arg va_end va_start ";
// Those of <cerrno>.
constexpr std::string_view error_macros =
    " E2BIG EACCES EADDRINUSE EADDRNOTAVAIL EADV EAFNOSUPPORT EAGAIN EALREADY EBADE EBADF EBADFD"
    " EBADMSG EBADR EBADRQC EBADSLT EBFONT EBUSY ECANCELED ECHILD ECHRNG ECOMM ECONNABORTED"
    " ECONNREFUSED ECONNRESET EDEADLK EDEADLOCK EDESTADDRREQ EDOM EDOTDOT EDQUOT EEXIST EFAULT"
    " EFBIG EHOSTDOWN EHOSTUNREACH EHWPOISON EIDRM EILSEQ EINPROGRESS EINTR EINVAL EIO EISCONN"
    " EISDIR EISNAM EKEYEXPIRED EKEYREJECTED EKEYREVOKED EL2HLT EL2NSYNC EL3HLT EL3RST ELIBACC"
    " ELIBBAD ELIBEXEC ELIBMAX ELIBSCN ELNRNG ELOOP EMEDIUMTYPE EMFILE EMLINK EMSGSIZE EMULTIHOP"
    " ENAMETOOLONG ENAVAIL ENETDOWN ENETRESET ENETUNREACH ENFILE ENOANO ENOBUFS ENOCSI ENODATA"
    " ENODEV ENOENT ENOEXEC ENOKEY ENOLCK ENOLINK ENOMEDIUM ENOMEM ENOMSG ENONET ENOPKG"
    " ENOPROTOOPT ENOSPC ENOSR ENOSTR ENOSYS ENOTBLK ENOTCONN ENOTDIR ENOTEMPTY ENOTNAM"
    " ENOTRECOVERABLE ENOTSOCK ENOTSUP ENOTTY ENOTUNIQ ENXIO EOPNOTSUPP EOVERFLOW EOWNERDEAD"
    " EPERM EPFNOSUPPORT EPIPE EPROTO EPROTONOSUPPORT EPROTOTYPE ERANGE EREMCHG EREMOTE"
    " EREMOTEIO ERESTART ERFKILL EROFS ESHUTDOWN ESOCKTNOSUPPORT ESPIPE ESRCH ESRMNT ESTALE"
    " ESTRPIPE ETIME ETIMEDOUT ETOOMANYREFS ETXTBSY EUCLEAN EUNATCH EUSERS EWOULDBLOCK EXDEV"
    " EXFULL ";

// Functions and variables of C that have no namespace around them, each between spaces: those that
// a domain may be called like.
constexpr std::string_view functions =
    " abort abs accept access acct acos alarm asin atan atexit bind brk bsearch calloc cbrt ceil"
    " chdir chmod chown chroot clock clone close connect cos cosh creat crypt ctime daemon"
    " daylight div dup environ erf exit exp fcntl floor fmod fork free gamma getline hypot index"
    " ioctl isatty kill labs ldiv link listen log logb lseek malloc memcpy mkdir nice open"
    " optarg opterr pause perror pipe poll popen pow printf profil puts qsort raise rand random"
    " read readlink realloc recv remainder remove rename rewind rindex rint rmdir round scalb"
    " scanf select send setenv shutdown signal sin sinh sleep socket splice sprintf sqrt srand"
    " stat strcmp strlen swab symlink sync syscall system tan tanh tee tgamma time times"
    " timezone trunc truncate umask unlink unshare usleep utime utimes vfork vhangup wait write ";

bool is_letter(char each) { return (each >= 'a' && each <= 'z') || (each >= 'A' && each <= 'Z'); }
bool is_digit(char each) { return each >= '0' && each <= '9'; }

bool is_word(std::string_view name) {
  return !name.empty() && is_letter(name.front()) && std::ranges::all_of(name, [](char each) {
    return is_letter(each) || is_digit(each) || each == '_';
  });
}

/// Macros of <cstdint> and <climits>: INT64_MAX, UINT_FAST8_WIDTH, INT32_C.
bool is_limit_of_integers(std::string_view name) {
  if (name.starts_with('U')) name.remove_prefix(1);
  if (!name.starts_with("INT")) return false;
  name.remove_prefix(3);
  for (const std::string_view family : {"_FAST", "_LEAST", "MAX", "PTR"})
    if (name.starts_with(family)) name.remove_prefix(family.size());
  while (!name.empty() && is_digit(name.front())) name.remove_prefix(1);
  return name == "_C" || name == "_MAX" || name == "_MIN" || name == "_WIDTH";
}

bool is_among(std::string_view name, std::string_view words) {
  return words.contains(' ' + std::string(name) + ' ');
}

bool is_macro(std::string_view name) {
  return is_among(name, macros) || is_among(name, error_macros) || is_limit_of_integers(name);
}

std::string cut(std::string_view thing, std::string_view name) {
  return std::string(thing) + " name " + in_quotes(name);
}

}  // namespace

name_verdict judge_word(std::string_view name, std::string_view thing) {
  if (name.size() > name_size_max)
    return {cut(thing, name) + " has " + std::to_string(name.size()) + " letters",
            "at most " + std::to_string(name_size_max)};
  if (!is_word(name))
    return {cut(thing, name) + " is not a name",
            "use letters of A-Z, digits and '_', with a letter first"};
  return {};
}

name_verdict judge_name(std::string_view name, std::string_view thing) {
  if (auto verdict = judge_word(name, thing); !verdict.what.empty()) return verdict;
  if (name.find("__") != std::string_view::npos)
    return {cut(thing, name) + " has two '_' in a row, which C++ keeps for itself", "use one"};
  if (name.ends_with('_'))
    return {cut(thing, name) + " ends with '_', which generated code keeps for itself",
            "leave it out"};
  if (std::ranges::binary_search(keywords, name))
    return {cut(thing, name) + " is a keyword of C++", "try " + std::string(name) + "_value"};
  if (is_macro(name))
    return {cut(thing, name) + " is a macro of C or C++", "try " + std::string(name) + "_value"};
  if (name == "std" || name == "myra")
    return {cut(thing, name) + " would hide the namespace that generated code uses",
            "try " + std::string(name) + "_value"};
  return {};
}

name_verdict judge_namespace_part(std::string_view name) {
  // A namespace `myra` within another one hides nothing: generated code writes ::myra.
  return name == "myra" ? name_verdict{} : judge_name(name, "namespace");
}

name_verdict judge_outer_namespace(std::string_view name) {
  if (name == "myra") return {"namespace 'myra' is that of the library", "choose another one"};
  if (is_among(name, functions))
    return {cut("namespace", name) + " is that of a function or variable of C",
            "try " + std::string(name) + "_messages"};
  return judge_name(name, "namespace");
}

}  // namespace myra::schema
