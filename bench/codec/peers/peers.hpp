// The codecs of others, each where it was found.
#pragma once

#include "codec/contender.hpp"
#include "codec/order_book.hpp"

namespace codec_bench {

[[nodiscard]] contender<order_book::snapshot> flatbuffers_contender();
[[nodiscard]] contender<order_book::snapshot> capnp_contender();
[[nodiscard]] contender<order_book::snapshot> protobuf_contender();

}  // namespace codec_bench
