#!/usr/bin/env bash
# Provides liburing >= 2.15. Where the system's is older, the newest liburing-dev of Debian's
# forky suite is downloaded with apt, which verifies it against Debian's archive keys, and is
# unpacked to build/deps/prefix. Nothing is installed in the system; no root is needed.
#
# When the prefix is already there this script only looks at it and does not use the network.
set -euo pipefail

readonly MIN_MAJOR=2 MIN_MINOR=15
readonly SUITE=forky
readonly KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
deps=$root/build/deps
prefix=$deps/prefix
state=$deps/apt

say() { printf '%s\n' "deps: $*" >&2; }

# Succeeds when the folder given (a "usr" folder) has headers and a static library new enough.
has_liburing() {
  local usr=$1 version=$1/include/liburing/io_uring_version.h major minor
  [[ -r $version ]] || return 1
  compgen -G "$usr/lib/*/liburing.a" >/dev/null || [[ -r $usr/lib/liburing.a ]] || return 1
  major=$(awk '$2 == "IO_URING_VERSION_MAJOR" {print $3}' "$version")
  minor=$(awk '$2 == "IO_URING_VERSION_MINOR" {print $3}' "$version")
  ((major > MIN_MAJOR || (major == MIN_MAJOR && minor >= MIN_MINOR)))
}

# apt with a configuration and a state of its own: it sees only the suite above.
private_apt() {
  local tool=$1
  shift
  "$tool" -q \
    -o Dir::Etc::sourcelist=/dev/null \
    -o Dir::Etc::sourceparts="$state/etc" \
    -o Dir::Etc::preferences=/dev/null \
    -o Dir::Etc::preferencesparts=/dev/null \
    -o Dir::State::lists="$state/lists" \
    -o Dir::Cache="$state/cache" \
    -o APT::Sandbox::User="$(id -un)" \
    -o Acquire::Languages=none \
    "$@"
}

# The mirror this machine already uses for the ordinary Debian archive.
debian_mirror() {
  apt-get indextargets --format '$(REPO_URI) $(ORIGIN) $(LABEL) $(COMPONENT) $(CREATED_BY)' |
    awk '$2 == "Debian" && $3 == "Debian" && $4 == "main" && $5 == "Packages" {print $1}' |
    sort -u | head -1
}

write_source() {
  local mirror=$1 keyring=$2
  mkdir -p "$state/etc" "$state/lists/partial" "$state/cache/archives/partial"
  printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n' \
    "$mirror" "$SUITE" "$keyring" >"$state/etc/$SUITE.sources"
}

# An old installation's keyring may not know the keys that sign the suite today. The newest
# keyring package of the installation's own release, verified by the keys it already has, does.
newer_keyring() {
  local folder=$state/keyring
  rm -rf "$folder" && mkdir -p "$folder"
  (
    cd "$folder" &&
      apt-get -q -o APT::Sandbox::User="$(id -un)" download debian-archive-keyring >&2 &&
      dpkg-deb -x debian-archive-keyring_*.deb .
  ) || return 1
  printf '%s\n' "$folder$KEYRING"
}

update_lists() {
  local mirror=$1 keyring
  write_source "$mirror" "$KEYRING"
  private_apt apt-get update --error-on=any >&2 && return
  say "$SUITE could not be read with the installed keyring; trying the newest keyring package"
  keyring=$(newer_keyring) || return 1
  write_source "$mirror" "$keyring"
  private_apt apt-get update --error-on=any >&2
}

fetch() {
  local mirror
  mirror=$(debian_mirror)
  if [[ -z $mirror ]]; then
    say "no Debian archive among this machine's apt sources. Install liburing >=" \
      "$MIN_MAJOR.$MIN_MINOR with headers and liburing.a to /usr/local."
    return 2
  fi
  say "liburing >= $MIN_MAJOR.$MIN_MINOR is not installed; unpacking $SUITE's to $prefix"
  update_lists "$mirror"
  rm -rf "$state/package" "$prefix.new"
  mkdir -p "$state/package" "$prefix.new"
  (cd "$state/package" && private_apt apt-get download liburing-dev >&2)
  dpkg-deb -x "$state"/package/liburing-dev_*.deb "$prefix.new"
  if ! has_liburing "$prefix.new/usr"; then
    say "the liburing-dev of $SUITE has no liburing.a >= $MIN_MAJOR.$MIN_MINOR"
    return 1
  fi
  rm -rf "$prefix"
  mv "$prefix.new" "$prefix"
  rm -rf "$state"
}

found() { has_liburing /usr/local || has_liburing /usr || has_liburing "$prefix/usr"; }

if ! found; then
  mkdir -p "$deps"
  # Two builds may start together: the second waits, and finds what the first has fetched.
  exec 9>"$deps/lock"
  flock 9
  found || fetch
fi
