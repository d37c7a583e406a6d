"""Every route and outcome of plans, quotas and add-ons in the root tree (R3, R4, R10 to R25),
against golden files written from the HTTP document.

The server's clock stands still at 2026-08-12T10:00:00Z; the user is always ada.
"""

import itertools
import json

import pytest

import golden
from stored import CPU

NIL = '00000000-0000-0000-0000-000000000000'
HOURS = 'f8d2066c-e3b2-4559-839e-88bfc997c89f'
PRO = 'cdf7ac7a-98dc-11ec-bbe3-406c8f3e9cbb'
CPU_ID, DATA_ID = '99e3bc7e-950a-11ec-84a4-406c8f3e9cbb', '99e3f91e-950a-11ec-84a4-406c8f3e9cbb'
YEAR = '2026-01-01T00:00:00Z'


def merged(whole, changes):
    """A body with members changed; a member given as ... is left out."""
    return {name: member for name, member in {**whole, **changes}.items() if member is not ...}


def user(**changes):
    return merged({'username': 'ada', 'planName': 'Pro', 'paid': True, 'periods': 1,
                   'endDate': '2027-12-31', 'force': False}, changes)


def default(**changes):
    return merged({'quota_value': 500, 'resource_type': {'name': 'cpu.hours'},
                   'effective_date': YEAR}, changes)


def rate(**changes):
    return merged({'rate': 50, 'effective_date': YEAR}, changes)


def plan(**changes):
    return {'plan': merged({'name': 'Team', 'description': 'Team plan',
                            'plan_quota_defaults': [default()], 'plan_rates': [rate()]}, changes)}


def quota(**changes):
    return {'quota': merged({'quota': 500, 'subscription_id': '{subscription}',
                             'resource_type': {'name': 'cpu.hours'}}, changes)}


def addon(**changes):
    return {'addon': merged({'name': 'Extra CPU', 'description': 'an add-on',
                             'default_amount': 100, 'default_paid': False,
                             'resource_type': {'uuid': CPU_ID},
                             'addon_rates': [rate(rate=5, effective_date='2026-01-15T12:00:00Z')]},
                            changes)}


def applied(amount=4000, paid=False, uuid='{applied}', **flags):
    return {'subscription_addon': {'uuid': uuid, 'amount': amount, 'paid': paid},
            'update_amount': True, 'update_paid': True, **flags}


def update(value, how, value_type, date, **more):
    return {'update': {'value_type': value_type, 'value': value, 'effective_date': date,
                       'resource_type': {'name': 'cpu.hours', 'unit': 'cpu hours'},
                       'operation': {'name': how}, 'user': {}, **more}}


# Names in braces stand for ids that earlier answers gave.
SUBSCRIBE = ('GET', '/summary/ada', None)
ADD = ('PUT', '/addons', addon())
APPLY = ('PUT', '/subscriptions/{subscription}/addons/' + HOURS, None)
APPLIED = [SUBSCRIBE, APPLY]
TRAIL = [('PUT', '/user/ada/updates', update(-50.25, 'ADD', 'quotas', '2026-08-12T09:00:00Z')),
         ('PUT', '/user/ada/updates', update(12.5, 'SET', 'usages', '2026-08-12T08:00:00Z',
                                             metadata='{"analysis":"x"}'))]
CHANGE = {'updateName': True, 'updateDescription': True, 'updateResourceType': True,
          'updateDefaultAmount': True, 'updateDefaultPaid': True, 'updateAddonRates': True}
MORE = addon(name='More', description='more of it', default_amount=1.5, default_paid=True,
             resource_type={'uuid': DATA_ID},
             addon_rates=[rate(rate=6, effective_date='2026-02-01T00:00:00Z')])
OLD = '/subscriptions/nonsense/addons/'

