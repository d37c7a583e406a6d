"""Google's protobuf and our codec read each other, in binary and in the standard JSON mapping."""

import json
import math

import pytest
from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor
from hypothesis import given
from hypothesis import strategies as st

from messages import Codec, message_class
from random_messages import messages, name_of, thorough


@pytest.fixture(scope='module')
def codec():
    codec = Codec()
    yield codec
    codec.close()


def read_by_google(message, payload):
    """Bytes in binary as a message of the same type."""
    return message_class(name_of(message)).FromString(payload)


@thorough
@given(message=messages())
def test_binary_is_read_both_ways(codec, message):
    ours = codec.convert(name_of(message), 'binary', message.SerializeToString())
    assert read_by_google(message, ours) == message


@thorough
@given(message=messages(), schema_names=st.booleans(), everything=st.booleans())
def test_what_google_writes_as_json_is_read(codec, message, schema_names, everything):
    written = json_format.MessageToJson(
        message, preserving_proto_field_name=schema_names,
        including_default_value_fields=everything, indent=None)
    ours = codec.convert(name_of(message), 'binary', written.encode())
    assert read_by_google(message, ours) == message


def emitted(message):
    """The message in the standard mapping with everything emitted, as the services do: what the
    standard leaves out, unset messages, is null."""
    written = json_format.MessageToJson(message, including_default_value_fields=True)
    value = json.loads(written, parse_int=float)

    def complete(message, value):
        for field in message.DESCRIPTOR.fields:
            if field.type != FieldDescriptor.TYPE_MESSAGE or field.containing_oneof:
                continue
            if field.label == FieldDescriptor.LABEL_REPEATED:
                inner = value.setdefault(field.json_name, [])
                items = getattr(message, field.name)
                if field.message_type.GetOptions().map_entry:
                    pairs = [(items[key], inner[key]) for key in items]
                else:
                    pairs = zip(items, inner)
                for item, part in pairs:
                    complete(item, part)
            elif not message.HasField(field.name):
                value[field.json_name] = None
            elif field.message_type.full_name != 'google.protobuf.Timestamp':
                complete(getattr(message, field.name), value[field.json_name])

    complete(message, value)
    return value


@thorough
@given(message=messages())
def test_our_json_is_the_standard_mapping_with_everything_emitted(codec, message):
    ours = codec.convert(name_of(message), 'json', message.SerializeToString())
    assert json.loads(ours, parse_int=float) == emitted(message)
    again = message_class(name_of(message))()
    json_format.Parse(ours.decode(), again)
    assert again == message


@pytest.mark.parametrize('value', [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_never_comes_out(codec, value):
    quota = message_class('qms.Quota')(quota=value)
    assert json.loads(codec.convert('qms.Quota', 'json', quota.SerializeToString()))['quota'] == 0
    written = json_format.MessageToJson(quota).encode()
    assert json.loads(codec.convert('qms.Quota', 'json', written))['quota'] == 0
