#!/bin/sh
# The key-value server under Redis's own clients: every value that comes back is compared.
# Usage: kv.sh BACKEND [brief]. Run where myra-kv, redis-cli and redis-benchmark lie. More options
# of the server: KV_OPTIONS in the environment.
backend=$1
work=$(mktemp -d)
trap 'kill $server 2>/dev/null; rm -rf "$work"' EXIT

fail() {
  echo "kv: $*" >&2
  exit 1
}

expect() {
  wanted=$1
  shift
  got=$(./redis-cli -p "$port" "$@") || fail "redis-cli $*: exit status $?"
  [ "$got" = "$wanted" ] || fail "redis-cli $*: expected '$wanted', found '$got'"
}

mkfifo "$work/said"
# shellcheck disable=SC2086  # several words
./myra-kv --listen 127.0.0.1:0 --backend "$backend" $KV_OPTIONS >"$work/said" &
server=$!
read -r line <"$work/said"
echo "$line"
port=${line#listening on *:}
port=${port%% *}

expect PONG PING
expect OK SET key value
expect value GET key
expect 1 INCR count
expect 42 INCRBY count 41
expect 2 DEL key count
expect "" GET key

# A value of 3 MiB that differs everywhere, with every byte value in it.
dd if=/dev/urandom of="$work/value" bs=1M count=3 2>/dev/null
got=$(./redis-cli -p "$port" -x SET big <"$work/value")
[ "$got" = OK ] || fail "SET of 3 MiB: '$got'"
./redis-cli -p "$port" GET big >"$work/got"
printf '\n' >>"$work/value" # redis-cli ends what it prints with one
cmp "$work/value" "$work/got" || fail "what comes back is not what was set"

benchmark() {
  ./redis-benchmark -p "$port" --csv "$@" >"$work/csv" || fail "redis-benchmark $*: exit status $?"
  cat "$work/csv"
  grep -qi error "$work/csv" && fail "redis-benchmark $* met an error"
}
if [ "$2" = brief ]; then
  benchmark -t set,get,mset -c 50 -n 1000 -r 1000
else
  benchmark -t set,get,incr,mset -c 50 -n 4000 -r 1000
  benchmark -t set,get -c 50 -n 20000 -P 16 -d 512
  benchmark -t set,get -c 200 -n 4000
fi

kill -TERM $server
wait $server
status=$?
[ $status = 0 ] || fail "the server ended with $status"
echo "kv: all values came back"
