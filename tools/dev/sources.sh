# sources: prints every C++ source of the tree, one a line.

sources() {
  find src tools examples bench fuzz tests -path '*/build/*' -prune -o \
    \( -name '*.cpp' -o -name '*.hpp' \) -type f -print 2>/dev/null | sort
}
