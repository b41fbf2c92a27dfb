#!/usr/bin/env bash
# Installs Debian packages without starting a service of theirs (redis-server, haproxy and
# prometheus bring one, and only their programs are wanted here). Runs as root; called by packages.sh.
set -euo pipefail

readonly POLICY=/usr/sbin/policy-rc.d

install() {
  DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 \
    apt-get install -y -q -o Dpkg::Use-Pty=0 --no-install-recommends "$@"
}

# While this file is there and says 101, maintainer scripts start nothing.
if [[ ! -e $POLICY ]]; then
  trap 'rm -f "$POLICY"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$POLICY"
  chmod 755 "$POLICY"
fi

if ! install "$@"; then
  echo "dev: the package lists may be old; updating them and trying once more" >&2
  apt-get update -q
  install "$@"
fi

# Nor is a service that came with them to start at the next boot.
if command -v systemctl >/dev/null; then
  for package in "$@"; do
    case $package in
      redis-server | haproxy | prometheus) systemctl disable --quiet "$package.service" ;;
    esac
  done
fi
