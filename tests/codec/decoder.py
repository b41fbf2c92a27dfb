"""A decoder of messages that was written from docs/wire-format.md and docs/schema.md alone.

It shares nothing with the library and is read beside it: where the two disagree, one of them, or the
pages, is wrong. Slow and plain on purpose. Reads schemas of one file whose fields all have tags, in
their first version.
"""

import struct
import uuid
from fractions import Fraction

import yaml

NUMBERS = {"int8": "b", "int16": "h", "int32": "i", "int64": "q", "uint8": "B", "uint16": "H", "uint32": "I",
           "uint64": "Q", "float32": "f", "float64": "d", "timestamp": "q", "timestamp_nanos": "q",
           "timestamp_micros": "q", "timestamp_millis": "q", "duration": "q"}
TICKS = {"timestamp": 9, "timestamp_nanos": 9, "timestamp_micros": 6, "timestamp_millis": 3}


class Refused(Exception):
    """The bytes are no message."""


def need(condition, what):
    if not condition:
        raise Refused(what)


class Type:
    """FIXED, "string", "bytes", a message, a map or a oneof; fixed ones may be arrays."""

    def __init__(self, schema, text):
        text = text.strip()
        self.key = self.value = None
        self.count = 0
        if text.startswith("map<"):
            self.name = "map"
            key, value = text[len("map<"):-1].split(",")
            self.key, self.value = Type(schema, key), Type(schema, value)
            return
        if text.endswith("]"):
            text, count = text[:-1].split("[")
            self.count = int(count)
        self.name = text
        self.values = None
        if text in schema.enums:
            self.name, self.values = schema.enums[text]

    @property
    def is_text(self):
        return self.name in ("string", "bytes")

    @property
    def one_size(self):
        """Of a value of fixed size; None for the others."""
        if self.name in NUMBERS:
            return struct.calcsize("<" + NUMBERS[self.name])
        return {"bool": 1, "uuid": 16, "decimal": 9}.get(self.name)

    @property
    def size(self):
        return self.one_size and self.one_size * max(self.count, 1)

    def one(self, data):
        if self.name == "bool":
            return data[0] != 0
        if self.name == "uuid":
            return str(uuid.UUID(bytes=bytes(data)))
        if self.name == "decimal":
            mantissa, exponent = struct.unpack("<qb", data)
            return ("decimal", mantissa, exponent)
        number, = struct.unpack("<" + NUMBERS[self.name], data)
        if self.values is not None:
            return self.values.get(number, number)
        if self.name in TICKS:
            return ("time", number, Fraction(number, 10 ** TICKS[self.name]))
        return number

    def read(self, data):
        if not self.count:
            return self.one(data)
        step = self.one_size
        return [self.one(data[i * step:(i + 1) * step]) for i in range(self.count)]


def text_value(kind, data):
    if kind == "bytes":
        return bytes(data).hex()
    try:
        return bytes(data).decode("utf-8")
    except UnicodeDecodeError:
        return {"hex": bytes(data).hex()}


class Field:
    def __init__(self, schema, parent, given):
        self.name, self.tag = given["name"], given["tag"]
        self.repeated, self.optional = given.get("repeated", False), given.get("optional", False)
        self.capacity, self.has_default = given.get("fixed_capacity", 0), "default" in given
        self.choices = None
        kind = given["type"]
        if kind == "group":
            kind = f"{parent}_{self.name}"
            schema.messages[kind] = Message(schema, kind, given["fields"])
            self.repeated = True
        if kind == "oneof":
            self.choices = {each["tag"]: Field(schema, parent, each) for each in given["fields"]}
        self.type = Type(schema, kind)
        self.bit = self.place = self.slot = self.value_bit = None

    @property
    def is_single_message(self):
        return not self.repeated and not self.type.is_text and self.type.name != "map" and self.type.size is None

    @property
    def needs_bit(self):
        if self.optional:
            return not self.is_single_message
        return self.type.is_text and self.has_default and not self.capacity and not self.repeated


class Message:
    def __init__(self, schema, name, fields):
        self.name = name
        self.fields = sorted((Field(schema, name, each) for each in fields), key=lambda each: each.tag)
        self.slots = self.scalars = 0
        self.bits_left = []
        for field in self.fields:
            self.place(field)
        if not self.fields:
            self.scalars = 1

    def next_bit(self):
        if not self.bits_left:
            self.bits_left = [8 * self.scalars + i for i in range(8)]
            self.scalars += 1
        return self.bits_left.pop(0)

    def place(self, field):
        if field.needs_bit:
            field.bit = self.next_bit()
        if field.capacity:
            size = field.capacity + (1 if field.capacity <= 255 else 2)
        elif field.repeated or field.type.size is None:
            field.slot = self.slots
            self.slots += 1
            return
        elif field.type.name == "bool" and not field.type.count:
            field.value_bit = self.next_bit()
            return
        else:
            size = field.type.size
        field.place = (self.scalars, size)
        self.scalars += size


class Schema:
    def __init__(self, text):
        given = yaml.safe_load(text)
        self.enums = {each["name"]: (each["type"], {value["id"]: value["name"] for value in each["values"]})
                      for each in given.get("enums", [])}
        self.messages = {}
        for each in given["messages"]:
            self.messages[each["name"]] = Message(self, each["name"], each.get("fields", []))

    def decode(self, name, data):
        return Decoder(self, data).message(self.messages[name])


