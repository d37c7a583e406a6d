"""How our codec spells messages in JSON, what it takes for one, and what it refuses: as the
standard mapping of protobuf has it, for which Google's library and Go's way with numbers stand."""

import json
import re
import struct
import warnings

import pytest
from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError
from hypothesis import example, given
from hypothesis import strategies as st

from messages import Codec, all_descriptors, message_class
from random_messages import DOUBLES, FLOATS, NAMES, TEXTS, messages, name_of, thorough

UNKNOWN_NUMBER = 99
# Where our codec takes bytes for text that are none: once a whole message stood there.
OLD_SUBSCRIPTION = 'qms.SubscriptionAddon'


@pytest.fixture(scope='module')
def codec():
    codec = Codec()
    yield codec
    codec.close()


def reaches(descriptor, name, seen=()):
    """Can a message of this type hold one of that name?"""
    if descriptor.full_name == name:
        return True
    return any(field.message_type and field.message_type.full_name not in seen
               and reaches(field.message_type, name, (*seen, descriptor.full_name))
               for field in descriptor.fields)


STRICT_NAMES = [each.full_name for each in all_descriptors()
                if not reaches(each, OLD_SUBSCRIPTION)]
DEEP_NAMES = ['qms.SubscriptionResponse', 'qms.AddUpdateResponse', 'qms.PlanList',
              'user_plans.UserPlanResponse', 'qms.UpdateAddonRequest', 'qms.UsageList']


# Emitting

def check_order(descriptor, value):
    """Every field of the type is in the object, in the schema's order; of a oneof the set one."""
    fields = {field.json_name: field for field in descriptor.fields}
    expected = [name for name, field in fields.items()
                if name in value or not field.containing_oneof]
    assert list(value) == expected
    for name, part in value.items():
        inner = fields[name].message_type
        if inner is None or part is None or inner.full_name == 'google.protobuf.Timestamp':
            continue
        if inner.GetOptions().map_entry:
            inner, part = inner.fields_by_name['value'].message_type, list(part.values())
        for item in part if isinstance(part, list) else [part]:
            check_order(inner, item)


@thorough
@given(message=messages())
def test_fields_are_all_there_and_in_the_order_of_the_schema(codec, message):
    ours = codec.convert(name_of(message), 'json', message.SerializeToString())
    check_order(message.DESCRIPTOR, json.loads(ours))


@pytest.mark.parametrize('name', NAMES)
def test_fields_stand_in_the_schema_in_the_order_of_their_numbers(name):
    """So that the order of numbers, in which the codec writes, is the order of the schema."""
    numbers = [field.number for field in message_class(name).DESCRIPTOR.fields]
    assert numbers == sorted(numbers)


def spelled_by_go(shortest, value):
    """A number as Go's JSON encoders write it, from its shortest digits."""
    sign, digits, exponent = re.fullmatch(r'(-?)([\d.]+)(?:e([-+]\d+))?', shortest).groups()
    whole, _, fraction = digits.partition('.')
    exponent = int(exponent or 0) + len(whole)
    digits = (whole + fraction).lstrip('0')
    exponent -= len(whole + fraction) - len(digits)  # the value is 0.digits times ten to it
    digits = digits.rstrip('0')
    if not digits:
        return '0'
    if abs(value) < 1e-6 or abs(value) >= 1e21:
        first, rest = digits[0], digits[1:]
        return f'{sign}{first}{"." + rest if rest else ""}e{exponent - 1:+d}'
    if exponent <= 0:
        return f'{sign}0.{"0" * -exponent}{digits}'
    if exponent >= len(digits):
        return f'{sign}{digits}{"0" * (exponent - len(digits))}'
    return f'{sign}{digits[:exponent]}.{digits[exponent:]}'


def spelled(codec, name, field, message):
    ours = codec.convert(name, 'json', message.SerializeToString())
    return json.loads(ours, parse_float=str, parse_int=str)[field]


