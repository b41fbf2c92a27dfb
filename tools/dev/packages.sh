# need_packages GROUP...: makes sure that the Debian packages of tools/dev/packages/GROUP.txt are
# installed. Sourced by the verbs.

source "$MYRA_ROOT/tools/dev/say.sh"

# Prints those of the given packages that are not installed.
missing_packages() {
  dpkg-query -W -f='${Package} ${db:Status-Abbrev}\n' "$@" 2>/dev/null |
    awk '$2 == "ii" || $2 == "hi" {print $1}' | sort -u |
    comm -13 - <(printf '%s\n' "$@" | sort -u)
}

install_packages() {
  local installer=(bash "$MYRA_ROOT/tools/dev/install_packages.sh")
  if ((EUID == 0)); then
    step "installing with apt: $*"
    "${installer[@]}" "$@"
  elif sudo -n true 2>/dev/null || { [[ -t 0 ]] && command -v sudo >/dev/null; }; then
    step "installing with sudo apt: $*"
    sudo "${installer[@]}" "$@"
  else
    usage_error "some packages are missing and neither root nor sudo is at hand. As root, run:" \
      "apt-get update && apt-get install -y --no-install-recommends $*"
  fi
}

need_packages() {
  local group list=() missing stamp
  for group in "$@"; do
    mapfile -t -O "${#list[@]}" list <"$MYRA_ROOT/tools/dev/packages/$group.txt"
  done
  # The stamp holds until the list or anything in dpkg's database changes.
  stamp=$MYRA_ROOT/build/.packages-$(IFS=- && echo "$*")
  if [[ $stamp -nt /var/lib/dpkg/status && $(<"$stamp") == "${list[*]}" ]]; then
    return
  fi
  if ! command -v dpkg-query >/dev/null; then
    step "not a Debian system; needed are the equivalents of: ${list[*]}"
    return
  fi
  mapfile -t missing < <(missing_packages "${list[@]}")
  if ((${#missing[@]} > 0)); then
    install_packages "${missing[@]}"
  fi
  mkdir -p "$MYRA_ROOT/build"
  printf '%s\n' "${list[*]}" >"$stamp"
}
