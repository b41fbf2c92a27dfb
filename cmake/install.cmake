# The installed package: find_package(myra) gives myra::core ... myra::transport, myra::framing.
# liburing.a goes along, in a folder of ours, so that a consumer needs nothing else.

include(CMakePackageConfigHelpers)

set(myra_package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/myra")

# The backends' headers show liburing or the kernel, and only the reactor includes them.
# The schema compiler's library is for myrac alone.
set(myra_private_headers PATTERN "*_test.hpp" EXCLUDE PATTERN "io/uring" EXCLUDE
  PATTERN "io/epoll" EXCLUDE PATTERN "myra/schema" EXCLUDE)
if(NOT TARGET myra::config)
  list(APPEND myra_private_headers PATTERN "myra/config" EXCLUDE)
endif()
install(DIRECTORY "${PROJECT_SOURCE_DIR}/src/myra" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
  FILES_MATCHING PATTERN "*.hpp" ${myra_private_headers})

get_target_property(myra_liburing_archive myra::liburing IMPORTED_LOCATION)
install(FILES "${myra_liburing_archive}" DESTINATION "${CMAKE_INSTALL_LIBDIR}/myra")

install(EXPORT myra-targets NAMESPACE myra:: DESTINATION "${myra_package_dir}")
configure_package_config_file(cmake/myra-config.cmake.in "${PROJECT_BINARY_DIR}/myra-config.cmake"
  INSTALL_DESTINATION "${myra_package_dir}" PATH_VARS CMAKE_INSTALL_LIBDIR)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/myra-config-version.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/myra-config.cmake"
  "${PROJECT_BINARY_DIR}/myra-config-version.cmake" cmake/myra_generate.cmake DESTINATION "${myra_package_dir}")
