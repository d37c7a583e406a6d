"""Adds up what the stages of script/test left behind: report.py RESULTS STAGE...

Each stage leaves STAGE.status (exit status and seconds) and, if it got as far as its tests, a
STAGE.json of meson or a STAGE.xml of pytest. A stage that failed without a failed test, or that
ran no test, counts as one failure: nothing is lost because a program died before it could count.
The last line is `N passed, N failed, N skipped`. Exits 0 only when nothing failed and, under CI,
nothing was skipped.
"""

import json
import os
import re
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from pathlib import Path

CMOCKA_LINE = re.compile(r'^\[ +(OK|FAILED|SKIPPED|ERROR) +\] (\w+)$', re.MULTILINE)
MESON_FAILURES = {'FAIL', 'TIMEOUT', 'ERROR', 'INTERRUPT', 'UNEXPECTEDPASS'}


@dataclass
class Counts:
    passed: int = 0
    failures: list = field(default_factory=list)
    skips: list = field(default_factory=list)


def count_program(entry, counts):
    """One program of meson: its cmocka tests by name, or the program itself as one test."""
    output = entry.get('stdout', '') + entry.get('stderr', '')
    program = entry['name']
    outcomes = {}
    for outcome, name in CMOCKA_LINE.findall(output):
        outcomes[name] = outcome
    for name, outcome in outcomes.items():
        if outcome == 'OK':
            counts.passed += 1
        elif outcome == 'SKIPPED':
            counts.skips.append(f'{program}: {name}')
        else:
            counts.failures.append(f'{program}: {name}')
    failed = entry['result'] in MESON_FAILURES
    if failed and not set(outcomes.values()) & {'FAILED', 'ERROR'}:
        counts.failures.append(f'{program}: {entry["result"].lower()}')
    elif not outcomes and entry['result'] == 'SKIP':
        counts.skips.append(f'{program}: {output.strip() or "gave no reason"}')
    elif not outcomes:
        counts.passed += 1


def count_meson(path, counts):
    for line in path.read_text(encoding='utf-8').splitlines():
        count_program(json.loads(line), counts)


def count_pytest(path, counts):
    for case in ElementTree.parse(path).iter('testcase'):
        name = f'{case.get("classname")}.{case.get("name")}'
        skip = case.find('skipped')
        if case.find('failure') is not None or case.find('error') is not None:
            counts.failures.append(name)
        elif skip is not None:
            counts.skips.append(f'{name}: {skip.get("message")}')
        else:
            counts.passed += 1


def count_stage(results, stage):
    """The counts of a stage, and how long it took in seconds."""
    counts = Counts()
    status, seconds = (int(word) for word in (results / f'{stage}.status').read_text().split())
    for suffix, count in (('json', count_meson), ('xml', count_pytest)):
        path = results / f'{stage}.{suffix}'
        if path.exists():
            count(path, counts)
    if status != 0 and not counts.failures:
        counts.failures.append(f'the stage ended with exit status {status}')
    elif not counts.failures and not counts.passed:
        counts.failures.append('no test ran')
    return counts, seconds


def main(results, stages, in_ci):
    total = Counts()
    print(f'{"stage":14}{"passed":>8}{"failed":>8}{"skipped":>8}{"seconds":>9}')
    for stage in stages:
        counts, seconds = count_stage(results, stage)
        print(f'{stage:14}{counts.passed:8}{len(counts.failures):8}{len(counts.skips):8}'
              f'{seconds:9}')
        total.passed += counts.passed
        total.failures += [f'{stage}: {text}' for text in counts.failures]
        total.skips += [f'{stage}: {text}' for text in counts.skips]
    print()
    for text in total.skips:
        print(f'skipped: {text}')
    for text in total.failures:
        print(f'FAILED: {text}')
    if in_ci and total.skips:
        print('Nothing may be skipped under CI.')
    print(f'{total.passed} passed, {len(total.failures)} failed, {len(total.skips)} skipped')
    return 1 if total.failures or (in_ci and total.skips) or not total.passed else 0


if __name__ == '__main__':
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:], bool(os.environ.get('CI'))))