# golden file: (method, target, body, requests before it)
CASES = {
    'R3-user-added': ('PUT', '/users', user(), []),
    'R3-user-added-by-schema-names': (
        'PUT', '/users', {'username': 'ada', 'plan_name': 'Pro', 'end_date': '2027-12-31'}, []),
    'R3-already-on-the-plan': ('PUT', '/users', user(), [('PUT', '/users', user())]),
    'R3-undecodable-body': ('PUT', '/users', b'{"username":', []),
    'R3-no-username': ('PUT', '/users', user(username=...), []),
    'R3-invalid-username': ('PUT', '/users', user(username='ada@example.org'), []),
    'R3-negative-periods': ('PUT', '/users', user(periods=-1), []),
    'R3-too-many-periods': ('PUT', '/users', user(periods=10**12), []),
    'R3-end-in-the-past': ('PUT', '/users', user(endDate='2026-08-12T09:59:59Z'), []),
    'R3-end-of-no-known-form': ('PUT', '/users', user(endDate='31.12.2027'), []),
    'R3-no-plan-name': ('PUT', '/users', user(planName=...), []),
    'R3-plan-without-a-rate': ('PUT', '/users', user(planName='Team'),
                               [('PUT', '/plans', plan(plan_rates=[]))]),
    'R3-unknown-plan': ('PUT', '/users', user(planName='Gold'), []),
    'R4-updates': ('GET', '/users/ada/updates', None, TRAIL),
    'R4-no-updates': ('GET', '/users/ada/updates', None, [SUBSCRIBE]),
    'R4-unknown-user': ('GET', '/users/ada/updates', None, []),
    'R4-invalid-username': ('GET', '/users/ada%40example.org/updates', None, []),
    'R10-plans': ('GET', '/plans', None, []),
    'R11-plan-added': (
        'PUT', '/plans',
        plan(plan_quota_defaults=[default(), default(quota_value=0.5, resource_type={
            'uuid': DATA_ID}, effective_date='2027-01-01T00:00:00Z')]), []),
    'R11-plan-without-lists': (
        'PUT', '/plans', plan(plan_quota_defaults=..., plan_rates=None), []),
    'R11-undecodable-body': ('PUT', '/plans', plan(plan_rates={}), []),
    'R11-no-plan': ('PUT', '/plans', {}, []),
    'R11-no-name': ('PUT', '/plans', plan(name=''), []),
    'R11-no-description': ('PUT', '/plans', plan(description=...), []),
    'R11-default-of-zero': ('PUT', '/plans', plan(plan_quota_defaults=[default(quota_value=0)]),
                            []),
    'R11-default-without-date': (
        'PUT', '/plans', plan(plan_quota_defaults=[default(effective_date=None)]), []),
    'R11-default-without-type': (
        'PUT', '/plans', plan(plan_quota_defaults=[default(resource_type=...)]), []),
    'R11-negative-rate': ('PUT', '/plans', plan(plan_rates=[rate(rate=-0.01)]), []),
    'R11-rate-without-date': ('PUT', '/plans', plan(plan_rates=[rate(effective_date=...)]), []),
    'R11-rate-that-is-none': ('PUT', '/plans', plan(plan_rates=[rate(rate='NaN')]), []),
    'R11-name-taken': ('PUT', '/plans', plan(name='Pro'), []),
    'R11-unknown-type': (
        'PUT', '/plans', plan(plan_quota_defaults=[default(resource_type={'name': 'gpu.hours'})]),
        []),
    'R11-default-twice': (
        'PUT', '/plans',
        plan(plan_quota_defaults=[default(), default(resource_type={'uuid': CPU_ID})]), []),
    'R11-rate-twice': (
        'PUT', '/plans', plan(plan_rates=[rate(), rate(effective_date={'seconds': 1767225600})]),
        []),
    'R12-plan': ('GET', '/plans/' + PRO.upper(), None, []),
    'R12-unknown-plan': ('GET', '/plans/' + NIL, None, []),
    'R12-no-uuid': ('GET', '/plans/Pro', None, []),
    'R13-quota-set': ('PUT', '/quotas', quota(), [SUBSCRIBE]),
    'R13-quota-set-by-type-id': (
        'PUT', '/quotas', quota(quota=0, resource_type={'uuid': DATA_ID}), [SUBSCRIBE]),
    'R13-undecodable-body': ('PUT', '/quotas', b'[]', []),
    'R13-no-quota': ('PUT', '/quotas', {'quota': None}, []),
    'R13-no-resource-type': ('PUT', '/quotas', quota(resource_type=...), [SUBSCRIBE]),
    'R13-unnamed-resource-type': ('PUT', '/quotas', quota(resource_type={}), [SUBSCRIBE]),
    'R13-unknown-resource-type': (
        'PUT', '/quotas', quota(resource_type={'name': 'gpu.hours'}), [SUBSCRIBE]),
    'R13-no-uuid': ('PUT', '/quotas', quota(subscription_id='x'), []),
    'R13-unknown-subscription': ('PUT', '/quotas', quota(subscription_id=NIL), []),
    'R13-negative': ('PUT', '/quotas', quota(quota=-1), [SUBSCRIBE]),
    'R14-addon-added': ('PUT', '/addons', addon(), []),
    'R14-undecodable-body': ('PUT', '/addons', b'{"addon":{}', []),
    'R14-no-addon': ('PUT', '/addons', None, []),
    'R14-no-name': ('PUT', '/addons', addon(name=''), []),
    'R14-no-description': ('PUT', '/addons', addon(description=''), []),
    'R14-no-amount': ('PUT', '/addons', addon(default_amount=...), []),
    'R14-no-resource-type': ('PUT', '/addons', addon(resource_type=...), []),
    'R14-unknown-resource-type': ('PUT', '/addons', addon(resource_type={'name': 'gpu.hours'}),
                                  []),
    'R14-no-rates': ('PUT', '/addons', addon(addon_rates=[]), []),
    'R14-rate-twice': ('PUT', '/addons', addon(addon_rates=[rate(), rate()]), []),
    'R14-negative-rate': ('PUT', '/addons', addon(addon_rates=[rate(rate=-1)]), []),
    'R14-rate-without-date': ('PUT', '/addons', addon(addon_rates=[rate(effective_date=...)]),
                              []),
    'R15-addons': ('GET', '/addons', None, []),
    'R16-amount-changed': (
        'POST', '/addons/{addon}', {'addon': {'default_amount': 6000},
                                    'updateDefaultAmount': True}, [ADD]),
    'R16-amount-changed-by-schema-name': (
        'POST', '/addons/{addon}', {'addon': {'uuid': NIL, 'default_amount': 6000, 'name': 'x'},
                                    'update_default_amount': True}, [ADD]),
    'R16-everything-changed': ('POST', '/addons/{addon}', {**MORE, **CHANGE}, [ADD]),
    'R16-nothing-flagged': ('POST', '/addons/{addon}', MORE, [ADD]),
    'R16-no-uuid': ('POST', '/addons/x', MORE, []),
    'R16-undecodable-body': ('POST', '/addons/' + HOURS, b'addon', []),
    'R16-no-addon': ('POST', '/addons/' + HOURS, {'updateName': True}, []),
    'R16-unknown-addon': ('POST', '/addons/' + NIL, {**MORE, **CHANGE}, []),
    'R16-empty-name': ('POST', '/addons/' + HOURS, {'addon': {}, 'updateName': True}, []),
    'R16-resource-type-in-use': (
        'POST', '/addons/' + HOURS, {**MORE, 'updateResourceType': True}, APPLIED),
    'R17-addon-deleted': ('DELETE', '/addons/{addon}', None, [ADD]),
    'R17-unknown-addon': ('DELETE', '/addons/' + NIL, None, []),
    'R17-in-use': ('DELETE', '/addons/' + HOURS, None, APPLIED),
    'R17-no-uuid': ('DELETE', '/addons/x', None, []),
    'R18-addons-of-a-subscription': ('GET', '/subscriptions/{subscription}/addons', None, APPLIED),
    'R18-none': ('GET', '/subscriptions/{subscription}/addons', None, [SUBSCRIBE]),
    'R18-unknown-subscription': ('GET', f'/subscriptions/{NIL}/addons', None, []),
    'R18-no-uuid': ('GET', '/subscriptions/x/addons', None, []),
    'R19-addon-applied': (*APPLY, [SUBSCRIBE]),
    'R19-unknown-addon': ('PUT', '/subscriptions/{subscription}/addons/' + NIL, None, [SUBSCRIBE]),
    'R19-unknown-subscription': ('PUT', f'/subscriptions/{NIL}/addons/{HOURS}', None, []),
    'R19-no-subscription-uuid': ('PUT', f'/subscriptions/x/addons/{HOURS}', None, []),
    'R19-no-addon-uuid': ('PUT', '/subscriptions/{subscription}/addons/x', None, [SUBSCRIBE]),
    'R19-no-active-rate': (
        'PUT', '/subscriptions/{subscription}/addons/{addon}', None,
        [SUBSCRIBE, ('PUT', '/addons', addon(addon_rates=[
            rate(effective_date='2026-08-13T00:00:00Z')]))]),
    'R20-subscription-addon': ('GET', '/subscription-addons/{applied}', None, APPLIED),
    'R20-unknown': ('GET', '/subscription-addons/' + HOURS, None, APPLIED),
    'R20-no-uuid': ('GET', '/subscription-addons/x', None, []),
    'R21-changed': ('POST', '/subscription-addons/{applied}', applied(uuid=NIL), APPLIED),
    'R21-nothing-flagged': (
        'POST', '/subscription-addons/{applied}',
        applied(update_amount=False, update_paid=None), APPLIED),
    'R21-unknown': ('POST', '/subscription-addons/' + NIL, applied(), APPLIED),
    'R21-undecodable-body': ('POST', '/subscription-addons/{applied}', b'{}{}', APPLIED),
    'R21-no-subscription-addon': (
        'POST', '/subscription-addons/{applied}', {'update_paid': True}, APPLIED),
    'R21-negative-amount': ('POST', '/subscription-addons/{applied}', applied(-1), APPLIED),
    'R21-no-uuid': ('POST', '/subscription-addons/x', applied(), APPLIED),
    'R22-deleted': ('DELETE', '/subscription-addons/{applied}', None, APPLIED),
    'R22-unknown': ('DELETE', '/subscription-addons/' + NIL, None, APPLIED),
    'R22-no-uuid': ('DELETE', '/subscription-addons/x', None, []),
    'R23-subscription-addon': ('GET', OLD + '{applied}', None, APPLIED),
    'R23-unknown': ('GET', OLD + NIL, None, APPLIED),
    'R23-the-addon-itself': ('GET', '/subscriptions/{subscription}/addons/' + HOURS, None, APPLIED),
    'R23-no-uuid': ('GET', '/subscriptions/{subscription}/addons/x', None, APPLIED),
    'R24-changed': ('POST', OLD + 'nonsense', applied(), APPLIED),
    'R24-nothing-flagged': (
        'POST', OLD + NIL, applied(update_amount=None, update_paid=False), APPLIED),
    'R24-unknown': ('POST', OLD + '{applied}', applied(uuid=NIL), APPLIED),
    'R24-undecodable-body': ('POST', OLD + '{applied}', b'{', APPLIED),
    'R24-no-subscription-addon': ('POST', OLD + '{applied}', {}, APPLIED),
    'R24-negative-amount': ('POST', OLD + 'x', applied(-1), APPLIED),
    'R24-uuid-not-set': ('POST', OLD + '{applied}', applied(uuid=''), APPLIED),
    'R24-no-uuid': ('POST', OLD + '{applied}', applied(uuid='x'), APPLIED),
    'R25-deleted': ('DELETE', '/subscriptions/{applied}/addons/{applied}', None, APPLIED),
    'R25-unknown': ('DELETE', OLD + NIL, None, APPLIED),
    'R25-no-uuid': ('DELETE', OLD + 'x', None, APPLIED),
}