@thorough
@given(value=DOUBLES)
@example(0.0)
@example(1e-6)
@example(9.99e-7)
@example(1.5e-9)
@example(1e-10)
@example(123456789.125)
@example(1e20)
@example(999999999999999900000.0)
@example(1e21)
@example(-1.5e22)
@example(1.2345678901234567e25)
def test_a_double_is_spelled_as_go_spells_it(codec, value):
    quota = message_class('qms.Quota')(quota=value)
    assert spelled(codec, 'qms.Quota', 'quota', quota) == spelled_by_go(repr(value), value)


def shortest_float(value):
    return next(text for text in (f'{value:.{digits}g}' for digits in range(1, 18))
                if struct.unpack('f', struct.pack('f', float(text)))[0] == value)


@thorough
@given(value=FLOATS)
@example(struct.unpack('f', struct.pack('f', 0.1))[0])
def test_a_float_of_the_oldest_generation_shows_no_more_digits_than_it_has(codec, value):
    quota = message_class('user_plans.Quota')(quota=value)
    expected = spelled_by_go(shortest_float(value), value)
    assert spelled(codec, 'user_plans.Quota', 'quota', quota) == expected


@pytest.mark.parametrize(('seconds', 'micros', 'expected'), [
    (0, 0, '1970-01-01T00:00:00Z'),
    (-1, 999999, '1969-12-31T23:59:59.999999Z'),
    (1700000000, 120000, '2023-11-14T22:13:20.120Z'),
    (1700000000, 123400, '2023-11-14T22:13:20.123400Z'),
    (-62135596800, 0, '0001-01-01T00:00:00Z'),
    (253402300799, 999000, '9999-12-31T23:59:59.999Z'),
])
def test_a_timestamp_has_as_many_digits_as_the_standard_gives_it(codec, seconds, micros, expected):
    update = message_class('qms.Update')()
    update.effective_date.seconds, update.effective_date.nanos = seconds, micros * 1000
    assert spelled(codec, 'qms.Update', 'effective_date', update) == expected
    assert json_format.MessageToDict(update)['effective_date'] == expected


# Accepting

@thorough
@given(value=DOUBLES, quoted=st.booleans(), form=st.sampled_from(['r', '.17g', '.16e']))
def test_a_double_is_read_as_a_number_or_a_string_however_it_is_spelled(codec, value, quoted, form):
    text = repr(value) if form == 'r' else f'{value:{form}}'
    written = f'{{"quota":"{text}"}}' if quoted else f'{{"quota":{text}}}'
    ours = codec.convert('qms.Quota', 'binary', written.encode())
    google = json_format.Parse(written, message_class('qms.Quota')())
    assert message_class('qms.Quota').FromString(ours) == google


@thorough
@given(value=st.integers(-2**31, 2**31 - 1), form=st.sampled_from(['{}', '"{}"', '{}.0', '{}e0']))
def test_an_integer_is_read_as_a_number_or_a_string(codec, value, form):
    written = f'{{"periods":{form.format(value)}}}'
    ours = codec.convert('qms.AddUserRequest', 'binary', written.encode())
    assert message_class('qms.AddUserRequest').FromString(ours).periods == value


@thorough
@given(message=messages(DEEP_NAMES), number=st.booleans())
def test_enums_are_read_by_name_and_by_number(codec, message, number):
    written = json_format.MessageToJson(message, use_integers_for_enums=number)
    ours = codec.convert(name_of(message), 'binary', written.encode())
    assert type(message).FromString(ours) == message


@thorough
@given(message=messages())
def test_what_we_write_we_read_to_the_byte_in_its_own_encoding(codec, message):
    name = name_of(message)
    as_json = codec.convert(name, 'json', message.SerializeToString())
    assert codec.convert(name, 'same', as_json, 'refuse') == as_json
    as_binary = codec.convert(name, 'binary', message.SerializeToString())
    if as_binary:
        assert codec.convert(name, 'same', as_binary, 'refuse') == as_binary
    else:
        assert codec.convert(name, 'same', as_binary).startswith(b'{')


