# FlatBuffers, Cap'n Proto and protobuf, where Debian's packages of them are installed: codec-bench
# then measures them as well. What their compilers make is theirs, and is not warned of.
set(peers "${CMAKE_CURRENT_BINARY_DIR}/peers")
set(peer_schemas "${CMAKE_CURRENT_SOURCE_DIR}/codec/peers")
file(MAKE_DIRECTORY "${peers}")

find_program(MYRA_FLATC flatc)
find_path(MYRA_FLATBUFFERS_INCLUDE flatbuffers/flatbuffers.h)
find_program(MYRA_CAPNP capnp)
find_library(MYRA_CAPNP_LIBRARY capnp)
find_library(MYRA_KJ_LIBRARY kj)
find_program(MYRA_PROTOC protoc)
find_library(MYRA_PROTOBUF_LIBRARY protobuf)

# The calls of one codec, in C++17: Cap'n Proto's headers do not compile as C++20 with Clang.
function(myra_bench_peer name)
  add_library(bench_${name} STATIC codec/peers/${name}_codec.cpp ${ARGN})
  set_target_properties(bench_${name} PROPERTIES CXX_STANDARD 17)
  target_include_directories(bench_${name} PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}")
  target_include_directories(bench_${name} SYSTEM PRIVATE "${peers}")
  target_link_libraries(codec-bench PRIVATE bench_${name})
  string(TOUPPER ${name} upper)
  target_compile_definitions(codec-bench PRIVATE MYRA_BENCH_${upper})
endfunction()

if(MYRA_FLATC AND MYRA_FLATBUFFERS_INCLUDE)
  add_custom_command(OUTPUT "${peers}/feed_generated.h" VERBATIM
    COMMAND "${MYRA_FLATC}" --cpp --cpp-std c++17 -o "${peers}" "${peer_schemas}/feed.fbs"
    DEPENDS "${peer_schemas}/feed.fbs")
  myra_bench_peer(flatbuffers "${peers}/feed_generated.h")
else()
  message(STATUS "codec-bench does without FlatBuffers "
    "(Debian: libflatbuffers-dev, flatbuffers-compiler)")
endif()

if(MYRA_CAPNP AND MYRA_CAPNP_LIBRARY AND MYRA_KJ_LIBRARY)
  add_custom_command(OUTPUT "${peers}/feed.capnp.c++" "${peers}/feed.capnp.h" VERBATIM
    COMMAND "${MYRA_CAPNP}" compile -oc++:${peers} --src-prefix=${peer_schemas}
      "${peer_schemas}/feed.capnp"
    DEPENDS "${peer_schemas}/feed.capnp")
  set_source_files_properties("${peers}/feed.capnp.c++" PROPERTIES COMPILE_OPTIONS -w LANGUAGE CXX)
  myra_bench_peer(capnp "${peers}/feed.capnp.c++")
  target_link_libraries(bench_capnp PRIVATE "${MYRA_CAPNP_LIBRARY}" "${MYRA_KJ_LIBRARY}")
else()
  message(STATUS "codec-bench does without Cap'n Proto (Debian: libcapnp-dev, capnproto)")
endif()

if(MYRA_PROTOC AND MYRA_PROTOBUF_LIBRARY)
  add_custom_command(OUTPUT "${peers}/feed.pb.cc" "${peers}/feed.pb.h" VERBATIM
    COMMAND "${MYRA_PROTOC}" --cpp_out=${peers} -I "${peer_schemas}" "${peer_schemas}/feed.proto"
    DEPENDS "${peer_schemas}/feed.proto")
  set_source_files_properties("${peers}/feed.pb.cc" PROPERTIES COMPILE_OPTIONS -w)
  myra_bench_peer(protobuf "${peers}/feed.pb.cc")
  target_link_libraries(bench_protobuf PRIVATE "${MYRA_PROTOBUF_LIBRARY}")
else()
  message(STATUS "codec-bench does without protobuf (Debian: libprotobuf-dev, protobuf-compiler)")
endif()
