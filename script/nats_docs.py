#!/usr/bin/python3
"""Makes docs/api/asyncapi.yaml, and in docs/nats.md what stands between the lines "made by" and
"end", from the list of subjects. Usage: nats_docs.py [--check]; --check says whether both are up to
date.
"""

import json
import re
import sys

import yaml

from nats_subjects import FIELD, PREFIX, ROOT, read_subjects

PAGE = ROOT / 'docs/nats.md'
DOCUMENT = ROOT / 'docs/api/asyncapi.yaml'
TIMESTAMP = 'google.protobuf.Timestamp'
SCALARS = {
    FIELD.TYPE_STRING: {'type': 'string'}, FIELD.TYPE_BOOL: {'type': 'boolean'},
    FIELD.TYPE_INT32: {'type': 'integer', 'format': 'int32'},
    FIELD.TYPE_DOUBLE: {'type': 'number'},
}
ABOUT = (
    'The quota management server over NATS: every subject is a request and a reply. Messages are '
    'protobuf-JSON or protobuf in binary; a request in binary is answered in binary. At most once: '
    'a request is executed once or not at all, and one without an answer may have been executed; '
    'give a Nats-Msg-Id to repeat it safely. Order holds for one subject within one server. What '
    'is not said here, such as how the messages of older days are served, is in nats.md.')


class Dumper(yaml.SafeDumper):
    """Nothing is written by reference: each part can be read where it stands."""

    def ignore_aliases(self, data):
        return True


# asyncapi.yaml

def reference(*path):
    return {'$ref': '#/' + '/'.join(path)}


def value_schema(field, protocol):
    if field.kind == FIELD.TYPE_ENUM:
        return {'type': 'string', 'enum': protocol.enums[field.type]}
    if field.kind != FIELD.TYPE_MESSAGE:
        return dict(SCALARS[field.kind])
    if field.type == TIMESTAMP:
        return {'type': 'string', 'format': 'date-time'}
    return reference('components', 'schemas', field.type)


def field_schema(field, protocol):
    """In requests everything may be missing or null; responses have every field, and null for a
    message that is not set."""
    inner = protocol.messages.get(field.type)
    if inner is not None and inner.is_map_entry:
        schema = {'type': 'object',
                  'additionalProperties': value_schema(inner.fields[1], protocol)}
    elif field.repeated:
        schema = {'type': ['array', 'null'], 'items': value_schema(field, protocol)}
    elif field.kind == FIELD.TYPE_MESSAGE:
        schema = {'oneOf': [value_schema(field, protocol), {'type': 'null'}]}
    else:
        schema = value_schema(field, protocol)
    return {**({'description': field.comment} if field.comment else {}), **schema}


def message_schema(message, protocol, complete):
    """With complete set, of what a server sends: every field is there, and no other."""
    schema = {'type': 'object'}
    if message.comment:
        schema = {'description': message.comment, **schema}
    schema['properties'] = {field.json: field_schema(field, protocol)
                            for field in message.fields}
    if complete:
        schema['required'] = [field.json for field in message.fields if not field.in_oneof]
        schema['additionalProperties'] = False
    return schema


def reachable(names, protocol):
    """The messages that these hold, themselves included."""
    found, left = {}, list(names)
    while left:
        name = left.pop(0)
        if name in found or name == TIMESTAMP:
            continue
        message = found[name] = protocol.messages[name]
        for field in message.fields:
            inner = protocol.messages.get(field.type)
            while inner is not None and inner.is_map_entry:
                field = inner.fields[1]
                inner = protocol.messages.get(field.type)
            if inner is not None:
                left.append(inner.name)
    return found


def message_object(name, protocol, subjects):
    """A message as AsyncAPI describes it; what asks may carry a Nats-Msg-Id."""
    message = protocol.messages[name]
    is_request = any(subject.request == name for subject in subjects)
    examples = [{'name': subject.identifier,
                 'payload': subject.request_example if is_request else subject.response_example}
                for subject in subjects if name in (subject.request, subject.response)]
    found = {'name': name, 'title': name.rpartition('.')[2], 'contentType': 'application/json'}
    if message.comment:
        found['summary'] = message.comment
    if is_request and any(subject.request == name and subject.writes for subject in subjects):
        found['headers'] = reference('components', 'schemas', 'Headers')
    found['payload'] = reference('components', 'schemas', name)
    found['examples'] = examples
    return found


def channel(subject):
    return {'address': subject.address, 'title': subject.address, 'summary': subject.summary,
            'messages': {'request': reference('components', 'messages', subject.request)}}


def reply_channel(subject):
    return {'address': None, 'title': f'The reply subject of a request on {subject.address}',
            'messages': {'response': reference('components', 'messages', subject.response)}}


def operation(subject):
    name = subject.identifier
    return {
        'action': 'receive', 'title': subject.operation, 'summary': subject.summary,
        'channel': reference('channels', name),
        'messages': [reference('channels', name, 'messages', 'request')],
        'bindings': {'nats': {'queue': subject.queue, 'bindingVersion': '0.1.0'}},
        'reply': {
            'address': reference('components', 'replyAddresses', 'reply'),
            'channel': reference('channels', f'{name}Reply'),
            'messages': [reference('channels', f'{name}Reply', 'messages', 'response')],
        },
    }


