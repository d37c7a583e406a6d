"""Every subject over a real nats-server, in both encodings, asked by clients that others wrote."""

import json

import pytest
from google.protobuf import json_format

from messages import message_class
from nats_server import NatsClient, NatsServer, await_nats, message
from server import Server

LEGACY = 'legacy.qms'
CPU = {'name': 'cpu.hours', 'unit': 'cpu hours'}
# Every subject with its messages, as the document lists them.
SUBJECTS = {
    'user.add': ('qms.AddUserRequest', 'qms.AddUserResponse'),
    'user.summary.get': ('qms.RequestByUsername', 'qms.SubscriptionResponse'),
    'user.plan.get': ('qms.RequestByUsername', 'qms.SubscriptionResponse'),
    'user.plan.change': ('qms.ChangeSubscriptionRequest', 'qms.SubscriptionResponse'),
    'user.quota.add': ('qms.AddQuotaRequest', 'qms.QuotaResponse'),
    'user.usages.get': ('qms.GetUsages', 'qms.UsageList'),
    'user.usages.add': ('qms.AddUsage', 'qms.UsageResponse'),
    'user.updates.get': ('qms.UpdateListRequest', 'qms.UpdateListResponse'),
    'user.updates.add': ('qms.AddUpdateRequest', 'qms.AddUpdateResponse'),
    'user.overages.get': ('qms.AllUserOveragesRequest', 'qms.OverageList'),
    'user.overages.check': ('qms.IsOverageRequest', 'qms.IsOverage'),
    'plan.list': ('qms.NoParamsRequest', 'qms.PlanList'),
    'plan.add': ('qms.AddPlanRequest', 'qms.PlanResponse'),
    'plan.get': ('qms.PlanRequest', 'qms.PlanResponse'),
    'plan.quota.defaults': ('qms.AddPlanQuotaDefaultRequest', 'qms.QuotaDefaultResponse'),
    'addon.add': ('qms.AddAddonRequest', 'qms.AddonResponse'),
    'addon.list': ('qms.NoParamsRequest', 'qms.AddonListResponse'),
    'addon.update': ('qms.UpdateAddonRequest', 'qms.AddonResponse'),
    'addon.delete': ('requests.ByUUID', 'qms.AddonResponse'),
    'addon.togglepaid': ('requests.ByUUID', 'qms.AddonResponse'),
    'user.plan.addons.list': ('requests.ByUUID', 'qms.SubscriptionAddonListResponse'),
    'user.plan.addons.add': ('requests.AssociateByUUIDs', 'qms.SubscriptionAddonResponse'),
    'user.plan.addons.update': ('qms.UpdateSubscriptionAddonRequest',
                                'qms.SubscriptionAddonResponse'),
    'user.plan.addons.delete': ('requests.ByUUID', 'qms.SubscriptionAddonResponse'),
    'user.plan.addons.get': ('requests.ByUUID', 'qms.SubscriptionAddonResponse'),
}
ALL = sorted(SUBJECTS)


@pytest.fixture(scope='module')
def nats(tmp_path_factory):
    with NatsServer(tmp_path_factory.mktemp('nats')) as server:
        yield server


@pytest.fixture(scope='module')
def qms(tmp_path_factory, nats):
    server = Server(tmp_path_factory.mktemp('qms'),
                    ['--nats', nats.url, '--user-plans-subject', LEGACY])
    await_nats(server.start())
    yield server
    server.stop()
    assert 'runtime error:' not in server.log() and 'Sanitizer' not in server.log()


@pytest.fixture(scope='module')
def client(nats, qms):
    with NatsClient(nats.url) as client:
        yield client


@pytest.fixture(scope='module')
def legacy(nats, qms):
    with NatsClient(nats.url, prefix=LEGACY) as client:
        yield client


