# Defines the imported static library myra::liburing (liburing >= 2.15).
#
# Looked for in MYRA_LIBURING_PREFIX, then in the system, then in build/deps/prefix, where
# tools/dev/deps.sh puts it. Always the static library, so that a binary runs anywhere.

set(MYRA_LIBURING_PREFIX "" CACHE PATH "Prefix of a liburing >= 2.15 (empty: search)")
set(myra_liburing_version_min 2.15)

# Sets ${out} to the version of the liburing headers in the folder, or to 0.
function(myra_liburing_version out include_dir)
  set(version 0)
  set(header "${include_dir}/liburing/io_uring_version.h")
  if(EXISTS "${header}")
    file(STRINGS "${header}" lines REGEX "define IO_URING_VERSION_(MAJOR|MINOR)")
    string(REGEX REPLACE ".*MAJOR +([0-9]+).*MINOR +([0-9]+).*" "\\1.\\2" version "${lines}")
  endif()
  set(${out} "${version}" PARENT_SCOPE)
endfunction()

function(myra_import_liburing)
  set(prefixes /usr/local /usr "${PROJECT_SOURCE_DIR}/build/deps/prefix/usr")
  if(MYRA_LIBURING_PREFIX)
    set(prefixes "${MYRA_LIBURING_PREFIX}")
  endif()
  foreach(prefix IN LISTS prefixes)
    myra_liburing_version(version "${prefix}/include")
    find_library(archive liburing.a PATHS "${prefix}/lib/${CMAKE_LIBRARY_ARCHITECTURE}"
      "${prefix}/lib" "${prefix}/lib64" NO_DEFAULT_PATH NO_CACHE)
    set(includes "${prefix}/include")
    if(archive AND version VERSION_GREATER_EQUAL myra_liburing_version_min)
      break()
    endif()
    unset(archive)
  endforeach()
  if(NOT archive)
    list(JOIN prefixes ", " searched)
    message(FATAL_ERROR "Myra needs liburing >= ${myra_liburing_version_min} with liburing.a; "
      "none in ${searched}. On Debian run ${PROJECT_SOURCE_DIR}/tools/dev/deps.sh once; "
      "elsewhere set MYRA_LIBURING_PREFIX to the prefix of one.")
  endif()
  if(NOT EXISTS /usr/include/linux/blkdev.h)
    list(APPEND includes "${PROJECT_SOURCE_DIR}/cmake/shim")
  endif()
  message(STATUS "liburing ${version}: ${archive}")
  add_library(myra::liburing STATIC IMPORTED GLOBAL)
  # IMPORTED targets give their include folders as system folders: no warnings from them.
  set_target_properties(myra::liburing PROPERTIES IMPORTED_LOCATION "${archive}"
    INTERFACE_INCLUDE_DIRECTORIES "${includes}")
endfunction()

myra_import_liburing()