def components(protocol, subjects):
    requests = {subject.request for subject in subjects}
    responses = {subject.response for subject in subjects}
    held = reachable(sorted(requests | responses), protocol)
    schemas = {name: message_schema(message, protocol, name in responses)
               for name, message in sorted(held.items())}
    schemas['Headers'] = {'type': 'object', 'properties': {'Nats-Msg-Id': {
        'type': 'string', 'minLength': 1, 'maxLength': 255,
        'description': 'the idempotency key: a change that was made is not made again'}}}
    return {
        'messages': {name: message_object(name, protocol, subjects)
                     for name in sorted(requests | responses)},
        'schemas': schemas,
        'replyAddresses': {'reply': {
            'description': 'the reply subject of the NATS message; without one a request is '
                           'executed in silence',
            'location': '$message.header#/reply'}},
        'securitySchemes': {
            'creds': {'type': 'asymmetricEncryption',
                      'description': 'the JWT and the seed of a NATS user, in a credentials file'},
            'certificate': {'type': 'X509'},
            'user': {'type': 'userPassword'},
        },
    }


def document(protocol, subjects):
    version = re.search(r"version: '([\d.]+)'", (ROOT / 'meson.build').read_text()).group(1)
    security = [reference('components', 'securitySchemes', name)
                for name in ('creds', 'certificate', 'user')]
    channels = {}
    for subject in subjects:
        channels[subject.identifier] = channel(subject)
        channels[f'{subject.identifier}Reply'] = reply_channel(subject)
    return {
        'asyncapi': '3.0.0',
        'info': {'title': 'qms', 'version': version, 'description': ABOUT,
                 'license': {'name': 'Apache-2.0',
                             'url': 'https://www.apache.org/licenses/LICENSE-2.0'}},
        'defaultContentType': 'application/json',
        'servers': {'nats': {'host': '127.0.0.1:4222', 'protocol': 'nats',
                             'description': 'any servers of a NATS cluster',
                             'security': security}},
        'channels': channels,
        'operations': {subject.identifier: operation(subject) for subject in subjects},
        'components': components(protocol, subjects),
    }


# nats.md

def table(subjects):
    lines = ['| subject | request | response | what it does |', '| --- | --- | --- | --- |']
    lines += [f'| [`{subject.name}`](#{anchor(subject)}) | `{subject.request}` | '
              f'`{subject.response}` | {subject.summary} |' for subject in subjects]
    return lines


def anchor(subject):
    return re.sub(r'[^\w-]', '', f'{PREFIX}.{subject.name}')


def old_table(subjects):
    lines = ['| subject | request | response |', '| --- | --- | --- |']
    lines += [f'| `{subject.name}` | `{subject.old_request.rpartition(".")[2]}` | '
              f'`{subject.old_response.rpartition(".")[2]}` |'
              for subject in subjects if subject.old_request]
    return lines


def shown(value):
    """JSON as people write it: what fits stands on one line."""
    def put(value, indent):
        flat = json.dumps(value, ensure_ascii=False)
        if len(flat) + indent <= 92 or not isinstance(value, (dict, list)) or not value:
            return flat
        margin = ' ' * (indent + 2)
        if isinstance(value, dict):
            parts = [f'{json.dumps(key)}: {put(part, indent + 2)}' for key, part in value.items()]
        else:
            parts = [put(part, indent + 2) for part in value]
        first, last = '{}' if isinstance(value, dict) else '[]'
        joined = f',\n{margin}'.join(parts)
        return f'{first}\n{margin}{joined}\n{" " * indent}{last}'
    return put(value, 0)


def example(subject):
    kind = {'WRITE': 'a change', 'SUBSCRIBE': 'a read that may subscribe the user',
            }.get(subject.effect, 'a read')
    return [f'### {subject.address}', '', f'{subject.summary}. Operation `{subject.operation}`, '
            f'{kind}.', '', f'`{subject.request}`', '', '```json', shown(subject.request_example),
            '```', '', f'`{subject.response}`', '', '```json', shown(subject.response_example),
            '```', '']


def page(subjects):
    """The page with its three parts made anew."""
    text = PAGE.read_text(encoding='utf-8')
    parts = {'subjects': table(subjects), 'old subjects': old_table(subjects),
             'examples': [line for subject in subjects for line in example(subject)][:-1]}
    for name, lines in parts.items():
        made = f'<!-- {name}: made by script/nats_docs.py -->\n\n'
        made += '\n'.join(lines) + f'\n\n<!-- {name}: end -->'
        text, count = re.subn(f'<!-- {name}: made by .*?<!-- {name}: end -->',
                              lambda _, made=made: made, text, flags=re.DOTALL)
        assert count == 1, name
    return text


def main():
    protocol, subjects = read_subjects()
    made = {PAGE: page(subjects), DOCUMENT: (
        '# The NATS surface of qms; made by script/nats_docs.py.\n'
        + yaml.dump(document(protocol, subjects), Dumper=Dumper, sort_keys=False, width=100,
                    allow_unicode=True))}
    for place, text in made.items():
        if '--check' not in sys.argv[1:]:
            place.write_text(text, encoding='utf-8')
        elif not place.exists() or place.read_text(encoding='utf-8') != text:
            sys.exit(f'{place.relative_to(ROOT)} is out of date: run script/nats_docs.py')


main()
