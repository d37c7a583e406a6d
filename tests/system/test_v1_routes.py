"""Every route and outcome of the /v1 tree, against the golden files in tests/golden/system/v1.

The golden files were written from the HTTP document, not from the server's answers. The server's
clock stands still at 2026-08-12T10:00:00Z.
"""

import json

import pytest

import golden

BASIC = '99e47c22-950a-11ec-84a4-406c8f3e9cbb'
REGULAR = 'c6d39580-98dc-11ec-bbe3-406c8f3e9cbb'
PRO = 'cdf7ac7a-98dc-11ec-bbe3-406c8f3e9cbb'
CPU = '99e3bc7e-950a-11ec-84a4-406c8f3e9cbb'
DATA = '99e3f91e-950a-11ec-84a4-406c8f3e9cbb'
NIL = '00000000-0000-0000-0000-000000000000'
DATE = '2026-01-01T00:00:00Z'
SEED_DATE = '2022-01-01T00:00:00Z'


def without(members):
    """A member given as ... is left out."""
    return {name: value for name, value in members.items() if value is not ...}


def default(value=500, date=DATE, name='cpu.hours'):
    return without({'quota_value': value, 'effective_date': date,
                    'resource_type': {'name': name} if name is not ... else ...})


def rate(value=50, date=DATE):
    return without({'rate': value, 'effective_date': date})


def plan(name='Team', description='Team plan', defaults=..., rates=...):
    return without({'name': name, 'description': description, 'plan_quota_defaults': defaults,
                    'plan_rates': rates})


def usage(**changed):
    return without({'username': 'ada', 'resource_name': 'cpu.hours', 'usage_value': 2.5,
                    'update_type': 'ADD', **changed})


def item(**changed):
    return without({'username': 'ada', 'plan_name': 'Pro', 'paid': True, **changed})


def bulk(*items):
    return {'subscriptions': list(items)}


def resource(**changed):
    return without({'name': 'gpu.hours', 'unit': 'gpu hours', 'consumable': True, **changed})


PLANS, BULK, TYPES, USAGES = '/v1/plans', '/v1/subscriptions', '/v1/resource-types', '/v1/usages'
TEAM = plan(defaults=[default()], rates=[rate()])
BARE = plan('Bare', 'Bare plan')
LATER = '2027-01-01T00:00:00Z'
PRO_LATER = item(periods=3, start_date='2026-09-01', end_date=None)
QUOTA = '/v1/users/ada/plan/cpu.hours/quota'
ADA = ('PUT', '/v1/users/ada', None)
ADA_PRO = ('PUT', '/v1/users/ada/Pro?paid=true', None)
BOB_PRO = ('PUT', '/v1/users/bob/Pro?paid=true', None)
USED = [('POST', USAGES, usage(usage_value=12.5)),
        ('POST', USAGES, usage(usage_value=1024, resource_name='data.size', update_type='SET'))]
QUOTA_UPDATE = ('PUT', '/user/ada/updates', {'update': {
    'value_type': 'quotas', 'value': 500, 'effective_date': '2026-08-12T09:00:00Z',
    'resource_type': {'name': 'cpu.hours', 'unit': 'cpu hours'}, 'operation': {'name': 'SET'},
    'user': {}}})

