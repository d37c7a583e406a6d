"""Writes what protobuf-c's descriptors do not say about the messages: their names in JSON, which of
them are entries of a map, and numbers of fields as C constants.

Usage: messages.py DESCRIPTOR-SET HEADER SOURCE

The descriptor set comes from protoc and is read by hand: it is protobuf in binary itself.
"""

import re
import sys
from pathlib import Path


def varint(data, at):
    value, shift = 0, 0
    while True:
        value |= (data[at] & 0x7f) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 0x80:
            return value, at


def fields(data):
    """{number: [values]} of a message; only integers and what has a length occur in descriptors."""
    found, at = {}, 0
    while at < len(data):
        tag, at = varint(data, at)
        value, at = varint(data, at)
        if tag & 7 == 2:
            value, at = data[at:at + value], at + value
        elif tag & 7 != 0:
            sys.exit(f'wire type {tag & 7} in a descriptor')
        found.setdefault(tag >> 3, []).append(value)
    return found


def text(message, number):
    return message[number][0].decode() if number in message else ''


def snake(name):
    """As protobuf-c makes names: a capital after a small letter begins a new word."""
    return re.sub(r'(?<=[^A-Z_])(?=[A-Z])', '_', name).lower()


class Message:
    def __init__(self, scope, descriptor):
        self.name = f'{scope}.{text(descriptor, 1)}'
        words = [snake(word) for word in self.name.split('.')]
        self.descriptor = '__'.join(words) + '__descriptor'
        self.c_name = '_'.join(words)
        self.is_map_entry = 7 in descriptor and fields(descriptor[7][0]).get(7) == [1]
        self.fields = sorted((fields(field) for field in descriptor.get(2, [])),
                             key=lambda field: field[3][0])

    def constants(self):
        for field in self.fields:
            yield f'    {self.c_name.upper()}_{snake(text(field, 1)).upper()} = {field[3][0]},'

    def names(self):
        """The first name opens the object, the others follow a comma."""
        for field, before in zip(self.fields, '{' + ',' * len(self.fields)):
            json, target = text(field, 10), text(field, 6).lstrip('.')
            is_message = field[5][0] == 11
            target = '&message_' + '_'.join(map(snake, target.split('.'))) if is_message else 'NULL'
            yield f'    {{TEXT("{before}\\"{json}\\":"), TEXT("{json}"), {target}}},'

    def source(self):
        return '\n'.join([
            f'static const struct message_name names_of_{self.c_name}[] = {{', *self.names(), '};',
            f'const struct message_type message_{self.c_name} = {{', f'    &{self.descriptor},',
            f'    names_of_{self.c_name}, {str(self.is_map_entry).lower()}}};'])


def messages(scope, descriptors):
    for descriptor in map(fields, descriptors):
        message = Message(scope, descriptor)
        yield from messages(message.name, descriptor.get(3, []))
        yield message


def main(descriptor_set, header, source):
    files = list(map(fields, fields(Path(descriptor_set).read_bytes())[1]))
    found = [message for file in files for message in messages(text(file, 2), file.get(4, []))]
    includes = [f'#include "{text(file, 1).removesuffix(".proto")}.pb-c.h"' for file in files]
    Path(header).write_text('\n'.join([
        '/* messages.h: every message and the numbers of its fields. */',
        '#ifndef QMS_PROTO_MESSAGES_H', '#define QMS_PROTO_MESSAGES_H', '',
        '#include "wire/message.h"', '',
        *(f'extern const struct message_type message_{message.c_name};' for message in found),
        'extern const struct message_type *const message_types[]; /* all; ends with NULL */',
        '', 'enum {', *(line for message in found for line in message.constants()), '};', '',
        '#endif', '']))
    Path(source).write_text('\n'.join([
        '#include "messages.h"', *includes, '', *(message.source() for message in found),
        'const struct message_type *const message_types[] = {',
        *(f'    &message_{message.c_name},' for message in found), '    NULL,', '};', '']))


main(*sys.argv[1:])