@pytest.fixture(params=['json', 'binary'])
def ask(request, client):
    """ask(subject, fields): the answer as JSON, asked and answered in either encoding."""
    def ask(subject, fields=None, **options):
        asked, answered = SUBJECTS[subject]
        if request.param == 'json':
            return client.json(subject, fields or {}, **options)
        asking = message(asked, fields or {})
        asking.header.SetInParent() # no bytes at all would be answered in JSON
        answer = client.binary(subject, asking, answered, **options)
        return as_json(answer)

    ask.encoding = request.param
    return ask


def as_json(answer):
    found = json_format.MessageToDict(answer, including_default_value_fields=True)
    found.setdefault('error')
    return found


def succeed(answer):
    assert answer['error'] is None, answer
    return answer


def fail(answer, code, status, text):
    assert answer['error'] == {'error_code': code, 'status_code': status, 'message': text}


# -- users ----------------------------------------------------------------------------------------


def test_a_user_is_added(ask, user):
    answer = succeed(ask('user.add', {'username': user, 'plan_name': 'Pro', 'periods': 2}))
    assert answer['username'] == user and answer['planName'] == 'Pro'
    summary = succeed(ask('user.summary.get', {'username': user}))['subscription']
    assert summary['plan']['name'] == 'Pro'
    assert summary == succeed(ask('user.plan.get', {'username': user}))['subscription']


def test_a_user_changes_the_plan_and_keeps_the_paid_flag(ask, user):
    succeed(ask('user.add', {'username': user, 'plan_name': 'Regular', 'paid': True}))
    changed = succeed(ask('user.plan.change', {'username': user, 'name': 'Pro'}))['subscription']
    assert changed['plan']['name'] == 'Pro' and changed['paid'] is True
    by_id = {'username': user, 'uuid': changed['plan']['uuid'], 'periods': 3}
    again = succeed(ask('user.plan.change', by_id))['subscription']
    assert again['uuid'] != changed['uuid']
    assert int(again['effective_end_date'][:4]) - int(again['effective_start_date'][:4]) == 3


def test_a_change_needs_a_plan(ask, user):
    fail(ask('user.plan.change', {'username': user}), 'BAD_REQUEST', 400,
         'no plan name provided in the request body')
    fail(ask('user.plan.change', {'username': user, 'uuid': 'x'}), 'BAD_REQUEST', 400,
         'uuid must be a UUID')


def test_a_quota_is_set(ask, user):
    subscription = succeed(ask('user.summary.get', {'username': user}))['subscription']['uuid']
    quota = {'subscription_id': subscription, 'quota': 7.5, 'resource_type': CPU}
    answer = succeed(ask('user.quota.add', {'quota': quota}))['quota']
    assert answer['quota'] == 7.5 and answer['subscription_id'] == subscription


# -- usages, updates, overages --------------------------------------------------------------------


def test_usages_are_added_and_listed(ask, user):
    usage = {'username': user, 'resource_name': 'cpu.hours', 'update_type': 'ADD',
             'usage_value': 0.1}
    succeed(ask('user.usages.add', usage))
    answer = succeed(ask('user.usages.add', {**usage, 'usage_value': 0.2}))
    assert answer['usage']['usage'] == 0.3
    listed = succeed(ask('user.usages.get', {'username': user}))['usages']
    assert [(row['usage'], row['resource_type']['name']) for row in listed] == [(0.3, 'cpu.hours')]


def update_of(user, value, **more):
    return {'update': {'value_type': 'usages', 'value': value, 'operation': {'name': 'ADD'},
                       'effective_date': '2026-01-01T00:00:00Z', 'resource_type': CPU,
                       'user': {'username': user}, **more}}


def test_updates_are_added_and_listed(ask, user):
    made = succeed(ask('user.updates.add', update_of(user, 2.5, metadata='why')))['update']
    assert made['value'] == 2.5 and made['metadata'] == 'why'
    listed = succeed(ask('user.updates.get', {'user': {'username': user}}))['updates']
    assert listed == [made]


def test_many_updates_are_listed_in_one_answer(ask, user):
    for value in range(150):
        succeed(ask('user.updates.add', update_of(user, value)))
    listed = succeed(ask('user.updates.get', {'user': {'username': user}}))['updates']
    assert sorted(row['value'] for row in listed) == list(range(150))