# golden file: (method, target, body, requests before it)
CASES = {
    'V01-service': ('GET', '/v1', None, []),
    'V02-plans': ('GET', PLANS, None, []),
    'V02-plans-with-a-new-one': ('GET', PLANS, None, [('POST', PLANS, TEAM)]),
    'V02-plans-with-a-bare-one': ('GET', PLANS, None, [('POST', PLANS, BARE)]),
    'V03-added': ('POST', PLANS, TEAM, []),
    'V03-added-bare': ('POST', PLANS, BARE, []),
    'V03-no-name': ('POST', PLANS, plan(name=...), []),
    'V03-empty-body': ('POST', PLANS, None, []),
    'V03-no-description': ('POST', PLANS, plan(description=''), []),
    'V03-no-quota-value': ('POST', PLANS, plan(defaults=[default(...)]), []),
    'V03-zero-quota-value': ('POST', PLANS, plan(defaults=[default(0)]), []),
    'V03-no-default-date': ('POST', PLANS, plan(defaults=[default(date=...)]), []),
    'V03-no-resource-type': ('POST', PLANS, plan(defaults=[default(name=...)]), []),
    'V03-twin-defaults': ('POST', PLANS, plan(defaults=[default(), default(7)]), []),
    'V03-negative-rate': ('POST', PLANS, plan(rates=[rate(-1)]), []),
    'V03-no-rate-date': ('POST', PLANS, plan(rates=[rate(date=...)]), []),
    'V03-twin-rates': ('POST', PLANS, plan(rates=[rate(), rate(7)]), []),
    'V03-name-taken': ('POST', PLANS, plan('Basic'), []),
    'V03-unknown-resource-type': ('POST', PLANS, plan(defaults=[default(name='gpu.hours')]), []),
    'V04-plan': ('GET', f'{PLANS}/{PRO.upper()}', None, []),
    'V04-no-uuid': ('GET', f'{PLANS}/Basic', None, []),
    'V04-unknown': ('GET', f'{PLANS}/{NIL}', None, []),
    'V05-rate': ('GET', f'{PLANS}/{REGULAR}/active-rate', None, []),
    'V05-no-uuid': ('GET', f'{PLANS}/{REGULAR}0/active-rate', None, []),
    'V05-unknown': ('GET', f'{PLANS}/{NIL}/active-rate', None, []),
    'V06-defaults': ('GET', f'{PLANS}/{REGULAR}/active-quota-defaults', None, []),
    'V06-defaults-after-a-new-one': (
        'GET', f'{PLANS}/{BASIC}/active-quota-defaults', None,
        [('POST', f'{PLANS}/{BASIC}/quota-defaults', {'plan_quota_defaults': [
            default(300, '2026-08-01T00:00:00Z'), default(400, '2026-09-01T00:00:00Z')]})]),
    'V06-no-uuid': ('GET', f'{PLANS}/%7B{BASIC}%7D/active-quota-defaults', None, []),
    'V06-unknown': ('GET', f'{PLANS}/{NIL}/active-quota-defaults', None, []),
    **{f'V07-{name}': ('POST', f'{PLANS}/{target}/quota-defaults', body, [])
       for name, target, body in [
           ('added', BASIC, {'plan_quota_defaults': [default(300, LATER)]}),
           ('no-uuid', 'x', {'plan_quota_defaults': [default()]}),
           ('unknown', NIL, {'plan_quota_defaults': [default()]}),
           ('empty', BASIC, {'plan_quota_defaults': []}),
           ('no-body', BASIC, None),
           ('no-quota-value', BASIC, {'plan_quota_defaults': [default(...)]}),
           ('no-date', BASIC, {'plan_quota_defaults': [default(date=...)]}),
           ('no-resource-type', BASIC, {'plan_quota_defaults': [default(name=...)]}),
           ('unknown-resource-type', BASIC,
            {'plan_quota_defaults': [default(name='gpu.hours')]}),
           ('twins', BASIC, {'plan_quota_defaults': [default(), default(2)]}),
           ('taken', BASIC, {'plan_quota_defaults': [default(date=SEED_DATE)]})]},
    **{f'V08-{name}': ('POST', f'{PLANS}/{target}/rates', body, [])
       for name, target, body in [
           ('added', BASIC, {'plan_rates': [rate(60, LATER)]}),
           ('no-uuid', 'x', {'plan_rates': [rate()]}),
           ('unknown', NIL, {'plan_rates': [rate()]}),
           ('empty', BASIC, {}),
           ('negative', BASIC, {'plan_rates': [rate(-0.01)]}),
           ('no-date', BASIC, {'plan_rates': [rate(date=...)]}),
           ('twins', BASIC, {'plan_rates': [rate(), rate(2)]}),
           ('taken', BASIC, {'plan_rates': [rate(date=SEED_DATE)]})]},
    'V09-created-and-failed': (
        'POST', BULK, bulk(PRO_LATER, item(username='bob', plan_name='Gold')), []),
    'V09-trailing-slash': ('POST', BULK + '/', bulk(PRO_LATER), []),
    'V09-no-requests': ('POST', BULK, {}, []),
    'V09-empty-list': ('POST', BULK, bulk(), []),
    'V09-failures': ('POST', BULK, bulk(
        item(username=...), item(username=''), item(plan_name=...), item(plan_name=''),
        item(paid=...), item(paid=None),
        item(start_date='2026-09-02', end_date='2026-09-01'),
        item(start_date='2026-01-01', end_date='2026-02-01'),
        item(plan_name='Gold'), item(periods=-1)), []),
    'V09-downgrade': ('POST', BULK + '?force=false', bulk(item(plan_name='Basic')), [ADA_PRO]),
    'V09-upgrade': ('POST', BULK + '?force=F', bulk(item()), [ADA]),
    'V10-listing': ('GET', BULK, None, [BOB_PRO, ADA]),
    'V10-descending': ('GET', BULK + '?sort-field=USERNAME&sort-dir=DESC', None, [ADA, BOB_PRO]),
    'V10-second-page': ('GET', BULK + '?offset=1&limit=1', None, [ADA, BOB_PRO]),
    'V10-search': ('GET', BULK + '?search=ob', None, [ADA, BOB_PRO]),
    'V10-none': ('GET', BULK, None, []),
    'V10-total-only': ('GET', BULK + '?limit=0', None, [ADA, BOB_PRO]),
    'V10-trailing-slash': ('GET', BULK + '/', None, []),
    'V10-negative-offset': ('GET', BULK + '?offset=-1', None, []),
    'V10-limit-too-large': ('GET', BULK + '?limit=5000', None, []),
    'V10-negative-limit': ('GET', BULK + '?limit=-1', None, []),
    'V10-sort-field': ('GET', BULK + '?sort-field=plan', None, []),
    'V10-sort-dir': ('GET', BULK + '?sort-dir=up', None, []),
    'V11-usages': ('GET', USAGES + '/ada', None, USED),
    'V11-new-user': ('GET', USAGES + '/ada', None, []),
    'V11-invalid-username': ('GET', USAGES + '/ada%40example.org', None, []),
    **{f'V12-{name}': ('POST', USAGES, body, []) for name, body in [
        ('added', usage(metadata='{}')), ('set', usage(update_type='SET')),
        ('no-username', usage(username=...)), ('no-body', None), ('undecodable', b'{"username":'),
        ('no-resource', usage(resource_name='')), ('negative', usage(usage_value=-1)),
        ('no-update-type', usage(update_type=...)),
        ('unknown-resource', usage(resource_name='gpu.hours')),
        ('unknown-update-type', usage(update_type='MUL')),
        ('invalid-username', usage(username='a/b'))]},
    'V13-updates': ('GET', USAGES + '/ada/updates', None,
                    [('POST', USAGES, usage(metadata='{}')), QUOTA_UPDATE]),
    'V13-none': ('GET', USAGES + '/ada/updates', None, [ADA]),
    'V13-unknown-user': ('GET', USAGES + '/ada/updates', None, []),
    'V13-invalid-username': ('GET', USAGES + '/%0A/updates', None, []),
    'V14-users': ('GET', '/v1/users', None, [BOB_PRO, ADA]),
    'V14-nobody': ('GET', '/v1/users', None, []),
    'V15-ensured': ('PUT', '/v1/users/ada', b'anything', []),
    'V15-invalid-username': ('PUT', '/v1/users/@', None, []),
    'V16-plan-of-a-new-user': ('GET', '/v1/users/ada/plan', None, []),
    'V16-plan-with-usages': ('GET', '/v1/users/ada/plan', None, USED),
    'V16-invalid-username': ('GET', '/v1/users/a%2Fb/plan', None, []),
    'V17-set': ('POST', QUOTA, {'quota': 500}, [ADA]),
    'V17-set-for-a-new-user': ('POST', QUOTA, {'quota': 500}, []),
    'V17-zero': ('POST', QUOTA, {'quota': 0}, [ADA]),
    'V17-unknown-resource': ('POST', '/v1/users/ada/plan/gpu.hours/quota', {'quota': 1}, []),
    'V17-invalid-username': ('POST', '/v1/users/@/plan/cpu.hours/quota', {'quota': 1}, []),
    **{f'V18-{name}': ('PUT', f'/v1/users/{rest}', None, []) for name, rest in [
        ('changed', 'ada/Pro?paid=true&periods=1'),
        ('periods-and-start', 'ada/Pro?paid=0&periods=3&start-date=2026-09-01'),
        ('end', 'ada/Regular?paid=T&end-date=2026-12-31'),
        ('no-paid', 'ada/Pro'), ('empty-paid', 'ada/Pro?paid='),
        ('invalid-username', '@/Pro?paid=true'),
        ('negative-periods', 'ada/Pro?paid=true&periods=-1'),
        ('too-many-periods', 'ada/Pro?paid=true&periods=11'),
        ('past-end', 'ada/Pro?paid=true&end-date=2026-08-11'),
        ('end-before-start', 'ada/Pro?paid=true&start-date=2026-10-02&end-date=2026-10-01'),
        ('unknown-plan', 'ada/Gold?paid=true'), ('plan-called-plan', 'ada/plan?paid=true')]},
    'V19-subscriptions': ('GET', '/v1/users/ada/subscriptions', None, [BOB_PRO, ADA_PRO]),
    'V19-unknown-user': ('GET', '/v1/users/ada/subscriptions', None, []),
    'V19-with-expired': (
        'GET', '/v1/users/ada/subscriptions?include-expired=1', None, [ADA, ADA_PRO]),
    'V19-cutoff-after-the-end': (
        'GET', '/v1/users/ada/subscriptions?cutoff=2028-01-01', None, [ADA_PRO]),
    'V19-invalid-username': ('GET', '/v1/users/@/subscriptions', None, []),
    'V20-resource-types': ('GET', TYPES, None, []),
    'V20-with-a-new-one': ('GET', TYPES, None, [('POST', TYPES, resource())]),
    'V21-added': ('POST', TYPES, resource(id=NIL), []),
    'V21-not-consumable': ('POST', TYPES, resource(consumable=...), []),
    'V21-no-name': ('POST', TYPES, resource(name=...), []),
    'V21-no-unit': ('POST', TYPES, resource(unit=''), []),
    'V21-empty-body': ('POST', TYPES, None, []),
    'V21-taken': ('POST', TYPES, resource(name='cpu.hours'), []),
    'V22-resource-type': ('GET', f'{TYPES}/{CPU}', None, []),
    'V22-no-uuid': ('GET', f'{TYPES}/cpu.hours', None, []),
    'V22-unknown': ('GET', f'{TYPES}/{NIL}', None, []),
    **{f'V23-{name}': ('PUT', f'{TYPES}/{target}', body, []) for name, target, body in [
        ('replaced', DATA, resource(name='disk.size', unit='GB')),
        ('consumable-left-out', CPU, {'name': 'cpu.hours', 'unit': 'cpu hours'}),
        ('no-uuid', 'x', resource()), ('unknown', NIL, resource()),
        ('no-unit', DATA, resource(unit=...)), ('taken', DATA, resource(name='cpu.hours'))]},
    'other-method': ('DELETE', PLANS, None, []),
}
PREPARED = {'V05-no-rate'}  # golden files whose request needs an id made in the test


