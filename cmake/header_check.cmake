# The target header_check compiles every header of src/ alone: one generated file for each, which
# includes it twice. Not part of the ordinary build; ./dev check builds it.

file(GLOB_RECURSE headers CONFIGURE_DEPENDS RELATIVE "${PROJECT_SOURCE_DIR}/src"
  "${PROJECT_SOURCE_DIR}/src/myra/*.hpp")
set(sources)
foreach(header IN LISTS headers)
  string(MAKE_C_IDENTIFIER "${header}" name)
  set(source "${PROJECT_BINARY_DIR}/header_check/${name}.cpp")
  file(CONFIGURE OUTPUT "${source}" @ONLY
    CONTENT "#include \"@header@\"\n#include \"@header@\"  // the guard works\n")
  list(APPEND sources "${source}")
endforeach()

add_library(header_check OBJECT EXCLUDE_FROM_ALL ${sources})
target_compile_features(header_check PRIVATE cxx_std_23)
target_include_directories(header_check PRIVATE "${PROJECT_SOURCE_DIR}/src")
target_link_libraries(header_check PRIVATE myra::liburing)
