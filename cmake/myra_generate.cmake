# Generates C++ from schemas at build time. Part of the source tree and of the installed package.
#
#   myra_generate(TARGET trading_messages SCHEMAS trading.myra.yml orders.myra.yml
#                 [LOCK trading.myra.lock])
#     The header-only library TARGET, whose include folder has trading.hpp and orders.hpp, and the
#     headers of all that they import. Paths are relative to the current source folder.
#     The ledger (LOCK, for one schema; by default NAME.myra.lock beside each schema) must be up to
#     its schema: a build never changes it. Where it is not, the build stops and says what to do:
#     myrac lock SCHEMA.

function(myra_generate)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "TARGET;LOCK" "SCHEMAS")
  if(arg_UNPARSED_ARGUMENTS OR NOT arg_TARGET OR NOT arg_SCHEMAS)
    message(FATAL_ERROR "myra_generate: expected TARGET name SCHEMAS file..., "
      "found unknown arguments: ${arg_UNPARSED_ARGUMENTS}")
  endif()
  list(LENGTH arg_SCHEMAS schema_count)
  if(arg_LOCK AND NOT schema_count EQUAL 1)
    message(FATAL_ERROR "myra_generate: LOCK goes with one schema; found ${schema_count}")
  endif()

  set(out "${CMAKE_CURRENT_BINARY_DIR}/myra_generate/${arg_TARGET}")
  set(stamps)
  foreach(schema IN LISTS arg_SCHEMAS)
    get_filename_component(path "${schema}" ABSOLUTE)
    get_filename_component(name "${schema}" NAME)
    string(REGEX REPLACE "\\.ya?ml$" "" stem "${name}")
    string(REGEX REPLACE "\\.myra$" "" stem "${stem}")
    get_filename_component(folder "${path}" DIRECTORY)
    set(lock "${folder}/${stem}.myra.lock")
    if(arg_LOCK)
      get_filename_component(lock "${arg_LOCK}" ABSOLUTE)
    endif()
    set(inputs "${path}")
    if(EXISTS "${lock}")
      list(APPEND inputs "${lock}")
    endif()
    # Which files it imports, myrac knows: it writes a rule for the build tool.
    set(stamp "${out}/${stem}.stamp")
    add_custom_command(OUTPUT "${stamp}" BYPRODUCTS "${out}/${stem}.hpp" VERBATIM
      COMMAND myra::myrac generate "${path}" --out "${out}" --lock "${lock}" --check
        --depfile "${stamp}.d"
      COMMAND "${CMAKE_COMMAND}" -E touch "${stamp}"
      DEPENDS ${inputs} myra::myrac DEPFILE "${stamp}.d" COMMENT "Generating ${stem}.hpp")
    list(APPEND stamps "${stamp}")
  endforeach()

  add_custom_target(${arg_TARGET}_generate DEPENDS ${stamps})
  add_library(${arg_TARGET} INTERFACE)
  add_dependencies(${arg_TARGET} ${arg_TARGET}_generate)
  target_include_directories(${arg_TARGET} INTERFACE "${out}")
  target_link_libraries(${arg_TARGET} INTERFACE myra::codec)
endfunction()