@pytest.mark.parametrize('name', CASES)
def test_the_answer_is_the_golden_one(ask, name):
    method, target, body, before = CASES[name]
    for earlier in before:
        assert ask(*earlier).status == 200
    refused = golden.status(f'v1/{name}') >= 400
    stored = ask.server.stored().snapshot() if refused else None
    assert golden.normalised(ask(method, target, body)) == golden.expected(f'v1/{name}')
    if refused:
        assert ask.server.stored().snapshot() == stored


def test_every_golden_file_has_its_case():
    assert {path.stem for path in (golden.GOLDEN / 'v1').glob('*.http')} == set(CASES) | PREPARED


def test_a_plan_without_a_rate_has_no_active_one(ask):
    assert ask('POST', PLANS, BARE).status == 200
    (bare,) = [each for each in json.loads(ask('GET', PLANS).body)['result']
               if each['name'] == 'Bare']
    answer = golden.normalised(ask('GET', f'{PLANS}/{bare["id"]}/active-rate'))
    assert answer == golden.expected('v1/V05-no-rate')


@pytest.mark.parametrize('method, target', [
    ('PUT', '/v1/users/ada/?paid=true'), ('GET', '/v1/usages/'), ('GET', '/v1/plans/')])
def test_a_slash_at_the_end_makes_another_path(ask, method, target):
    answer = ask(method, target)
    assert (answer.status, json.loads(answer.body)) == (
        404, {'message': 'code=404, message=Not Found'})
    assert ask.server.stored().count('users') == 0


