#!/bin/sh
# The echo server and its own client, which verifies every byte. Usage: echo.sh BACKEND.
work=$(mktemp -d)
trap 'kill $server 2>/dev/null; rm -rf "$work"' EXIT
mkfifo "$work/said"
./myra echo --listen 127.0.0.1:0 --backend "$1" >"$work/said" &
server=$!
read -r line <"$work/said"
echo "$line"
address=${line#listening on }
address=${address%% *}
echo_back() { ./myra echo --connect "$address" --backend "$1" --bytes "$2" --connections "$3"; }
echo_back "$1" 1MiB 1 && echo_back "$1" 16MiB 50 || exit
kill -TERM $server
wait $server