def test_overages_are_listed_and_checked(ask, user):
    check = {'username': user, 'resource_name': 'cpu.hours'}
    assert succeed(ask('user.overages.check', check))['is_overage'] is False
    succeed(ask('user.updates.add', update_of(user, 200)))
    assert succeed(ask('user.overages.check', check))['is_overage'] is True
    assert succeed(ask('user.overages.get', {'username': user}))['overages'] == [
        {'resource_name': 'cpu.hours', 'quota': 200, 'usage': 200}]


# -- the catalogue --------------------------------------------------------------------------------


def test_a_plan_is_added_listed_and_shown(ask, user):
    plan = {'name': f'{user}-plan', 'description': 'as an example', 'plan_quota_defaults': [
        {'quota_value': 10, 'resource_type': CPU, 'effective_date': '2026-01-01T00:00:00Z'}],
        'plan_rates': [{'rate': 1.25, 'effective_date': '2026-01-01T00:00:00Z'}]}
    made = succeed(ask('plan.add', {'plan': plan}))['plan']
    assert made['name'] == plan['name'] and made['plan_rates'][0]['rate'] == 1.25
    assert succeed(ask('plan.get', {'plan_id': made['uuid']}))['plan'] == made
    assert made in succeed(ask('plan.list'))['plans']


def test_a_quota_default_is_added_and_replaced(ask, user):
    plan = {'name': f'{user}-plan', 'description': 'as an example'}
    made = succeed(ask('plan.add', {'plan': plan}))['plan']
    given = {'quota_value': 10, 'resource_type': CPU, 'effective_date': '2026-01-01T00:00:00Z'}

    def put(value, **more):
        default = {**given, 'quota_value': value, **more}
        request = {'plan_name': plan['name'], 'quota_default': default}
        return succeed(ask('plan.quota.defaults', request))['quota_default']

    first, second = put(10), put(20)
    assert first['uuid'] == second['uuid'] and second['quota_value'] == 20
    assert second['effective_date'] == '2026-01-01T00:00:00Z'
    now = put(30, effective_date=None)
    assert now['uuid'] != first['uuid'] and now['quota_value'] == 30
    stored = succeed(ask('plan.get', {'plan_id': made['uuid']}))['plan']
    assert stored['plan_quota_defaults'] == [second, now]


def make_addon(ask, user):
    return succeed(ask('addon.add', {'addon': {
        'name': f'{user}-addon', 'description': 'as an example', 'resource_type': CPU,
        'default_amount': 100, 'default_paid': True,
        'addon_rates': [{'rate': 3, 'effective_date': '2026-01-01T00:00:00Z'}]}}))['addon']


def test_an_addon_lives_from_its_making_to_its_end(ask, user):
    addon = make_addon(ask, user)
    assert addon in succeed(ask('addon.list'))['addons']
    change = {'addon': {'uuid': addon['uuid'], 'name': 'changed'}, 'update_name': True}
    assert succeed(ask('addon.update', change))['addon'] == {**addon, 'name': 'changed'}
    for paid in (False, True):
        toggled = succeed(ask('addon.togglepaid', {'uuid': addon['uuid']}))['addon']
        assert toggled == {**addon, 'name': 'changed', 'default_paid': paid}
    gone = succeed(ask('addon.delete', {'uuid': addon['uuid']}))['addon']
    assert gone['uuid'] == addon['uuid'] and gone['name'] == ''
    assert addon['uuid'] not in str(succeed(ask('addon.list')))


