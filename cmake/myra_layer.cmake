# The functions by which a folder says what it builds.
#
#   myra_layer(NAME framing
#              SOURCES frame_reader.cpp frame_writer.cpp
#              TESTS frame_reader_test.cpp frame_writer_test.cpp
#              USES memory core
#              [PRIVATE_LIBS toml++ ...]
#              [NOT_INSTALLED])
#     A layer: the static library myra_framing (header-only without SOURCES), known as
#     myra::framing, and the GoogleTest executable framing_test. USES names every layer whose
#     headers it includes, and only layers declared before it: that is what keeps includes
#     pointing down. tools/check_layers.py holds the #include lines against the same list.
#     PRIVATE_LIBS are linked to the library and to its tests, and are seen by nobody else.
#     NOT_INSTALLED: for our own programs; the installed package does not have it.
#
#   myra_executable(NAME myra-kv SOURCES main.cpp LIBS myra::transport)
#     A program in the bin folder, and in the target myra_programs unless its name says that it is
#     a test or a fuzzer.
#
#   myra_gtest(NAME conformance_epoll TARGET conformance [ARGUMENTS --backend=epoll]
#              [LABELS conformance] [TIMEOUT seconds])
#     Registers every case of a GoogleTest program with CTest, as NAME/suite.case, each run in a
#     process of its own. One program may be registered several times with other arguments.
#
#   myra_test(NAME kv_redis_uring COMMAND program argument... [LABELS e2e] [TIMEOUT seconds])
#     Registers any other program with CTest. It passes with exit code 0, and is skipped with 77,
#     having printed its reason in a line that begins with "SKIP: ". The command may name a
#     target of ours or use generator expressions, as in add_test.
#
#   myra_fuzzer(NAME resp LIBS myra::framing)
#     Builds fuzz/resp.cpp, which defines LLVMFuzzerTestOneInput. With MYRA_FUZZ that is the
#     libFuzzer program fuzz_resp; otherwise it is a program of the same name which replays
#     files, and a test which replays fuzz/corpus/resp.

include(GNUInstallDirs)
include(GoogleTest)

function(myra_layer)
  cmake_parse_arguments(PARSE_ARGV 0 arg "NOT_INSTALLED" "NAME" "SOURCES;TESTS;USES;PRIVATE_LIBS")
  myra_check_arguments(myra_layer "NAME")
  foreach(used IN LISTS arg_USES)
    if(NOT TARGET myra::${used})
      message(FATAL_ERROR "Layer ${arg_NAME} says that it uses ${used}, which is not declared "
        "below it in src/myra/CMakeLists.txt. Includes point down only.")
    endif()
  endforeach()
  list(TRANSFORM arg_USES PREPEND myra::)

  set(target myra_${arg_NAME})
  if(arg_SOURCES)
    add_library(${target} STATIC ${arg_SOURCES})
    set(scope PUBLIC)
    target_link_libraries(${target} PRIVATE ${arg_PRIVATE_LIBS})
    add_dependencies(myra_programs ${target})
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
  endif()
  add_library(myra::${arg_NAME} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${arg_NAME})
  target_compile_features(${target} ${scope} cxx_std_23)
  target_link_libraries(${target} ${scope} ${arg_USES})
  target_include_directories(${target} ${scope}
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  if(NOT arg_NOT_INSTALLED)
    install(TARGETS ${target} EXPORT myra-targets)
  endif()

  if(MYRA_BUILD_TESTS AND arg_TESTS)
    myra_executable(NAME ${arg_NAME}_test SOURCES ${arg_TESTS}
      LIBS myra::${arg_NAME} ${arg_PRIVATE_LIBS} GTest::gtest_main)
    myra_gtest(NAME ${arg_NAME} TARGET ${arg_NAME}_test LABELS unit)
  endif()
endfunction()

function(myra_executable)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "NAME" "SOURCES;LIBS")
  myra_check_arguments(myra_executable "NAME;SOURCES")
  add_executable(${arg_NAME} ${arg_SOURCES})
  target_link_libraries(${arg_NAME} PRIVATE ${arg_LIBS})
  target_compile_features(${arg_NAME} PRIVATE cxx_std_23)
  if(NOT arg_NAME MATCHES "_test$|^fuzz_")
    add_dependencies(myra_programs ${arg_NAME})
  endif()
  if(MYRA_WATCH_WRITES)
    set(watch "${PROJECT_SOURCE_DIR}/bench/watch_writes.cpp")
    target_sources(${arg_NAME} PRIVATE "${watch}")
    set_source_files_properties("${watch}" PROPERTIES COMPILE_OPTIONS "-fno-sanitize=thread")
  endif()
endfunction()

function(myra_gtest)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "NAME;TARGET;TIMEOUT" "ARGUMENTS;LABELS")
  myra_check_arguments(myra_gtest "NAME;TARGET")
  myra_default(arg_TIMEOUT 120)
  # Listed when CTest starts and not after linking: a build runs nothing that it built.
  gtest_discover_tests(${arg_TARGET} TEST_PREFIX ${arg_NAME}/ EXTRA_ARGS ${arg_ARGUMENTS}
    TEST_LIST ${arg_NAME}_cases DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60
    PROPERTIES LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT})
endfunction()

function(myra_test)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "NAME;TIMEOUT" "COMMAND;LABELS")
  myra_check_arguments(myra_test "NAME;COMMAND")
  myra_default(arg_TIMEOUT 300)
  add_test(NAME ${arg_NAME} COMMAND ${arg_COMMAND})
  set_tests_properties(${arg_NAME} PROPERTIES
    LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT} SKIP_RETURN_CODE 77)
endfunction()

function(myra_fuzzer)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "NAME" "LIBS")
  myra_check_arguments(myra_fuzzer "NAME")
  set(source "${PROJECT_SOURCE_DIR}/fuzz/${arg_NAME}.cpp")
  if(MYRA_FUZZ)
    myra_executable(NAME fuzz_${arg_NAME} SOURCES "${source}" LIBS ${arg_LIBS})
    target_link_options(fuzz_${arg_NAME} PRIVATE -fsanitize=fuzzer)
  else()
    myra_executable(NAME fuzz_${arg_NAME} LIBS ${arg_LIBS}
      SOURCES "${source}" "${PROJECT_SOURCE_DIR}/fuzz/replay_main.cpp")
    myra_test(NAME fuzz_replay_${arg_NAME} LABELS fuzz
      COMMAND fuzz_${arg_NAME} "${PROJECT_SOURCE_DIR}/fuzz/corpus/${arg_NAME}")
  endif()
endfunction()

# Stops with a message when the caller's cmake_parse_arguments (prefix arg) met unknown words or
# lacks a required one.
macro(myra_check_arguments function_name required)
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "${function_name}: unknown arguments: ${arg_UNPARSED_ARGUMENTS}")
  endif()
  foreach(required_name ${required})
    if(NOT arg_${required_name})
      message(FATAL_ERROR "${function_name}: ${required_name} is missing")
    endif()
  endforeach()
endmacro()

macro(myra_default variable value)
  if(NOT ${variable})
    set(${variable} ${value})
  endif()
endmacro()