@pytest.mark.parametrize('method, target, text', [
    ('POST', '/v1/users/ada/plan//quota', 'no resource type name provided in request'),
    ('POST', '/v1/users//plan/cpu.hours/quota', "invalid username provided in request: ''"),
    ('PUT', '/v1/users//Pro?paid=true', 'invalid username'),
    ('GET', '/v1/usages//updates', 'invalid username'),
    ('GET', '/v1/plans//active-rate', 'the plan ID must be a valid UUID')])
def test_an_empty_parameter_is_refused_in_the_words_of_its_route(ask, method, target, text):
    answer = ask(method, target, {'quota': 1} if method == 'POST' else None)
    assert (answer.status, json.loads(answer.body)) == (
        400, {'error': text, 'status': 'Bad Request'})
    assert ask.server.stored().count('users') == 0


@pytest.mark.parametrize('target, body', [
    (f'{PLANS}/{BASIC}/quota-defaults', {'plan_quota_defaults': [default(300, LATER)]}),
    (f'{PLANS}/{BASIC}/rates', {'plan_rates': [rate(60, LATER)]})])
def test_members_of_other_routes_are_ignored(ask, target, body):
    others = {'name': 5, 'description': [], 'plan_quota_defaults': 'x', 'plan_rates': {}}
    assert ask('POST', target, {**others, **body}).status == 200


