"""Amounts are exact decimals, from the request to the file and back."""

import decimal
import itertools
import json

import hypothesis
import pytest
from hypothesis import strategies

EXACT = decimal.Context(prec=100)
names = itertools.count(1)


def exact(response):
    """The body with its numbers as they were written."""
    assert response.status_code == 200, response.text
    return json.loads(response.text, parse_float=decimal.Decimal, parse_int=decimal.Decimal)


def shown_usage(server, user):
    (usage,) = exact(server.get(f'/users/{user}/usages'))['usages']
    return usage['usage']


def test_a_tenth_and_two_tenths_are_three_tenths(shared, user):
    shared.usage(user, '0.1')
    assert '"usage":0.3,' in shared.usage(user, '0.2').text
    assert shared.stored().value('SELECT usage FROM usages t JOIN subscriptions s ON '
                                 's.id = t.subscription_id JOIN users u ON u.id = s.user_id '
                                 'WHERE username = ?', user) == '0.3'


@pytest.mark.parametrize('text', [
    '9007199254740993', '123456789.123456789', '999999999999999999999999999999',
    '1234567890123456789012345678.901234', '0.123456789012345678901234567891', '1e-30', '1e29',
    '79228162514264337593543950336', '3.3', '0.100000000000000005551115123125',
])
def test_an_amount_is_kept_to_its_last_digit(shared, user, text):
    response = shared.usage(user, text, 'SET')
    assert exact(response)['usage']['usage'] == decimal.Decimal(text)
    assert shown_usage(shared, user) == decimal.Decimal(text)
    assert shared.stored().usage(user) == decimal.Decimal(text)
    assert shared.stored().updates(user)[0]['value'] == decimal.Decimal(text)


@pytest.mark.parametrize('text, shown', [
    ('9007199254740993', '9007199254740993'), ('12.50', '12.5'), ('1e3', '1000'),
    ('0.000001', '0.000001'), ('0.0000001', '1e-7'), ('0.00000015', '1.5e-7'),
    ('100000000000000000000', '100000000000000000000'), ('1e21', '1e+21'), ('15e21', '1.5e+22'),
    ('0', '0'), ('0.0', '0'), ('-0', '0'), ('0e5', '0'), ('5368709120', '5368709120'),
    ('123456789.123456789', '123456789.123456789'),
])
def test_a_number_is_written_in_its_shortest_form(shared, user, text, shown):
    assert f'"usage":{shown},' in shared.usage(user, text, 'SET').text


def test_a_sum_of_more_than_thirty_four_digits_is_refused_not_rounded(shared, user):
    shared.usage(user, '99999999999999999999999999999', 'SET')
    before = shared.stored().everything()
    for response in (shared.usage(user, '0.000001'), shared.update(user, '0.000001')):
        assert response.status_code == 400
        assert response.json()['error']['error_code'] == 'BAD_REQUEST'
    assert shared.stored().everything() == before
    assert exact(shared.usage(user, '0.00001'))['usage']['usage'] == decimal.Decimal(
        '99999999999999999999999999999.00001')


def test_a_foreign_amount_of_more_digits_is_shown_rounded_and_can_only_be_set(shared, user):
    shared.usage(user, '1')
    long = '1234567890.123456789012345678901234567890'
    shared.stored().execute('UPDATE usages SET usage = ? WHERE subscription_id = ?', long,
                            shared.stored().subscriptions(user)[0]['id'])
    assert shown_usage(shared, user) == decimal.Decimal(long).normalize(decimal.Context(prec=34))
    assert shared.usage(user, '1').status_code == 400
    assert shared.stored().usage(user) == decimal.Decimal(long)
    assert shared.usage(user, '2', 'SET').status_code == 200
    assert shared.stored().usage(user) == 2


def test_ten_thousand_tenths_are_a_thousand(shared, user):
    items = [{'id': str(n), 'username': user, 'resource_name': 'cpu.hours', 'update_type': 'ADD',
              'usage_value': 0.1} for n in range(10000)]
    shared.record(items)
    assert shared.stored().usage(user) == 1000


