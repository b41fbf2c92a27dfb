#!/bin/sh
# Zero-copy receive without a network card, where the kernel has that: 1 GiB to an echo server and
# back, every byte compared; what was copied, and by whom; and the key-value server. As root.
work=$(mktemp -d)
trap 'kill $server 2>/dev/null; rm -rf "$work"' EXIT
mode=no_device

./myra probe --zero-copy-receive $mode --json >"$work/probe"
feature=$(tr '{' '\n' <"$work/probe" | grep '"name":"zero-copy receive"')
case $feature in
*'"state":"used"'*) ;;
*)
  why=$(echo "${feature##*\"why\":\"}" | sed 's/"}.*//')
  [ -n "$feature" ] || why=$(sed 's/.*"uring_why":"\([^"]*\)".*/\1/' "$work/probe")
  echo "zero-copy receive: $why" | tee "$OUT/zcrx.skipped"
  exit 77
  ;;
esac

fail() {
  echo "zcrx: $*" >&2
  cat "$work/stats" >&2
  exit 1
}
number() { sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p" "$work/stats"; }

# stream BYTES CONNECTIONS [SERVER_OPTION...]: there and back; the client compares.
stream() {
  bytes=$1 connections=$2
  shift 2
  rm -f "$work/said"
  mkfifo "$work/said"
  ./myra echo --listen 127.0.0.1:0 --backend uring --stats --zero-copy-receive $mode "$@" >"$work/said" 2>"$work/stats" &
  server=$!
  read -r line <"$work/said"
  echo "$line"
  to=${line#listening on }
  to=${to%% *}
  ./myra echo --connect "$to" --bytes "$bytes" --connections "$connections" --size 64KiB ||
    fail "the client of $bytes ended with $?"
  kill -TERM $server
  wait $server || fail "the server ended with $?"
  received=$(number zero_copy_received_bytes) by_us=$(number bytes_copied)
  by_kernel=$(number zero_copy_receive_kernel_copied_bytes) waits=$(number zero_copy_receive_waits)
  echo "zcrx: $bytes over $connections: $received bytes received into the area, copied by us $by_us," \
    "by the kernel $by_kernel, $waits waits for a page"
  [ "$by_us" = 0 ] || fail "$by_us bytes were copied by us, expected 0"
  # There is no device. The kernel's own count may be some copies short.
  [ "$by_kernel" -gt $((received * 9 / 10)) ] ||
    fail "the kernel copied $by_kernel bytes of $received, expected all: there is no device"
}

stream 1GiB 4
[ "$received" = 1073741824 ] || fail "$received bytes came into the area, expected 1073741824"
# 64 pages, and more connections than pages: nothing is lost.
stream 16MiB 200 --reactor.zero-copy-receive.area-bytes 256KiB
[ "$waits" -gt 0 ] || fail "nobody had to wait for a page, of which there were 64"

KV_OPTIONS="--zero-copy-receive $mode" ./kv.sh uring