def test_an_addon_is_applied_changed_and_taken_back(ask, user):
    addon = make_addon(ask, user)
    subscription = succeed(ask('user.summary.get', {'username': user}))['subscription']['uuid']
    both = {'parent_uuid': subscription, 'child_uuid': addon['uuid']}
    applied = succeed(ask('user.plan.addons.add', both))['subscription_addon']
    assert applied['subscription_id'] == subscription and applied['amount'] == 100
    of_subscription = {'uuid': subscription}
    listed = succeed(ask('user.plan.addons.list', of_subscription))['subscription_addons']
    assert [row['uuid'] for row in listed] == [applied['uuid']]
    this = {'uuid': applied['uuid']}
    assert succeed(ask('user.plan.addons.get', this))['subscription_addon'] == listed[0]
    change = {'subscription_addon': {**this, 'amount': 50}, 'update_amount': True}
    assert succeed(ask('user.plan.addons.update', change))['subscription_addon']['amount'] == 50
    succeed(ask('user.plan.addons.delete', this))
    fail(ask('user.plan.addons.get', this), 'NOT_FOUND', 404, 'subscription add-on not found')


# -- failures -------------------------------------------------------------------------------------


@pytest.mark.parametrize('subject, text', [
    ('user.summary.get', 'invalid username'), ('user.add', 'invalid username'),
    ('user.usages.get', 'invalid username'), ('user.overages.get', 'invalid username'),
    ('user.overages.check', 'invalid username'), ('user.usages.add', 'invalid username'),
    ('user.updates.get', 'required fields are missing from the request body'),
    ('user.updates.add', 'required fields are missing from the request body'),
    ('user.quota.add', 'required fields are missing from the request body'),
    ('plan.add', 'required fields are missing from the request body'),
    ('plan.get', 'plan_id must be a UUID'),
    ('plan.quota.defaults', 'required fields are missing from the request body'),
    ('addon.add', 'required fields are missing from the request body'),
    ('addon.update', 'required fields are missing from the request body'),
    ('addon.delete', 'uuid must be set in the request'),
    ('addon.togglepaid', 'uuid must be set in the request'),
    ('user.plan.addons.add', 'parent_uuid must be set to the subscription UUID'),
    ('user.plan.addons.list', 'uuid must be set in the request'),
    ('user.plan.addons.get', 'uuid must be set in the request'),
    ('user.plan.addons.delete', 'subscription add-on UUID must be set'),
    ('user.plan.addons.update', 'required fields are missing from the request body'),
])
def test_an_empty_message_says_what_it_lacks(ask, subject, text):
    fail(ask(subject), 'BAD_REQUEST', 400, text)


@pytest.mark.parametrize('subject', ALL)
def test_what_cannot_be_decoded_is_answered_with_what_is_wrong_and_where(client, subject):
    response = message_class(SUBJECTS[subject][1])
    answer = json.loads(client.send(subject, b'{"a":'))
    assert list(answer) == [field.json_name for field in response.DESCRIPTOR.fields]
    fail(answer, 'UNMARSHAL_FAILURE', 400, answer['error']['message'])
    assert answer['error']['message'].endswith(' at byte 5')
    answer = as_json(response.FromString(client.send(subject, b'\x0a\x05ab')))
    fail(answer, 'UNMARSHAL_FAILURE', 400, 'the message ends too early at byte 2')


@pytest.mark.parametrize('text', [b'not json', b'hi', b'[]', b'null', b'"{}"', b' \n',
                                  b'\xef\xbb\xbf{}'])
def test_text_that_is_no_message_is_answered_in_text(client, text):
    error = json.loads(client.send('user.add', text))['error']
    assert (error['error_code'], error['status_code']) == ('UNMARSHAL_FAILURE', 400)


def test_an_empty_payload_is_an_empty_message_answered_in_json(client):
    assert len(succeed(client.json('plan.list'))['plans']) >= 4


# -- the messages of 2022 -------------------------------------------------------------------------

OLD_RESPONSES = {'user.summary.get': 'UserPlanResponse', 'user.plan.get': 'UserPlanResponse',
                 'user.plan.change': 'UserPlanResponse'}
OLD_REQUESTS = {'user.plan.change': 'ChangeUserPlanRequest'}
OLD = [subject for subject in ALL if 'addon' not in subject and subject != 'plan.list']