@st.composite
def with_unknown_member(draw, value):
    """The same with another member put into the object, or into one that it holds."""
    inner = [key for key, part in value.items() if isinstance(part, dict) and key != 'map']
    if inner and draw(st.booleans()):
        key = draw(st.sampled_from(inner))
        return {**value, key: draw(with_unknown_member(value[key]))}
    odd = draw(st.none() | st.integers() | TEXTS | st.lists(st.booleans(), max_size=2)
               | st.just({'a': [{}]}))
    return {'not_a_field': odd, **value} if draw(st.booleans()) else {**value, 'not_a_field': odd}


@thorough
@given(data=st.data(), message=messages(DEEP_NAMES))
def test_a_member_that_is_unknown_is_ignored_or_refused(codec, data, message):
    value = data.draw(with_unknown_member(json_format.MessageToDict(message)))
    written = json.dumps(value).encode()
    ours = codec.convert(name_of(message), 'binary', written)
    assert type(message).FromString(ours) == message
    with pytest.raises(json_format.ParseError):
        json_format.Parse(written, type(message)())
    with pytest.raises(ValueError, match='an unknown name'):
        codec.convert(name_of(message), 'binary', written, 'refuse')


UNKNOWN_FIELDS = {0: b'\x07', 1: bytes(8), 2: b'\x03abc', 5: bytes(4)}


@thorough
@given(message=messages(), wire_type=st.sampled_from(sorted(UNKNOWN_FIELDS)), ahead=st.booleans())
def test_a_field_that_is_unknown_is_ignored_or_refused(codec, message, wire_type, ahead):
    packed = message.SerializeToString()
    tag = UNKNOWN_NUMBER << 3 | wire_type
    unknown = bytes([tag & 0x7f | 0x80, tag >> 7]) + UNKNOWN_FIELDS[wire_type]
    packed = unknown + packed if ahead else packed + unknown
    ours = codec.convert(name_of(message), 'binary', packed)
    assert type(message).FromString(ours) == message
    with pytest.raises(ValueError, match='an unknown field'):
        codec.convert(name_of(message), 'binary', packed, 'refuse')


@thorough
@given(key=TEXTS, values=st.lists(TEXTS, min_size=2, max_size=4))
def test_of_entries_of_a_map_with_one_key_the_last_counts_in_binary(codec, key, values):
    header = message_class('header.Header')
    entry = message_class('header.Header.Value')
    packed = b''.join(header(map={key: entry(value=[value])}).SerializeToString()
                      for value in values)
    assert header.FromString(packed).map[key].value == values[-1:]
    ours = header.FromString(codec.convert('header.Header', 'binary', packed))
    assert list(ours.map[key].value) == values[-1:]


# Telling the encodings apart

@given(length=st.integers(100, 140), username=st.text(st.characters(max_codepoint=122), max_size=9))
@example(length=117, username='{')
@example(length=117, username='ada')
@thorough
def test_a_header_of_any_length_leaves_a_binary_message_binary(codec, length, username):
    """Of 123 bytes it begins as JSON may: with a line feed and a brace."""
    request = message_class('qms.RequestByUsername')
    message = request(username=username.replace('\0', ''))
    message.header.map['k' * length].SetInParent()
    packed = message.SerializeToString()
    assert codec.convert('qms.RequestByUsername', 'same', packed) == packed


def test_a_header_of_123_bytes_does_begin_as_json_may():
    message = message_class('qms.RequestByUsername')()
    message.header.map['k' * 117].SetInParent()
    assert message.SerializeToString().startswith(b'\n{')


@thorough
@given(message=messages(), ahead=st.text(' \t\r\n', max_size=2).map(lambda text: text + '\n'))
def test_json_after_a_line_feed_stays_json(codec, message, ahead):
    written = ahead + json_format.MessageToJson(message, indent=None)
    assert codec.convert(name_of(message), 'same', written.encode()).startswith(b'{')


def test_no_bytes_are_an_empty_message_answered_in_json(codec):
    assert json.loads(codec.convert('qms.RequestByUsername', 'same', b'')) == {
        'header': None, 'username': ''}


# Refusing

def refused_by_google(name, payload):
    """A group that ends without a beginning it only warns of."""
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter('always')
        try:
            message_class(name).FromString(payload)
        except DecodeError:
            return True
    return bool(warned)


