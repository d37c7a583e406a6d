"""The messages of proto/ as Google's protobuf reads them, and our codec beside it."""

import subprocess
from functools import cache
from pathlib import Path

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from server import BINARY
from waits import WAIT_SECONDS_MAX

ROOT = Path(__file__).resolve().parents[2]
PROTO = ROOT / 'proto'
TABLE = ROOT / 'tests' / 'data' / 'messages.tsv'


@cache
def descriptor_set():
    files = ['qms.proto', 'requests.proto', 'user_plans.proto']
    command = ['protoc', '-I', PROTO, '--include_imports', '--descriptor_set_out', '/dev/stdout']
    packed = subprocess.run(command + files, check=True, stdout=subprocess.PIPE).stdout
    return descriptor_pb2.FileDescriptorSet.FromString(packed)


@cache
def pool():
    found = descriptor_pool.DescriptorPool()
    for file in descriptor_set().file:
        found.Add(file)
    return found


def message_class(name):
    """The class of a message, by its full name."""
    return message_factory.MessageFactory(pool()).GetPrototype(pool().FindMessageTypeByName(name))


def all_descriptors():
    """Every message, nested ones too, that is not the entry of a map."""
    def walk(descriptors):
        for descriptor in descriptors:
            if not descriptor.GetOptions().map_entry:
                yield descriptor
            yield from walk(descriptor.nested_types)

    for file in descriptor_set().file:
        if file.package != 'google.protobuf':
            yield from walk(pool().FindFileByName(file.name).message_types_by_name.values())


class Codec:
    """Our codec, in a process of its own."""

    def __init__(self):
        self.process = subprocess.Popen([BINARY.parent / 'tests/support/message_convert'],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def convert(self, name, encoding, payload, unknown='ignore'):
        """The message's bytes in 'json', 'binary' or the 'same' encoding; fails with what the codec
        says is wrong."""
        self.process.stdin.write(f'{name} {encoding} {unknown} {payload.hex()}\n')
        self.process.stdin.flush()
        answer = self.process.stdout.readline().rstrip('\n')
        if answer.startswith('!'):
            raise ValueError(answer[1:])
        return bytes.fromhex(answer)

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(timeout=WAIT_SECONDS_MAX) == 0
        self.process.stdout.close()