@pytest.fixture(params=['json', 'binary'])
def ask_old(request, legacy):
    """As ask(), in the messages of user plans."""
    def ask(subject, fields=None):
        asked, answered = (f'user_plans.{old.get(subject, name.split(".")[1])}' for old, name in
                           zip((OLD_REQUESTS, OLD_RESPONSES), SUBJECTS[subject]))
        if request.param == 'json':
            answer = legacy.json(subject, fields or {})
            # Google's parser refuses every field that these messages do not have.
            json_format.ParseDict(answer, message_class(answered)())
            return answer
        asking = message(asked, fields or {})
        asking.header.SetInParent()
        return as_json(legacy.binary(subject, asking, answered))

    return ask


def test_user_plans_have_the_names_of_their_day(ask_old, user):
    plan = succeed(ask_old('user.summary.get', {'username': user}))['user_plan']
    assert plan['plan']['name'] == 'Basic' and 'paid' not in plan and 'addons' not in plan
    assert plan['quotas'][0]['user_plan_id'] == plan['uuid']
    assert plan['quotas'][0]['quota'] == 200
    assert plan == succeed(ask_old('user.plan.get', {'username': user}))['user_plan']
    changed = succeed(ask_old('user.plan.change', {'username': user, 'name': 'Pro'}))['user_plan']
    assert changed['plan']['name'] == 'Pro' and changed['uuid'] != plan['uuid']


def test_users_usages_and_quotas_of_2022(ask_old, user):
    added = succeed(ask_old('user.add', {'username': user, 'plan_name': 'Pro'}))
    assert added['planName'] == 'Pro'
    usage = {'username': user, 'resource_name': 'cpu.hours', 'update_type': 'ADD',
             'usage_value': 0.1}
    made = succeed(ask_old('user.usages.add', usage))['usage']
    assert made['usage'] == 0.1
    assert succeed(ask_old('user.usages.get', {'username': user}))['usages'] == [made]
    quota = {'user_plan_id': made['userPlanId'], 'quota': 0.1, 'resource_type': CPU}
    assert succeed(ask_old('user.quota.add', {'quota': quota}))['quota']['quota'] == 0.1
    asked = {'username': user, 'resource_name': 'cpu.hours'}
    assert succeed(ask_old('user.overages.check', asked))['is_overage'] is True
    assert succeed(ask_old('user.overages.get', {'username': user}))['overages'] == [
        {'resource_name': 'cpu.hours', 'quota': 0.1, 'usage': 0.1}]


def test_updates_of_2022(ask_old, user):
    made = succeed(ask_old('user.updates.add', update_of(user, 2.5)))['update']
    assert made['value'] == 2.5 and 'metadata' not in made
    assert succeed(ask_old('user.updates.get', {'user': {'username': user}}))['updates'] == [made]


def test_plans_of_2022(ask_old, user):
    default = {'quota_value': 10, 'resource_type': {'name': 'cpu.hours'}}
    plan = {'name': f'{user}-plan', 'description': 'as an example',
            'plan_quota_defaults': [default]}
    made = succeed(ask_old('plan.add', {'plan': plan}))['plan']
    assert made['plan_quota_defaults'][0]['quota_value'] == 10 and 'plan_rates' not in made
    put = {'plan_name': plan['name'], 'quota_default': {**default, 'quota_value': 20}}
    added = succeed(ask_old('plan.quota.defaults', put))['quota_default']
    assert added['quota_value'] == 20
    stored = succeed(ask_old('plan.get', {'plan_id': made['uuid']}))['plan']
    assert stored['plan_quota_defaults'] == [*made['plan_quota_defaults'], added]
    assert stored in succeed(ask_old('plan.list'))['plans']


@pytest.mark.parametrize('subject', OLD)
def test_failures_of_2022_have_the_names_of_their_day(ask_old, subject):
    error = ask_old(subject)['error']
    assert (error['error_code'], error['status_code']) == ('BAD_REQUEST', 400)
    assert error.pop('header', None) is None  # a field that errors had


def test_addons_had_no_subjects_in_2022(legacy):
    from nats.errors import NoRespondersError
    with pytest.raises(NoRespondersError):
        legacy.json('addon.list')
