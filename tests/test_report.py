"""What script/test says at its end is true: what failed, died or never ran is no pass."""

import json

import pytest
from report import main


def stage(folder, name, status=0, meson=None, pytest_xml=None):
    """Writes what a stage called name leaves behind in folder."""
    (folder / f'{name}.status').write_text(f'{status} 7\n')
    if meson is not None:
        (folder / f'{name}.json').write_text(''.join(
            json.dumps({'name': program, 'result': result, 'stdout': output}) + '\n'
            for program, result, output in meson))
    if pytest_xml is not None:
        (folder / f'{name}.xml').write_text(
            f'<testsuites><testsuite>{pytest_xml}</testsuite></testsuites>')


def cmocka(*outcomes):
    lines = ['[==========] Running 2 test(s).']
    for name, outcome in outcomes:
        lines += [f'[ RUN      ] {name}', f'[ {outcome:>8} ] {name}']
    return '\n'.join(lines) + '\n'


GOOD = [('amount', 'OK', cmocka(('a_sum_is_exact', 'OK'), ('a_zero_has_no_sign', 'OK')))]
CASE = '<testcase classname="system.test_time" name="test_an_expiry">{}</testcase>'


@pytest.mark.parametrize('left, status, last, said', [
    (dict(meson=GOOD), 0, '2 passed, 0 failed, 0 skipped', ''),
    (dict(meson=[('corpus_json', 'OK', 'read 3 files')]), 0, '1 passed, 0 failed, 0 skipped', ''),
    (dict(meson=[('amount', 'FAIL', cmocka(('a_sum', 'FAILED'), ('a_zero', 'OK')))], status=1),
     1, '1 passed, 1 failed, 0 skipped', 'FAILED: unit: amount: a_sum\n'),
    (dict(meson=[('amount', 'FAIL', cmocka(('a_sum', 'OK')) + 'Segmentation fault')], status=1),
     1, '1 passed, 1 failed, 0 skipped', 'FAILED: unit: amount: fail\n'),
    (dict(meson=[*GOOD, ('engine', 'TIMEOUT', '')], status=1),
     1, '2 passed, 1 failed, 0 skipped', 'FAILED: unit: engine: timeout\n'),
    (dict(meson=[*GOOD, ('power', 'OK', cmocka(('a_power_loss', 'SKIPPED')))]),
     0, '2 passed, 0 failed, 1 skipped', 'skipped: unit: power: a_power_loss\n'),
    (dict(meson=[*GOOD, ('power', 'SKIP', 'no room on the disk')]),
     0, '2 passed, 0 failed, 1 skipped', 'skipped: unit: power: no room on the disk\n'),
    (dict(status=1), 1, '0 passed, 1 failed, 0 skipped', 'exit status 1\n'),
    (dict(meson=GOOD, status=139), 1, '2 passed, 1 failed, 0 skipped', 'exit status 139\n'),
    (dict(), 1, '0 passed, 1 failed, 0 skipped', 'FAILED: unit: no test ran\n'),
    (dict(meson=[]), 1, '0 passed, 1 failed, 0 skipped', 'FAILED: unit: no test ran\n'),
    (dict(pytest_xml=CASE.format('')), 0, '1 passed, 0 failed, 0 skipped', ''),
    (dict(pytest_xml=CASE.format('<failure message="x"/>'), status=1),
     1, '0 passed, 1 failed, 0 skipped', 'FAILED: unit: system.test_time.test_an_expiry\n'),
    (dict(pytest_xml=CASE.format('<error message="x"/>'), status=1),
     1, '0 passed, 1 failed, 0 skipped', 'FAILED: unit: system.test_time.test_an_expiry\n'),
    (dict(pytest_xml=CASE.format('') + CASE.format('<skipped message="no log at hand"/>')),
     0, '1 passed, 0 failed, 1 skipped', 'test_an_expiry: no log at hand\n'),
])
def test_a_stage_counts_as_what_it_was(tmp_path, capsys, left, status, last, said):
    stage(tmp_path, 'unit', **left)
    assert main(tmp_path, ['unit'], in_ci=False) == status
    output = capsys.readouterr().out
    assert output.endswith('\n' + last + '\n')
    assert said in output


def test_stages_are_added_up(tmp_path, capsys):
    stage(tmp_path, 'unit', meson=GOOD)
    stage(tmp_path, 'system', pytest_xml=CASE.format(''))
    assert main(tmp_path, ['unit', 'system'], in_ci=True) == 0
    assert capsys.readouterr().out.endswith('\n3 passed, 0 failed, 0 skipped\n')


def test_nothing_may_be_skipped_under_ci(tmp_path):
    stage(tmp_path, 'unit', meson=[*GOOD, ('power', 'SKIP', 'no room on the disk')])
    assert main(tmp_path, ['unit'], in_ci=True) == 1
