# planted [NAME...]     Plant known bugs in a copy of the tree: each has to be caught.
#
# The bugs are tests/planted/NAME.patch. Each is applied alone to a copy in build/planted, built as
# far as it is needed, and the test that the patch names is run, which has to fail. Prints by what
# each was caught; a patch that no longer applies, or that is not caught, is exit code 1.

source "$MYRA_ROOT/tools/dev/build.sh"

need_packages build test
tools/dev/deps.sh
exec python3 tools/dev/planted.py "$@"
