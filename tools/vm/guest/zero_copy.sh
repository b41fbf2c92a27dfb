#!/bin/sh
# What zero-copy sends come to. Between two network cards the card reads the bytes from our buffers,
# and the switch stays on; on loopback the kernel copies and says so, and it goes off. The client
# compares every byte. As root, where there are two cards.
work=$(mktemp -d)
trap 'kill $server 2>/dev/null; rm -rf "$work"' EXIT
step="zero copy"

./myra probe --json >"$work/probe"
feature=$(tr '{' '\n' <"$work/probe" | grep '"name":"zero-copy send"')
case $feature in
*'"state":"used"'*) ;;
*)
  echo "zero-copy sends: ${feature##*\"why\":\"}" | sed 's/"}.*//' >"$OUT/$step.skipped"
  [ -n "$feature" ] || sed 's/.*"uring_why":"\([^"]*\)".*/zero-copy sends: \1/' "$work/probe" \
    >"$OUT/$step.skipped"
  exit 77
  ;;
esac

fail() {
  echo "zero copy: $*" >&2
  cat "$work/stats" >&2
  exit 1
}

number() { sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p" "$work/stats"; }

# talk ADDRESS [CLIENT_PREFIX...] -- [SERVER_OPTION...]: an echo of 24 MiB; sets asked, granted,
# copied, refused.
talk() {
  address=$1 prefix=
  shift
  while [ "$1" != -- ]; do prefix="$prefix $1" && shift; done
  shift
  rm -f "$work/said"
  mkfifo "$work/said"
  ./myra echo --listen "$address:0" --backend uring --stats "$@" >"$work/said" 2>"$work/stats" &
  server=$!
  read -r line <"$work/said"
  to=${line#listening on }
  to=${to%% *}
  $prefix ./myra echo --connect "$to" --bytes 24MiB --size 1MiB --connections 4 --backend epoll ||
    fail "the client of $to ended with $?"
  kill -TERM $server
  wait $server || fail "the server of $to ended with $?"
  asked=$(number zero_copy_asked) granted=$(number zero_copy_granted)
  copied=$(number zero_copy_copied) refused=$(number zero_copy_refused)
  echo "zero copy: over $to $*: $asked asked, $granted not copied, $copied copied, $refused refused"
}

small="--reactor.zero-copy.threshold-bytes 4KiB"
# On a path where all is copied it would be asked for four times a connection, and then no more. Here
# some are said to be copied as well, 46 of 239 at the most: the card's driver copies packets of 128
# bytes and less, and from Linux 6.10 on a send that goes out in the packets of others has that report
# without a copy (io_link_skb).
stays_on() {
  [ "$granted" -ge 60 ] || fail "$1: $granted sends were not copied, expected 60 at least"
  [ $((copied * 2)) -le "$granted" ] || fail "$1: $copied sends were copied, $granted were not"
}

talk 198.51.100.1 on_peer -- $small
stays_on "between two cards"
between_cards=$asked

# A socket that takes a small part of a send at a time: each is short, and continued.
talk 198.51.100.1 on_peer -- $small --connection.send-buffer-bytes 8KiB
stays_on "with a small socket"

talk 127.0.0.1 -- $small
[ "$granted" = 0 ] || fail "on loopback $granted sends were not copied, expected none"
# Four a connection, and four more for each 1,024 sends.
[ "$copied" -ge 1 ] && [ "$copied" -le 32 ] || fail "on loopback $copied were copied, expected 4 a connection"
[ $((asked * 2)) -le "$between_cards" ] || fail "on loopback it was asked for $asked times, between cards $between_cards"