AMOUNTS = strategies.one_of(
    strategies.decimals(min_value=-1000, max_value=1000, places=3),
    strategies.decimals(min_value=0, max_value=10**9, places=12),
    strategies.decimals(min_value=0, max_value=decimal.Decimal(10)**30 - 1, places=4),
    strategies.floats(min_value=0, max_value=1e15, allow_subnormal=False).map(
        lambda value: decimal.Decimal(repr(value))),
    strategies.sampled_from(['0', '1e29', '1e-30', '-1e-30', '-0', '1e21']).map(decimal.Decimal))
CHANGES = strategies.lists(strategies.tuples(
    strategies.sampled_from(['ADD', 'ADD', 'ADD', 'SET']), AMOUNTS,
    strategies.sampled_from(['R5', 'R9', 'V2', 'quota'])), min_size=1, max_size=12)


def on_the_wire(amount):
    """Python writes 1E+29 and 0E-12; JSON has the same grammar for both."""
    return str(amount).replace('E', 'e')


def fits(amount):
    """At most 34 digits, and of a request at most 30 before and 30 after the point."""
    digits = amount.normalize(EXACT).as_tuple()
    return len(digits.digits) <= 34


def acceptable(amount):
    # abs() and unary minus would round to the context's 28 digits
    return (fits(amount) and amount.copy_abs() < 10**30
            and amount.normalize(EXACT).as_tuple().exponent >= -30)


class Model:
    """What the documents say, in Python's decimals."""

    def __init__(self):
        self.amounts = {'usages': None, 'quotas': decimal.Decimal(200)}
        self.rows = []

    def apply(self, table, operation, value):
        """True when the change is to be accepted."""
        current = self.amounts[table] or decimal.Decimal(0)
        total = value if operation == 'SET' else EXACT.add(current, value)
        if not acceptable(value) or not fits(total):
            return False
        if total < 0:
            if table == 'usages' or operation == 'SET':
                return False
            total, value = decimal.Decimal(0), current.copy_negate()
        self.amounts[table] = total
        self.rows.append((table, operation, value))
        return True


@hypothesis.example(changes=[('ADD', decimal.Decimal('999999999999999999999999999950'), 'R5')])
@hypothesis.settings(max_examples=60, deadline=None, database=None,
                     suppress_health_check=list(hypothesis.HealthCheck))
@hypothesis.given(changes=CHANGES)
def test_any_sequence_of_changes_equals_pythons_decimals(shared, changes):
    user, model = f'model-{next(names)}', Model()
    for number, (operation, value, path) in enumerate(changes):
        text = on_the_wire(value)
        accepted = model.apply('quotas' if path == 'quota' else 'usages', operation, value)
        if path == 'R9':
            response = shared.usage(user, text, operation)
        elif path == 'V2':
            response = shared.send_exactly('POST', '/v2/usages', (
                '[{"id":"%d","username":"%s","resource_name":"cpu.hours","update_type":"%s",'
                '"usage_value":%s}]' % (number, user, operation, text)))
            (result,) = response.json()['results']
            assert (result['status'] == 'applied') is accepted, (value, result)
            continue
        else:
            value_type = 'quotas' if path == 'quota' else 'usages'
            response = shared.update(user, text, operation, value_type=value_type)
        assert response.status_code == (200 if accepted else 400), (value, response.text)
    if not model.rows:
        return
    stored = shared.stored()
    summary = exact(shared.get(f'/summary/{user}'))['subscription']
    assert summary['quotas'][0]['quota'] == model.amounts['quotas'] == stored.quota(user)
    assert [usage['usage'] for usage in summary['usages']] == [
        amount for amount in [model.amounts['usages']] if amount is not None]
    assert stored.usage(user) == model.amounts['usages']
    assert [(row['value_type'], row['operation'], row['value'])
            for row in stored.updates(user)] == model.rows
