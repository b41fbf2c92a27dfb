# help [VERB]           This list, or what one verb does.

describe() { sed -n '/^#/!q; s/^# \{0,1\}//p' "tools/dev/verbs/$1.sh"; }

if [[ $# -gt 0 ]]; then
  if [[ $1 == */* || ! -r tools/dev/verbs/$1.sh ]]; then
    printf "dev: there is no verb '%s'. ./dev help lists them.\n" "$1" >&2
    exit 2
  fi
  printf './dev %s\n' "$(describe "$1")"
  exit
fi

cat <<'END'
./dev does everything one does with this tree, and installs with apt what it lacks.

  ./dev run                 build, and see the key-value server beside redis-server
  ./dev test                build, and run every test
  ./dev check               what CI runs after the tests: format, tidy, layers, consumers

While working:

  ./dev test frame_reader   only the tests whose name has "frame_reader" in it
  ./dev fix                 format every source as ./dev check wants it
  ./dev asan conformance    the tests named so, under AddressSanitizer and UBSan
  ./dev build release       build/release/bin/myra, build/release/bin/myra-kv, ...

All verbs (./dev help VERB tells more):

END
for script in tools/dev/verbs/*.sh; do
  printf '  %s\n' "$(describe "$(basename "$script" .sh)" | head -1)"
done