class Asker:
    """Sends requests and remembers the ids that later ones name."""

    def __init__(self, server):
        self.server = server
        self.ids = {}

    def filled(self, text):
        for name, value in self.ids.items():
            text = text.replace('{' + name + '}', value)
        return text

    def ask(self, method, target, body=None):
        octets = body if isinstance(body, bytes) else b''
        if body is not None and not octets:
            octets = self.filled(json.dumps(body)).encode()
        with self.server.connect() as connection:
            answer = connection.ask(method, self.filled(target), octets)
        if answer.status == 200 and answer.body.startswith(b'{'):
            self.remember(json.loads(answer.body))
        return answer

    def remember(self, body):
        for name, member in [('subscription', 'subscription'), ('addon', 'addon'),
                             ('applied', 'subscription_addon')]:
            if isinstance(body.get(member), dict):
                self.ids[name] = body[member]['uuid']

    def json(self, method, target, body=None):
        answer = self.ask(method, target, body)
        assert answer.status == 200, answer.body
        return json.loads(answer.body)


@pytest.fixture
def asker(still_server):
    return Asker(still_server)


@pytest.mark.parametrize('name', CASES)
def test_the_answer_is_the_golden_one(asker, name):
    method, target, body, before = CASES[name]
    for earlier in before:
        assert asker.ask(*earlier).status == 200
    refused = golden.status(name, 'root') >= 400
    stored = asker.server.stored().snapshot() if refused else None
    assert golden.normalised(asker.ask(method, target, body)) == golden.expected(name, 'root')
    if refused:
        assert asker.server.stored().snapshot() == stored


