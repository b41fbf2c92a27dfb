# The Redis protocol of the key-value server, as a library: the server uses it, and so does the fuzzer.
include_guard(GLOBAL)

add_library(kv_resp STATIC
  ${CMAKE_CURRENT_LIST_DIR}/resp_inline.cpp
  ${CMAKE_CURRENT_LIST_DIR}/resp_parser.cpp)
target_compile_features(kv_resp PUBLIC cxx_std_23)
target_include_directories(kv_resp PUBLIC ${CMAKE_CURRENT_LIST_DIR})

if(MYRA_BUILD_TESTS)
  myra_executable(NAME kv_resp_test
    SOURCES
      ${CMAKE_CURRENT_LIST_DIR}/resp_inline_test.cpp
      ${CMAKE_CURRENT_LIST_DIR}/resp_parser_test.cpp
      ${CMAKE_CURRENT_LIST_DIR}/resp_reply_test.cpp
      ${PROJECT_SOURCE_DIR}/src/myra/framing/allocation_count_test.cpp
    LIBS kv_resp myra::core GTest::gtest_main)
  myra_test(NAME kv_resp_test COMMAND kv_resp_test LABELS unit)
endif()
