"""Google's protobuf and our codec read each other, in binary and in the standard JSON mapping."""

import json
import math

import pytest
from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from messages import Codec, all_descriptors, message_class

TEXTS = st.text(st.characters(blacklist_categories=['Cs'], blacklist_characters='\0'), max_size=20)
SECONDS = st.integers(-62135596800, 253402300799)
ID = '0a6f0d8e-5d2b-11ee-8c99-0242ac120002'
# What a double holds and qms accepts: its shortest text has few enough digits on both sides.
DOUBLES = st.floats(1e-10, 2.0**96) | st.floats(-2.0**96, -1e-10) | st.just(0.0)
FLOATS = st.floats(2.0**-30, 2.0**96, width=32) | st.just(0.0)
SCALARS = {
    FieldDescriptor.TYPE_DOUBLE: DOUBLES, FieldDescriptor.TYPE_FLOAT: FLOATS,
    FieldDescriptor.TYPE_INT32: st.integers(-2**31, 2**31 - 1),
    FieldDescriptor.TYPE_BOOL: st.booleans(), FieldDescriptor.TYPE_STRING: TEXTS,
}


@pytest.fixture(scope='module')
def codec():
    codec = Codec()
    yield codec
    codec.close()


def fill_value(draw, message, field):
    if field.type == FieldDescriptor.TYPE_MESSAGE:
        target = getattr(message, field.name)
        target.SetInParent()
        fill(draw, target)
    elif field.type == FieldDescriptor.TYPE_ENUM:
        setattr(message, field.name, draw(st.sampled_from(list(field.enum_type.values))).number)
    elif field.full_name == 'qms.SubscriptionAddon.subscription_id':
        setattr(message, field.name, ID)
    else:
        setattr(message, field.name, draw(SCALARS[field.type]))


def fill_list(draw, message, field):
    items = getattr(message, field.name)
    for _ in range(draw(st.integers(0, 2))):
        if field.type == FieldDescriptor.TYPE_STRING:
            items.append(draw(TEXTS))
        elif field.message_type.GetOptions().map_entry:
            fill(draw, items[draw(TEXTS)])
        else:
            fill(draw, items.add())


def fill(draw, message):
    """A random message, every field there or not."""
    if message.DESCRIPTOR.full_name == 'google.protobuf.Timestamp':
        message.seconds = draw(SECONDS)
        message.nanos = draw(st.integers(0, 999999)) * 1000
        return
    for field in message.DESCRIPTOR.fields:
        oneof = field.containing_oneof
        if oneof and message.WhichOneof(oneof.name):
            continue
        if field.label == FieldDescriptor.LABEL_REPEATED:
            fill_list(draw, message, field)
        elif draw(st.booleans()):
            fill_value(draw, message, field)


@st.composite
def messages(draw):
    """A message of any type."""
    message = message_class(draw(st.sampled_from(NAMES)))()
    fill(draw, message)
    return message


NAMES = [descriptor.full_name for descriptor in all_descriptors()]
thorough = settings(max_examples=250, deadline=None, database=None,
                    suppress_health_check=list(HealthCheck))


def name_of(message):
    return message.DESCRIPTOR.full_name


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
