#include "myra/schema/model.hpp"

namespace myra::schema {
namespace {

std::string qualify(const schema_file& file, const std::string& name) {
  std::string text;
  for (const std::string& part : file.name_space) text.append(part).append(".");
  return text + name;
}

std::string element_text(const model& schema, const type& shown) {
  switch (shown.kind) {
    case type_kind::enumeration: return qualified_name(schema, schema.enums[shown.index]);
    case type_kind::message: return qualified_name(schema, schema.messages[shown.index]);
    case type_kind::map:
      return "map<" + type_text(schema, shown.parameters[0]) + ',' +
             type_text(schema, shown.parameters[1]) + '>';
    default: return std::string(kind_name(shown.kind));
  }
}

}  // namespace

std::string qualified_name(const model& schema, const message& named) {
  return qualify(schema.files[named.file], named.name);
}

std::string qualified_name(const model& schema, const enumeration& named) {
  return qualify(schema.files[named.file], named.name);
}

std::string_view kind_name(type_kind kind) noexcept {
  constexpr std::string_view names[] = {"bool",
                                        "int8",
                                        "int16",
                                        "int32",
                                        "int64",
                                        "uint8",
                                        "uint16",
                                        "uint32",
                                        "uint64",
                                        "float32",
                                        "float64",
                                        "uuid",
                                        "decimal",
                                        "timestamp_nanos",
                                        "timestamp_micros",
                                        "timestamp_millis",
                                        "duration",
                                        "enum",
                                        "string",
                                        "bytes",
                                        "message",
                                        "map",
                                        "oneof"};
  return names[static_cast<std::size_t>(kind)];
}

std::string type_text(const model& schema, const type& shown) {
  std::string text = element_text(schema, shown);
  if (shown.array_count != 0) text += '[' + std::to_string(shown.array_count) + ']';
  return text;
}

}  // namespace myra::schema
