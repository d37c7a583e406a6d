"""docs/api/asyncapi.yaml and docs/nats.md are true: they name every subject and no other, follow
the rules of AsyncAPI 3.0, and their examples are messages of their subjects, for Google's protobuf,
for our codec and for the server."""

import json
import pathlib
import re
import subprocess
import time

import jsonschema
import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st

from description import description
from messages import Codec, message_class
from nats_server import NatsServer
from random_messages import messages, name_of, thorough
from server import BINARY, environment
from waits import WAIT_SECONDS_MAX

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENT = description('asyncapi.yaml').document
PAGE = (ROOT / 'docs/nats.md').read_text(encoding='utf-8')
VALIDATOR = jsonschema.Draft7Validator  # what AsyncAPI's own schemas build on
COMPONENTS = DOCUMENT['components']


# The structure of AsyncAPI 3.0, as far as the document uses it; nothing beside it is allowed.

def thing(required, **properties):
    return {'type': 'object', 'required': required.split(), 'properties': properties,
            'additionalProperties': False}


TEXT = {'type': 'string', 'minLength': 1}
REFERENCE = thing('$ref', **{'$ref': {'type': 'string', 'pattern': '^#/'}})
REFERENCES = {'type': 'array', 'minItems': 1, 'items': REFERENCE}


def named(item, pattern=r'^[A-Za-z0-9._-]+$'):
    return {'type': 'object', 'minProperties': 1, 'patternProperties': {pattern: item},
            'additionalProperties': False}


STRUCTURE = thing(
    'asyncapi info',
    asyncapi={'const': '3.0.0'},
    info=thing('title version', title=TEXT, version=TEXT, description=TEXT,
               license=thing('name', name=TEXT, url=TEXT)),
    defaultContentType=TEXT,
    servers=named(thing('host protocol', host=TEXT, protocol={'const': 'nats'}, description=TEXT,
                        security=REFERENCES)),
    channels=named(thing('', address={'type': ['string', 'null']}, title=TEXT, summary=TEXT,
                         messages=named(REFERENCE))),
    operations=named(thing(
        'action channel', action={'enum': ['send', 'receive']}, channel=REFERENCE, title=TEXT,
        summary=TEXT, messages=REFERENCES,
        bindings=thing('nats', nats=thing('queue bindingVersion', bindingVersion={'const': '0.1.0'},
                                          queue={'type': 'string', 'maxLength': 255})),
        reply=thing('', address=REFERENCE, channel=REFERENCE, messages=REFERENCES))),
    components=thing(
        '',
        messages=named(thing('', name=TEXT, title=TEXT, summary=TEXT, contentType=TEXT,
                             headers=REFERENCE, payload=REFERENCE,
                             examples={'type': 'array', 'minItems': 1,
                                       'items': thing('payload', name=TEXT, payload={},
                                                      headers={'type': 'object'})})),
        schemas=named({'type': 'object'}),
        replyAddresses=named(thing(
            'location', description=TEXT,
            location={'type': 'string', 'pattern': r'^\$message\.(header|payload)#(/[^/]+)+$'})),
        securitySchemes=named(thing('type', description=TEXT, type={'enum': [
            'userPassword', 'X509', 'asymmetricEncryption']}))))


def every_reference(value, place=''):
    """(where it stands, what it says)"""
    if isinstance(value, dict):
        for key, part in value.items():
            if key == '$ref':
                yield place, part
            yield from every_reference(part, f'{place}/{key}')
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from every_reference(part, f'{place}/{index}')


def resolve(reference):
    found = DOCUMENT
    assert reference.startswith('#/')
    for word in reference[2:].split('/'):
        found = found[word]
    return resolve(found['$ref']) if '$ref' in found else found


def schema_of(name):
    return {**COMPONENTS['schemas'][name], 'components': COMPONENTS}


def operations():
    """(identifier, operation, request message, response message)"""
    for name, operation in DOCUMENT['operations'].items():
        yield (name, operation, resolve(operation['messages'][0]['$ref'])['name'],
               resolve(operation['reply']['messages'][0]['$ref'])['name'])


OPERATIONS = list(operations())
EXAMPLES = [(name, example['name'], example['payload'])
            for name, message in COMPONENTS['messages'].items()
            for example in message['examples']]
RESPONSES = sorted({response for *_, response in OPERATIONS})
each_example = pytest.mark.parametrize(('name', 'subject', 'payload'), EXAMPLES,
                                       ids=[f'{name}-{subject}' for name, subject, _ in EXAMPLES])


@pytest.fixture(scope='module')
def codec():
    codec = Codec()
    yield codec
    codec.close()


def test_both_documents_are_made_from_the_list_of_today():
    subprocess.run([ROOT / 'script/nats_docs.py', '--check'], check=True)


def test_the_document_has_the_structure_of_asyncapi_3():
    VALIDATOR.check_schema(STRUCTURE)
    VALIDATOR(STRUCTURE).validate(DOCUMENT)


def test_every_reference_leads_somewhere():
    references = list(every_reference(DOCUMENT))
    assert len(references) > 300
    for place, reference in references:
        assert isinstance(resolve(reference), dict), place


