"""What deploy/ holds can be used as it is: by systemd, by Kubernetes, and by the program itself."""

import os
import re
import shlex
import shutil
import subprocess
import sys

import pytest
import yaml

from nats_server import make_certificate
from server import BINARY, REPOSITORY, environment

UNIT = REPOSITORY / 'deploy' / 'qms.service'
MANIFEST = REPOSITORY / 'deploy' / 'kubernetes.yaml'
VALIDATOR = REPOSITORY / '.venv' / 'kubernetes-validate'
OLDEST_KUBERNETES, NEWEST_KUBERNETES = '1.30', '1.37'  # of what it is tried with


def analyze(path):
    return subprocess.run(['systemd-analyze', 'verify', '--man=no', path], capture_output=True,
                          text=True)


def unit_with(tmp_path, text, name='qms.service'):
    path = tmp_path / name
    path.write_text(text.replace('/usr/local/bin/qms', str(BINARY)))
    return path


def check(args, **env):
    return subprocess.run([BINARY, *args, '--check'], capture_output=True, text=True,
                          env=environment(**env))


# -- systemd -----------------------------------------------------------------------------------


@pytest.fixture
def systemd():
    if shutil.which('systemd-analyze') is None:
        pytest.skip('systemd is not installed')


def test_systemd_has_nothing_to_say_about_the_unit(systemd, tmp_path):
    done = analyze(unit_with(tmp_path, UNIT.read_text()))
    assert done.returncode == 0 and done.stderr == '', done.stderr


def test_systemd_would_have_noticed_a_mistake(systemd, tmp_path):
    text = UNIT.read_text().replace('TimeoutStopSec=45', 'TimeoutStopSec=soon')
    assert analyze(unit_with(tmp_path, text, 'mistaken.service')).stderr != ''


def unit_lines(name):
    return re.findall(rf'^{name}=(.*)$', UNIT.read_text(), re.MULTILINE)


def test_the_program_accepts_what_the_unit_gives_it(tmp_path):
    program, *args = shlex.split(unit_lines('ExecStart')[0])
    assert program == '/usr/local/bin/qms'
    state = f"/var/lib/{unit_lines('StateDirectory')[0]}"  # which systemd makes
    env = dict(line.replace(state, str(tmp_path)).split('=', 1)
               for line in unit_lines('Environment'))
    done = check(args, **env)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f'sqlite:{tmp_path}/qms.db' in done.stdout


def test_systemd_waits_longer_than_the_program_takes_to_stop():
    assert int(unit_lines('TimeoutStopSec')[0]) > default_drain_seconds()


def default_drain_seconds():
    page = subprocess.run([BINARY, 'help', 'serve', '--markdown'], capture_output=True, text=True,
                          check=True).stdout
    return int(re.search(r'`--drain-seconds N`[^\n]*?\| `(\d+)` \|', page)[1])


# -- Kubernetes --------------------------------------------------------------------------------


def documents():
    return {one['kind']: one for one in yaml.safe_load_all(MANIFEST.read_text())}


def pod():
    return documents()['Deployment']['spec']['template']['spec']


def validate(path, version):
    """kubernetes-validate, which holds the schemas of every version."""
    if not VALIDATOR.exists():
        pytest.skip('kubernetes-validate is not installed; script/test installs it')
    return subprocess.run([sys.executable, '-m', 'kubernetes_validate', '--strict', '-k', version,
                           path], capture_output=True, text=True,
                          env=environment(PYTHONPATH=str(VALIDATOR)))


@pytest.mark.parametrize('version', [OLDEST_KUBERNETES, NEWEST_KUBERNETES])
def test_the_manifest_is_what_kubernetes_describes(version):
    done = validate(MANIFEST, version)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_schemas_would_have_noticed_a_mistake(tmp_path):
    wrong = tmp_path / 'wrong.yaml'
    wrong.write_text(MANIFEST.read_text().replace('periodSeconds:', 'periodSecond:'))
    assert validate(wrong, NEWEST_KUBERNETES).returncode != 0


def mount(tmp_path, container):
    """What the secrets hold, where the arguments look for it."""
    args = []
    for argument in container['args']:
        name, _, path = argument.partition('=')
        args.append(f'{name}={tmp_path}{path}' if path.startswith('/') else argument)
    tls, nats = tmp_path / 'etc/qms/tls', tmp_path / 'etc/qms/nats'
    tls.mkdir(parents=True)
    nats.mkdir(parents=True)
    make_certificate(tls, 'tls', 'DNS:qms')
    (nats / 'services.creds').write_text('-----BEGIN NATS USER JWT-----\n')
    return args


def test_the_program_accepts_what_the_manifest_gives_it(tmp_path):
    container = pod()['containers'][0]
    names = [variable['name'] for variable in container['env']]
    done = check(mount(tmp_path, container),
                 **dict.fromkeys(names, 'postgresql://qms:secret@db/qms'))
    assert done.returncode == 0, done.stdout + done.stderr
    assert 'postgresql://' in done.stdout and 'secret' not in done.stdout + done.stderr


def test_kubernetes_waits_longer_than_the_program_takes_to_stop():
    container = pod()['containers'][0]
    drain = next(int(arg.split('=')[1]) for arg in container['args']
                 if arg.startswith('--drain-seconds='))
    pause = container['lifecycle']['preStop']['sleep']['seconds']
    assert pod()['terminationGracePeriodSeconds'] > pause + drain


def test_the_parts_of_the_manifest_find_each_other():
    found, container = documents(), pod()['containers'][0]
    labels = found['Deployment']['spec']['template']['metadata']['labels']
    assert found['Deployment']['spec']['selector']['matchLabels'].items() <= labels.items()
    assert found['Service']['spec']['selector'].items() <= labels.items()
    budget = found['PodDisruptionBudget']['spec']
    assert budget['selector']['matchLabels'].items() <= labels.items()
    assert 0 < budget['minAvailable'] < found['Deployment']['spec']['replicas']
    port = container['ports'][0]
    assert f':{port["containerPort"]}' in ' '.join(container['args'])
    assert found['Service']['spec']['ports'][0]['targetPort'] == port['name']
    mounted = {mount['name'] for mount in container['volumeMounts']}
    assert mounted == {volume['name'] for volume in pod()['volumes']}
    for argument in container['args']:
        if '=/' in argument:
            folder = os.path.dirname(argument.split('=')[1])
            assert folder in {mount['mountPath'] for mount in container['volumeMounts']}
    for probe, path in (('startupProbe', '/healthz'), ('livenessProbe', '/healthz'),
                        ('readinessProbe', '/readyz')):
        assert container[probe]['httpGet']['path'] == path
        assert container[probe]['httpGet']['port'] == port['name']


def test_the_probes_are_answered_as_the_manifest_asks(start_server):
    server = start_server('--auth')
    for probe in ('startupProbe', 'livenessProbe', 'readinessProbe'):
        ask = pod()['containers'][0][probe]['httpGet']
        headers = {header['name']: header['value'] for header in ask['httpHeaders']}
        assert server.get(ask['path'], headers=headers).status_code == 200