class Block:
    """The fixed part of a container or an element, once its ends are checked."""

    def __init__(self, ends, scalars, heap, first):
        self.ends, self.scalars, self.heap, self.first = ends, scalars, heap, first

    def slot(self, number):
        begin = self.first if number == 0 else self.ends[number - 1]
        return self.heap[begin:self.ends[number]]

    def bit(self, number):
        if number // 8 >= len(self.scalars):
            return None
        return bool(self.scalars[number // 8] >> number % 8 & 1)


class Decoder:
    def __init__(self, schema, data):
        self.schema, self.data = schema, memoryview(data)

    def message(self, kind):
        need(len(self.data) > 0 and self.data[0] in (0x12, 0x14), "format")
        self.width = self.data[0] & 15
        return self.container(kind, self.data[1:])

    def number(self, data):
        return int.from_bytes(data, "little")

    def shape(self, data):
        need(len(data) >= 3, "header")
        return data[0], self.number(data[1:3])

    def block(self, data, slots, scalars, heap, first):
        """What begins with the ends."""
        ends = [self.number(data[i * self.width:(i + 1) * self.width]) for i in range(slots)][::-1]
        last = first
        for end in ends:
            need(last <= end <= len(heap), "ends")
            last = end
        begin = slots * self.width
        return Block(ends, data[begin:begin + scalars], heap, first), last

    def container(self, kind, data):
        slots, scalars = self.shape(data)
        need(slots >= kind.slots and scalars >= kind.scalars, "base")
        fixed = 3 + slots * self.width + scalars
        need(fixed <= len(data), "fixed part")
        block, last = self.block(data[3:], slots, scalars, data[fixed:], 0)
        need(last == len(data) - fixed, "size")
        return self.fields(kind, block)

    def fields(self, kind, block):
        made = {}
        for field in kind.fields:
            value = self.field(field, block)
            if value is not None:
                made[field.name] = value
        return made

    def field(self, field, block):
        value = self.present(field, block)
        return None if field.bit is not None and not block.bit(field.bit) else value

    def present(self, field, block):
        if field.value_bit is not None:
            return block.bit(field.value_bit)
        if field.slot is not None:
            return self.slot(field, block.slot(field.slot))
        begin, size = field.place
        data = block.scalars[begin:begin + size]
        if not field.capacity:
            return field.type.read(data)
        prefix = size - field.capacity
        length = self.number(data[:prefix])
        need(length <= field.capacity, "capacity")
        return text_value(field.type.name, data[prefix:prefix + length])

    def slot(self, field, data):
        if field.repeated:
            return self.list(field.type, data)
        if field.choices is not None:
            return self.choice(field, data)
        if field.type.name == "map":
            return self.map(field.type, data)
        if field.is_single_message and not data:
            return None
        return self.heap_value(field.type, data)

    def heap_value(self, kind, data):
        if kind.is_text:
            return text_value(kind.name, data)
        return self.container(self.schema.messages[kind.name], data) if data else None

    def elements(self, count, slots, scalars, data):
        stride = slots * self.width + scalars
        need(stride > 0 and count * stride <= len(data), "elements")
        heap, last = data[count * stride:], 0
        for i in range(count):
            block, last = self.block(data[i * stride:(i + 1) * stride], slots, scalars, heap, last)
            yield block
        need(last == len(heap), "size of a list")

    def list(self, kind, data):
        if not data:
            return []
        need(len(data) >= self.width, "list")
        count, rest = self.number(data[:self.width]), data[self.width:]
        slots, scalars = self.shape(rest)
        if kind.size is not None:
            need((slots, scalars) == (0, kind.size), "element")
            read = lambda block: kind.read(block.scalars)
        elif kind.is_text:
            need((slots, scalars) == (1, 0), "element")
            read = lambda block: text_value(kind.name, block.slot(0))
        else:
            message = self.schema.messages[kind.name]
            need(slots >= message.slots and scalars >= message.scalars, "base of an element")
            read = lambda block: self.fields(message, block)
        return [read(block) for block in self.elements(count, slots, scalars, rest[3:])]

    def map(self, kind, data):
        pairs = []
        if data:
            need(len(data) >= self.width, "map")
            parts = (kind.key, kind.value)
            slots = sum(part.size is None for part in parts)
            scalars = sum(part.size or 0 for part in parts)
            count = self.number(data[:self.width])
            for block in self.elements(count, slots, scalars, data[self.width:]):
                pairs.append(self.entry(parts, block))
        keys = [pair["key"] for pair in pairs]
        plain = kind.key.name == "string" and all(isinstance(key, str) for key in keys) and len(set(keys)) == len(keys)
        return {pair["key"]: pair["value"] for pair in pairs} if plain else [] if not pairs else pairs

    def entry(self, parts, block):
        made, slot, offset = [], 0, 0
        for part in parts:
            if part.size is None:
                made.append(self.heap_value(part, block.slot(slot)))
                slot += 1
            else:
                made.append(part.read(block.scalars[offset:offset + part.size]))
                offset += part.size
        return {"key": made[0], "value": made[1]}

    def choice(self, field, data):
        if not data:
            return None
        need(len(data) >= 2, "oneof")
        chosen = field.choices.get(self.number(data[:2]))
        if chosen is None:
            return None
        value = data[2:]
        if chosen.type.size is None:
            return {chosen.name: self.heap_value(chosen.type, value)}
        need(len(value) == chosen.type.size, "size of an alternative")
        return {chosen.name: chosen.type.read(value)}