def test_every_component_is_referred_to():
    used = {reference for _, reference in every_reference(DOCUMENT)}
    assert used >= {f'#/components/{kind}/{name}' for kind, parts in COMPONENTS.items()
                    for name in parts}


def test_schemas_are_schemas():
    for name in COMPONENTS['schemas']:
        VALIDATOR.check_schema(schema_of(name))


def test_operations_name_messages_of_their_own_channels():
    """As AsyncAPI has it: by a reference into the channel, not into the components."""
    for name, operation, *_ in OPERATIONS:
        reply = operation['reply']
        assert operation['channel']['$ref'] == f'#/channels/{name}'
        assert operation['messages'] == [{'$ref': f'#/channels/{name}/messages/request'}]
        assert reply['channel']['$ref'] == f'#/channels/{name}Reply'
        assert reply['messages'] == [{'$ref': f'#/channels/{name}Reply/messages/response'}]
        assert resolve(reply['channel']['$ref'])['address'] is None
    assert len(DOCUMENT['channels']) == 2 * len(OPERATIONS)


def test_every_subject_is_described_and_no_other():
    source = (ROOT / 'src/wire/qms_subjects.c').read_text(encoding='utf-8')
    subjects = set(re.findall(r'^    [A-Z]+\("([a-z.]+)"', source, re.MULTILINE))
    assert len(subjects) == 25
    described = {channel['address'] for channel in DOCUMENT['channels'].values()} - {None}
    assert described == {f'cyverse.qms.{subject}' for subject in subjects}
    assert set(re.findall(r'^### (\S+)$', PAGE, re.MULTILINE)) == described
    assert {operation['bindings']['nats']['queue'] for _, operation, *_ in OPERATIONS} == {
        f'{address}.subscriptions' for address in described}


@each_example
def test_examples_fit_their_schemas(name, subject, payload):
    VALIDATOR(schema_of(name)).validate(payload)


@each_example
def test_examples_are_messages_for_google_and_for_us(codec, name, subject, payload):
    written = json.dumps(payload).encode()
    packed = codec.convert(name, 'binary', written, 'refuse')
    ours = message_class(name).FromString(packed)
    assert ours == json_format.Parse(written, message_class(name)())
    if name in RESPONSES:  # which are written with every field
        again = codec.convert(name, 'json', written, 'refuse')
        assert list(json.loads(again).items()) == list(payload.items())


@thorough
@given(data=st.data())
def test_whatever_we_answer_fits_its_schema(codec, data):
    message = data.draw(messages(RESPONSES))
    ours = codec.convert(name_of(message), 'json', message.SerializeToString())
    VALIDATOR(schema_of(name_of(message))).validate(json.loads(ours))


@thorough
@given(data=st.data())
def test_whatever_is_asked_fits_its_schema(data):
    message = data.draw(messages(sorted({request for _, _, request, _ in OPERATIONS})))
    written = json_format.MessageToDict(message)
    VALIDATOR(schema_of(name_of(message))).validate(written)


@pytest.mark.parametrize('place', re.findall(r'\]\(([^)]+)\)', PAGE))
def test_links_of_the_page_lead_somewhere(place):
    path, _, anchor = place.partition('#')
    target = (ROOT / 'docs' / path).resolve() if path else ROOT / 'docs/nats.md'
    target = target.with_suffix('.md') if not target.exists() else target
    assert target.exists()
    if anchor:
        heads = re.findall(r'^#+ (.+)$', target.read_text(encoding='utf-8'), re.MULTILINE)
        assert anchor in {re.sub(r'[^\w -]', '', head).lower().replace(' ', '-') for head in heads}


# What the server answers

# Ids in the examples are those of the documents; a new server has other subscriptions.
UNKNOWN_IDS = {'userQuotaAdd', 'userPlanAddonsAdd', 'userPlanAddonsUpdate', 'userPlanAddonsDelete',
               'userPlanAddonsGet'}


@pytest.fixture
def serving(start_server, tmp_path):
    """qms request, against a server that serves over NATS."""
    with NatsServer(tmp_path) as nats:
        server = start_server('--nats', nats.url, '--no-creds', '--no-tls')
        until = time.monotonic() + WAIT_SECONDS_MAX
        while server.get('/readyz').status_code != 200 and time.monotonic() < until:
            time.sleep(0.01)
        yield lambda *args: subprocess.run(
            [str(BINARY), 'nats', 'request', '--nats', nats.url, *args], capture_output=True,
            timeout=WAIT_SECONDS_MAX, env=environment())
        server.stop()


@pytest.mark.parametrize('encoding', [[], ['--binary']], ids=['json', 'binary'])
def test_what_the_server_answers_to_the_examples_fits(serving, encoding):
    payloads = {(name, subject): payload for name, subject, payload in EXAMPLES}
    in_order = sorted(OPERATIONS, key=lambda each: each[0] == 'addonDelete')  # what others need
    for identifier, operation, request, response in in_order:
        address = resolve(operation['channel']['$ref'])['address']
        done = serving(*encoding, address, json.dumps(payloads[request, identifier]))
        expected = 4 if identifier in UNKNOWN_IDS else 0
        assert done.returncode == expected, done.stdout + done.stderr
        VALIDATOR(schema_of(response)).validate(json.loads(done.stdout))
