// All that generated code needs.
#pragma once

#include "myra/codec/block.hpp"
#include "myra/codec/codec_error.hpp"
#include "myra/codec/extent.hpp"
#include "myra/codec/limits.hpp"
#include "myra/codec/list_view.hpp"
#include "myra/codec/map_view.hpp"
#include "myra/codec/message.hpp"
#include "myra/codec/message_writer.hpp"
#include "myra/codec/scalar.hpp"
#include "myra/codec/shape.hpp"
#include "myra/codec/wire.hpp"
#include "myra/core/bytes.hpp"