def test_every_golden_file_has_its_case():
    assert set(golden.names('root')) == set(CASES)


# The mistakes of R3 in the order in which they are looked for (3.1).
MISTAKES = [({'username': ...}, 'no username provided in the request body'),
            ({'username': 'ada@example.org'}, 'invalid username'),
            ({'periods': -1}, 'the number of periods must be greater than zero'),
            ({'endDate': 'soon'}, 'unrecognized timestamp layout: soon'),
            ({'planName': ...}, 'no plan name provided in the request body')]


@pytest.mark.parametrize(['first', 'second'], itertools.combinations(MISTAKES, 2),
                         ids=lambda mistake: next(iter(mistake[0])))
def test_of_two_mistakes_the_one_looked_for_first_is_told(asker, first, second):
    answer = asker.ask('PUT', '/users', user(**{**second[0], **first[0]}))
    body = json.loads(answer.body)
    assert (answer.status, (body.get('error') or body)['message']) == (400, first[1])


def test_an_addon_raises_the_quota_by_its_amount_and_takes_it_back(asker):
    stored = asker.server.stored()
    asker.json(*SUBSCRIBE)
    asker.json(*APPLY)
    assert stored.quota('ada') == 5200
    asker.json('POST', '/subscription-addons/{applied}', applied())
    assert stored.quota('ada') == 4200
    asker.json('DELETE', '/subscription-addons/{applied}')
    assert stored.quota('ada') == 200
    trail = asker.json('GET', '/users/ada/updates')['updates']
    assert [(row['value_type'], row['operation']['name'], row['value']) for row in trail] == [
        ('quotas', 'ADD', 5000), ('quotas', 'ADD', -1000), ('quotas', 'ADD', -4000)]