@st.composite
def damaged(draw):
    """(type, bytes) of a message with some bytes changed, cut out or put in."""
    message = draw(messages(STRICT_NAMES))
    packed = bytearray(message.SerializeToString())
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(packed)))
        packed[at:at + draw(st.integers(0, 3))] = draw(st.binary(max_size=3))
    return name_of(message), bytes(packed)


@thorough
@given(case=damaged())
def test_what_google_refuses_in_binary_is_refused(codec, case):
    name, payload = case
    if not refused_by_google(name, payload):
        return
    with pytest.raises(ValueError, match=r' at byte \d+$'):
        # What begins with a brace is looked at as JSON; this is about binary.
        codec.convert(name, 'binary', b'\x0a\x00' * (payload.lstrip()[:1] == b'{') + payload)


def is_text_of_unknown_fields(name, payload):
    """Whether it is what a human may have typed: `hi` is a message, with nothing in it."""
    message = message_class(name).FromString(payload)
    message.DiscardUnknownFields()
    return (payload != b'' and not re.search(rb'[\0-\x08\x0b\x0c\x0e-\x1f\x7f]', payload)
            and message.ByteSize() == 0 and is_utf8(payload))


def is_utf8(octets):
    try:
        octets.decode()
        return True
    except UnicodeDecodeError:
        return False


@thorough
@example(case=('header.Header', b'8\t'))
@example(case=('header.Header', b'\x80\x80\x81\x80\x10\x00'))
@given(case=damaged())
def test_what_is_refused_in_binary_google_refuses_but_for_groups_and_zeros(codec, case):
    name, payload = case
    if payload.lstrip(b' \t\r\n')[:1] == b'{' or refused_by_google(name, payload):
        return
    if is_text_of_unknown_fields(name, payload):
        with pytest.raises(ValueError, match='an object was expected|the text ends too early'):
            codec.convert(name, 'binary', payload)
        return
    try:
        codec.convert(name, 'binary', payload)
    except ValueError as error:
        # Of a field's number beyond 29 bits this library forgets the rest; Go's refuses it, too.
        assert re.match('a field of an unknown wire type|a zero byte in a text|'
                        'a field without a number', str(error))


BAD_UTF8 = [b'\xff', b'\xc0\x80', b'\xed\xa0\x80', b'\xf4\x90\x80\x80', b'\xe2\x82', b'a\x80b']


@pytest.mark.parametrize('bad', BAD_UTF8)
@pytest.mark.parametrize(('name', 'number', 'field'), [
    ('qms.RequestByUsername', 2, 'username'), ('qms.Update', 8, 'metadata'),
    ('header.Header.Value', 1, 'value'), ('user_plans.RequestByUsername', 2, 'username'),
])
def test_text_that_is_not_utf8_is_refused(codec, bad, name, number, field):
    packed = bytes([number << 3 | 2, len(bad)]) + bad
    assert refused_by_google(name, packed)
    with pytest.raises(ValueError, match='a text is not UTF-8 at byte'):
        codec.convert(name, 'json', packed)
    opening, closing = (b'["', b'"]') if field == 'value' else (b'"', b'"')
    written = b'{"' + field.encode() + b'":' + opening + bad + closing + b'}'
    with pytest.raises(ValueError, match='at byte'):
        codec.convert(name, 'json', written)


@pytest.mark.parametrize('written', [
    '[]', 'null', '7', '{', '{}x', '{}{}', "{'periods':1}", '{"periods":1,}', '{periods:1}',
    '{"periods":1.5}', '{"periods":"1.5"}', '{"periods":"x"}', '{"periods":true}',
    '{"periods":01}', '{"periods":"0x10"}', '{"periods":[]}', '{"paid":1}', '{"paid":"true"}',
    '{"username":7}', '{"username":{}}', '{"header":[]}', '{"header":{"map":[]}}',
    '{"header":""}', '{"username":"a","username":"b"}', '{"planName":"a","plan_name":"b"}',
    '{"username":"\\ud800"}', '{"periods":1}\0',
])
def test_what_is_not_the_standard_mapping_is_refused(codec, written):
    with pytest.raises(ValueError, match=r' at byte \d+$'):
        codec.convert('qms.AddUserRequest', 'json', written.encode())
