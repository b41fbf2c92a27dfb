// A schema that uses every construct.
#pragma once

namespace myra::schema {

inline constexpr const char* all_types_schema = R"(namespace: t
enums:
  - {name: side, type: int8, values: [{name: buy, id: 0}, {name: sell, id: -1}]}
  - {name: wide, type: uint64, values: [{name: most, id: 18446744073709551615}, {name: one, id: 1}]}
messages:
  - name: inner
    fields:
      - {name: x, type: int32}
      - {name: label, type: string}
      - {name: next, type: inner, optional: true}
  - name: all
    fields:
      - {name: b, type: bool}
      - {name: i8, type: int8}
      - {name: i16, type: int16}
      - {name: i32, type: int32}
      - {name: i64, type: int64}
      - {name: u8, type: uint8}
      - {name: u16, type: uint16}
      - {name: u32, type: uint32}
      - {name: u64, type: uint64}
      - {name: f32, type: float32}
      - {name: f64, type: float64}
      - {name: id, type: uuid}
      - {name: price, type: decimal}
      - {name: at, type: timestamp}
      - {name: at_us, type: timestamp_micros}
      - {name: at_ms, type: timestamp_millis}
      - {name: took, type: duration}
      - {name: way, type: side}
      - {name: large, type: wide}
      - {name: s, type: string}
      - {name: raw, type: bytes}
      - {name: code, type: string, fixed_capacity: 5}
      - {name: key, type: bytes, fixed_capacity: 300}
      - {name: digest, type: "uint8[5]"}
      - {name: ways, type: "side[2]"}
      - {name: maybe, type: int32, optional: true}
      - {name: maybe_b, type: bool, optional: true}
      - {name: maybe_s, type: string, optional: true}
      - {name: sure, type: int32, default: 7}
      - {name: titled, type: string, default: none}
      - {name: one, type: inner}
      - {name: two, type: inner, optional: true}
      - {name: numbers, type: uint16, repeated: true}
      - {name: words, type: string, repeated: true}
      - {name: truths, type: bool, repeated: true}
      - {name: many, type: inner, repeated: true}
      - {name: some, type: float64, repeated: true, optional: true}
      - {name: legs, type: group, fields: [{name: n, type: int8}, {name: deep, type: group, fields: [{name: t, type: string}]}]}
      - {name: by_name, type: "map<string, inner>"}
      - {name: by_number, type: "map<int16, string>"}
      - {name: by_id, type: "map<uuid, uint8>"}
      - {name: choice, type: oneof, fields: [{name: p, type: string}, {name: q, type: inner}, {name: r, type: "int16[2]"}]}
)";

}  // namespace myra::schema