def test_twin_defaults_are_told_by_the_millisecond(ask):
    twins = [default(date='1969-12-31T23:59:59.9991Z'), default(date='1969-12-31T23:59:59.9999Z')]
    answer = ask('POST', PLANS, plan(defaults=twins))
    assert (answer.status, json.loads(answer.body)['error']) == (
        400, 'multiple plan quota defaults found with the same resource type and effective date')
    apart = [twins[1], default(date='1970-01-01T00:00:00Z')]
    assert ask('POST', PLANS, plan(defaults=apart)).status == 200


def test_an_integer_of_a_query_may_begin_with_zeros(ask):
    answer = ask('GET', f'{BULK}?limit=00000000000000000000002&offset=%2B000000000001')
    assert (answer.status, json.loads(answer.body)['result']['total']) == (200, 0)


def test_a_parameter_that_nobody_asks_for_may_be_anything(ask):
    answer = ask('GET', f'{BULK}?other=%zz&%ff=%ff&Limit=x&%&limit=2')
    assert (answer.status, json.loads(answer.body)['result']['total']) == (200, 0)


# The document fixes how these texts begin; what follows says in the server's own words what is
# wrong.
BEGINNINGS = {
    'V3 undecodable': ('POST', PLANS, b'{"name":', ''),
    'V7 undecodable': ('POST', f'{PLANS}/{BASIC}/quota-defaults', b'[]', ''),
    'V8 undecodable': ('POST', f'{PLANS}/{BASIC}/rates', b'{"plan_rates":7}', ''),
    'V9 undecodable': ('POST', BULK, b'{"subscriptions":[', 'invalid request body: '),
    'V9 a date of another form': (
        'POST', BULK, bulk(item(), item(start_date='01.09.2026')), 'invalid request body: '),
    'V9 a force that is no boolean': (
        'POST', BULK + '?force=maybe', bulk(item()),
        'invalid value for query parameter, force: invalid query parameter: force: '),
    'V9 a force that is no text': (
        'POST', BULK + '?force=%ff', bulk(item()),
        'invalid value for query parameter, force: invalid query parameter: force: '),
    'V10 an offset that is no number': (
        'GET', BULK + '?offset=x', None, 'invalid query parameter: offset: '),
    'V10 a limit past 32 bits': (
        'GET', BULK + '?limit=4294967296', None, 'invalid query parameter: limit: '),
    'V10 a limit that cannot be decoded': (
        'GET', BULK + '?limit=%zz', None, 'invalid query parameter: limit: '),
    'V17 undecodable': ('POST', QUOTA, b'{"quota":"many"}', 'invalid request body: '),
    'V17 no quota': ('POST', QUOTA, {}, 'invalid request body: '),
    'V17 a quota of null': ('POST', QUOTA, {'quota': None}, 'invalid request body: '),
    'V18 a paid that is no boolean': (
        'PUT', '/v1/users/ada/Pro?paid=yes', None, 'invalid query parameter: paid: '),
    'V18 periods that are no number': (
        'PUT', '/v1/users/ada/Pro?paid=1&periods=x', None, 'invalid query parameter: periods: '),
    'V18 a start with a time': (
        'PUT', '/v1/users/ada/Pro?paid=1&start-date=2026-09-01T00:00:00Z', None,
        'invalid query parameter: start-date: '),
    'V18 an end that is no day': (
        'PUT', '/v1/users/ada/Pro?paid=1&end-date=2027-02-30', None,
        'invalid query parameter: end-date: '),
    'V19 a word for include-expired': (
        'GET', '/v1/users/ada/subscriptions?include-expired=yes', None,
        'invalid query parameter: include-expired: '),
    'V19 a cutoff that is no day': (
        'GET', '/v1/users/ada/subscriptions?cutoff=today', None,
        'invalid query parameter: cutoff: '),
    'V21 undecodable': ('POST', TYPES, b'"gpu"', 'invalid request body: '),
    'V23 undecodable': ('PUT', f'{TYPES}/{DATA}', b'{"name":1}', 'invalid request body: '),
}


@pytest.mark.parametrize('name', BEGINNINGS)
def test_a_refusal_in_own_words_begins_as_documented(ask, name):
    method, target, body, beginning = BEGINNINGS[name]
    before = ask.server.stored().everything()
    answer = ask(method, target, body)
    refusal = json.loads(answer.body)
    assert (answer.status, list(refusal)) == (400, ['error', 'status']), answer
    assert refusal['status'] == 'Bad Request'
    assert refusal['error'].startswith(beginning) and len(refusal['error']) > len(beginning)
    assert ask.server.stored().everything() == before
