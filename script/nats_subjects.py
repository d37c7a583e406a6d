"""What the documents about NATS are made from: the list of subjects with its operations
(src/wire/qms_subjects.c, src/domain/operations.h), the messages (proto/), and an example of each
(docs/api/nats_examples.yaml). Needs protoc-c, python3-protobuf and python3-yaml."""

import pathlib
import re
import subprocess

import yaml
from google.protobuf import descriptor_pb2

ROOT = pathlib.Path(__file__).resolve().parents[1]
PREFIX = 'cyverse.qms'
QUEUE_SUFFIX = 'subscriptions'
ROW = re.compile(r'^    (NEW|BOTH|RENAMED)\((.*?)\),$', re.DOTALL | re.MULTILINE)
OPERATION = re.compile(r'X\((\w+), "([\w.]+)", ACCESS_(\w+), EFFECT_(\w+),')
FIELD = descriptor_pb2.FieldDescriptorProto


def snake(name):
    """As protobuf-c makes names: a capital after a small letter begins a new word."""
    return re.sub(r'(?<=[^A-Z_])(?=[A-Z])', '_', name).lower()


class Field:
    def __init__(self, field, comment):
        self.name, self.json, self.comment = field.name, field.json_name, comment
        self.kind, self.type = field.type, field.type_name.lstrip('.')
        self.repeated = field.label == FIELD.LABEL_REPEATED
        self.in_oneof = field.HasField('oneof_index')


class Message:
    def __init__(self, name, comment, descriptor, comments, path):
        self.name, self.comment = name, comment
        self.is_map_entry = descriptor.options.map_entry
        self.fields = [Field(field, comments.get((*path, 2, index), ''))
                       for index, field in enumerate(descriptor.field)]


class Protocol:
    """Every message and enum of proto/ by its full name."""

    def __init__(self):
        files = ['qms.proto', 'requests.proto', 'user_plans.proto']
        command = ['protoc-c', '-I', ROOT / 'proto', '--include_imports', '--include_source_info',
                   '--descriptor_set_out', '/dev/stdout']
        packed = subprocess.run(command + files, check=True, stdout=subprocess.PIPE).stdout
        self.messages, self.enums = {}, {}
        for file in descriptor_pb2.FileDescriptorSet.FromString(packed).file:
            comments = {tuple(place.path): ' '.join(place.leading_comments.split())
                        for place in file.source_code_info.location}
            for index, each in enumerate(file.message_type):
                self.add(file.package, each, comments, (4, index))
            for each in file.enum_type:
                self.enums[f'{file.package}.{each.name}'] = [value.name for value in each.value]

    def add(self, scope, descriptor, comments, path):
        name = f'{scope}.{descriptor.name}'
        self.messages[name] = Message(name, comments.get(path, ''), descriptor, comments, path)
        for index, each in enumerate(descriptor.nested_type):
            self.add(name, each, comments, (*path, 3, index))

    def named(self, package, c_name):
        """The message that C calls so."""
        [found] = [name for name in self.messages
                   if name.rpartition('.')[0] == package
                   and snake(name.rpartition('.')[2]) == c_name]
        return found


class Subject:
    def __init__(self, row, effects, protocol, examples):
        kind, rest = row
        parts = [part.strip('" \n') for part in re.findall(r'"[^"]*"|[^,"]+', rest)]
        parts = [part for part in parts if part]
        self.name, operation, self.summary = parts[0], parts[1].removeprefix('OP_'), parts[-1]
        self.operation, self.effect = effects[operation]
        self.address = f'{PREFIX}.{self.name}'
        self.queue = f'{self.address}.{QUEUE_SUFFIX}'
        first, second = parts[2:4]
        self.old_request = self.old_response = None
        if kind == 'NEW':
            self.request = protocol.named(first, second)
            self.response = protocol.named('qms', parts[4])
        elif kind == 'BOTH':
            self.request = protocol.named('qms', first)
            self.response = protocol.named('qms', second)
            self.old_request = protocol.named('user_plans', first)
            self.old_response = protocol.named('user_plans', second)
        else:
            self.request = protocol.named('qms', first)
            self.response = protocol.named('qms', 'subscription_response')
            self.old_request = protocol.named('user_plans', second)
            self.old_response = protocol.named('user_plans', 'user_plan_response')
        self.request_example = examples[self.name]['request']
        self.response_example = examples[self.name]['response']

    @property
    def writes(self):
        return self.effect == 'WRITE'

    @property
    def identifier(self):
        """userSummaryGet"""
        first, *others = self.name.split('.')
        return first + ''.join(word.capitalize() for word in others)


def shared_examples():
    """Answers of the HTTP routes that answer with the same messages, by their operation."""
    document = yaml.safe_load((ROOT / 'docs/api/openapi.yaml').read_text(encoding='utf-8'))
    return {operation['operationId']: operation['responses']['200']['content']
            .get('application/json', {}).get('example')
            for methods in document['paths'].values() for operation in methods.values()}


def read_subjects():
    """The protocol, and the subjects in the order of the list."""
    protocol = Protocol()
    operations = (ROOT / 'src/domain/operations.h').read_text(encoding='utf-8')
    effects = {name: (text, effect) for name, text, _, effect in OPERATION.findall(operations)}
    examples = yaml.safe_load((ROOT / 'docs/api/nats_examples.yaml').read_text(encoding='utf-8'))
    shared = shared_examples()
    for example in examples.values():
        if isinstance(example['response'], str):
            example['response'] = shared[example['response']]
    source = (ROOT / 'src/wire/qms_subjects.c').read_text(encoding='utf-8')
    return protocol, [Subject(row, effects, protocol, examples) for row in ROW.findall(source)]