def test_the_deprecated_routes_do_the_same_and_say_so_in_the_log(asker):
    stored, seen = asker.server.stored(), len(asker.server.log())
    asker.json(*SUBSCRIBE)
    asker.json(*APPLY)
    one = asker.json('GET', OLD + '{applied}')
    assert one == asker.json('GET', '/subscription-addons/{applied}')
    asker.json('POST', OLD + 'x', applied())
    assert stored.quota('ada') == 4200
    asker.json('DELETE', '/subscriptions/{applied}/addons/{applied}')
    assert stored.quota('ada') == 200
    lines = [json.loads(line) for line in asker.server.log()[seen:].splitlines()]
    replaced = [line['replacement'] for line in lines
                if line['message'] == 'deprecated route called']
    assert replaced == [f'{method} /subscription-addons/{{uuid}}'
                        for method in ('GET', 'POST', 'DELETE')]


def test_a_new_plan_can_be_subscribed_to(asker):
    made = asker.json('PUT', '/plans', plan())['plan']
    assert asker.json('GET', '/plans/' + made['uuid'])['plan'] == made
    assert asker.json('GET', '/plans')['plans'][-1] == made
    asker.json('PUT', '/users', user(planName='Team', endDate=..., periods=3))
    shown = asker.json('GET', '/summary/ada')['subscription']
    assert shown['plan'] == made
    assert shown['paid'] is True
    assert shown['effective_end_date'] == '2029-08-12T10:00:00Z'
    assert [quota['quota'] for quota in shown['quotas']] == [1500]
    assert shown['plan_rate'] == made['plan_rates'][0]


def test_a_quota_set_by_hand_is_the_total_and_is_audited(asker):
    asker.json(*SUBSCRIBE)
    asker.json(*APPLY)
    asker.json('PUT', '/quotas', quota(quota='131732.7819444444443404732'))
    answer = asker.ask('GET', '/summary/ada').body
    assert b'"quota":131732.7819444444443404732,' in answer
    row = asker.server.stored().updates('ada')[-1]
    assert (row['operation'], row['value_type']) == ('SET', 'quotas')
    assert asker.server.stored().rows('SELECT quota FROM quotas WHERE resource_type_id = ?', CPU) \
        == [{'quota': '131732.7819444444443404732'}]


@pytest.mark.parametrize('args, kept', [((), 'Basic'), (('--keep-larger-plan',), 'Pro')])
def test_a_smaller_plan_replaces_a_larger_one_unless_it_is_kept(start_server, args, kept):
    server = start_server(*args)
    server.put('/users', user(planName='Pro', endDate=...))
    answer = server.put('/users', user(planName='Basic', endDate=...)).json()
    assert (answer['error'], answer['planName']) == (None, 'Basic')
    shown = server.get('/summary/ada').json()['subscription']
    assert shown['plan']['name'] == kept
    server.put('/users', user(planName='Basic', endDate=..., force=True))
    shown = server.get('/summary/ada').json()['subscription']
    assert shown['plan']['name'] == 'Basic'


def test_forced_the_same_plan_is_bought_again(asker):
    asker.json('PUT', '/users', user())
    asker.json('PUT', '/users', user())
    assert len(asker.server.stored().subscriptions('ada')) == 1
    asker.json('PUT', '/users', user(force=True))
    assert len(asker.server.stored().subscriptions('ada')) == 2
