"What a user installs: the wheel and the sdist carry the weights, the modules, the command and the extras."
import ast, email, shutil, subprocess, sys, tarfile, zipfile
from configparser import ConfigParser
from pathlib import Path
import pytest

root = Path(__file__).resolve().parents[1]
config = ConfigParser(delimiters=['='])
config.read(root/'settings.ini')
cfg = config['DEFAULT']
extras = {'app', 'notebook', 'train', 'onnx', 'video', 'batch', 'ray', 'kaggle', 'dev', 'all'}

@pytest.fixture(scope='module')
def built(tmp_path_factory):
    "The sdist, and the wheel built from that sdist, both of a copy of the tree."
    tree, out = tmp_path_factory.mktemp('tree')/'fer_nb', tmp_path_factory.mktemp('dist')
    skip = shutil.ignore_patterns('.*', '_proc', '_docs', 'build', 'dist', 'runs', '*.egg-info', '__pycache__')
    shutil.copytree(root, tree, ignore=skip, symlinks=True)
    for folder, name in (('weights', 'extra.safetensors'), ('weights', 'extra.json'), ('configs', 'extra.json')):
        (tree/'fer_nb'/folder).mkdir(exist_ok=True)
        (tree/'fer_nb'/folder/name).write_bytes(b'{}')
    build = [sys.executable, '-m', 'build', '--no-isolation', '--outdir', out, tree]
    done = subprocess.run(build, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return out

@pytest.fixture(scope='module')
def wheel(built): return zipfile.ZipFile(next(built.glob('*.whl')))

@pytest.fixture(scope='module')
def metadata(wheel): return email.message_from_bytes(wheel.read(next(n for n in wheel.namelist() if n.endswith('/METADATA'))))

def test_wheel_carries_the_package(wheel):
    files = set(wheel.namelist())
    here = {p.relative_to(root).as_posix() for p in (root/'fer_nb').rglob('*') if p.is_file() and '__pycache__' not in p.parts}
    assert here and here <= files
    assert {'fer_nb/weights/extra.safetensors', 'fer_nb/weights/extra.json', 'fer_nb/configs/extra.json'} <= files
    assert 'streamlit_app.py' in files
    assert not [f for f in files if f.startswith(('tests/', 'tools/', 'nbs/'))]

def test_weights_are_shipped_and_small():
    weights = [p for p in (root/'fer_nb/weights').rglob('*') if p.is_file()]
    assert {'.safetensors', '.onnx', '.json'} <= {p.suffix for p in weights}
    assert max(p.stat().st_size for p in weights) <= 10 * 2**20
    assert sum(p.stat().st_size for p in weights) <= 24 * 2**20

def test_sdist_can_be_built_from(built):
    with tarfile.open(next(built.glob('*.tar.gz'))) as tar: files = {n.partition('/')[2] for n in tar.getnames()}
    assert {'settings.ini', 'setup.py', 'README.md', 'LICENSE', 'streamlit_app.py', 'fer_nb/weights/extra.safetensors'} <= files

def test_metadata(metadata):
    assert metadata['Name'] == 'fer_nb' and metadata['Version'] == cfg['version']
    assert {'>=3.11', '<3.13'} == set(metadata['Requires-Python'].split(','))
    assert set(metadata.get_all('Provides-Extra')) == extras
    base = {r.split(';')[0].strip() for r in metadata.get_all('Requires-Dist') if 'extra ==' not in r}
    assert len(base) == len(cfg['requirements'].split())

def test_long_description_has_no_relative_link(metadata):
    assert 'nbs/index.ipynb' in metadata.get_payload()
    assert '](nbs/' not in metadata.get_payload()

def test_commands(wheel):
    points = ConfigParser()
    points.optionxform = str
    points.read_string(wheel.read(next(n for n in wheel.namelist() if n.endswith('/entry_points.txt'))).decode())
    assert points['console_scripts']['fer_nb'] == 'fer_nb.apps.cli:main'
    assert points['nbdev']['fer_nb'] == 'fer_nb._modidx:d'
    cli = ast.parse((root/'fer_nb/cli.py').read_text())
    assert 'main' in {getattr(n, 'name', None) for n in cli.body}

def test_prediction_needs_only_the_base_install():
    "With the extras made unimportable, the recogniser and the command still import."
    absent = ['accelerate', 'sklearn', 'joblib', 'skimage', 'pandas', 'streamlit', 'ipywidgets', 'kagglehub', 'nbdev', 'execnb', 'pytest', 'IPython']
    code = f'import sys; sys.modules.update(dict.fromkeys({absent})); import fer_nb.inference, fer_nb.apps.cli'
    done = subprocess.run([sys.executable, '-c', code], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr

def test_lock_names_no_place():
    lines = (root/'requirements.lock').read_text().splitlines()
    pins = dict(l.split(' ;')[0].split('==') for l in lines if l and not l.startswith((' ', '#')))
    assert {'torch', 'torchvision', 'mediapipe', 'streamlit', 'pytest'} <= set(pins)
    assert not [l for l in lines if '://' in l or l.startswith(('-', '/', '.'))]
