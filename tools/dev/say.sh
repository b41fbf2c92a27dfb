# What ./dev says to a person: plain when piped or when NO_COLOR is set.

bold='' red='' plain=''
if [[ -t 2 && -z ${NO_COLOR-} && ${TERM-dumb} != dumb ]]; then
  bold=$'\e[1m' red=$'\e[31m' plain=$'\e[0m'
fi

step() { printf '%s==> %s%s\n' "$bold" "$*" "$plain" >&2; }

# A bad command line: one line that says what to do, and exit code 2.
usage_error() {
  printf '%sdev:%s %s\n' "$red" "$plain" "$*" >&2
  exit 2
}
