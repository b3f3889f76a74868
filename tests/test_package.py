"""What a user installs: the wheel and the sdist carry the weights, the modules, the command, the public names and the
extras.
"""

import ast
import email
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from configparser import ConfigParser
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path
import pytest

root = Path(__file__).resolve().parents[1]
config = ConfigParser(delimiters=['='])
config.read(root/'settings.ini')
cfg = config['DEFAULT']
extras = {'app', 'api', 'video', 'batch', 'ray', 'notebook', 'train', 'kaggle', 'dev', 'all'}

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
def metadata(wheel):
    return email.message_from_bytes(wheel.read(next(n for n in wheel.namelist() if n.endswith('/METADATA'))))


def test_wheel_carries_the_package(wheel):
    files = set(wheel.namelist())
    here = {
        p.relative_to(root).as_posix()
        for p in (root / 'fer_nb').rglob('*')
        if p.is_file() and '__pycache__' not in p.parts
    }
    assert here and here <= files
    assert {'fer_nb/weights/extra.safetensors', 'fer_nb/weights/extra.json', 'fer_nb/configs/extra.json'} <= files
    assert {'streamlit_app.py', 'fer_nb/py.typed', 'fer_nb/apps/page/icon.png'} <= files
    assert {'LICENSE', 'NOTICE'} <= {Path(n).name for n in files if '/licenses/' in n}
    assert not [f for f in files if f.startswith(('tests/', 'tools/', 'nbs/'))]

def test_weights_are_shipped_and_small():
    weights = [p for p in (root/'fer_nb/weights').rglob('*') if p.is_file()]
    assert {'.safetensors', '.onnx', '.json'} <= {p.suffix for p in weights}
    assert max(p.stat().st_size for p in weights) <= 10 * 2**20
    assert sum(p.stat().st_size for p in weights) <= 24 * 2**20

def test_sdist_can_be_built_from(built):
    with tarfile.open(next(built.glob('*.tar.gz'))) as tar: files = {n.partition('/')[2] for n in tar.getnames()}
    assert {
        'settings.ini',
        'setup.py',
        'README.md',
        'LICENSE',
        'NOTICE',
        'requirements.txt',
        'streamlit_app.py',
        'fer_nb/weights/extra.safetensors',
    } <= files


def test_metadata(metadata):
    assert metadata['Name'] == 'fer_nb' and metadata['Version'] == cfg['version']
    assert {'>=3.11', '<3.15'} == set(metadata['Requires-Python'].split(','))
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
    cli = ast.parse((root/'fer_nb/apps/cli.py').read_text(encoding='utf-8'))
    assert 'main' in {getattr(n, 'name', None) for n in cli.body}

CLOSURE = (
    'numpy',
    'pillow',
    'onnxruntime',
    'flatbuffers',
    'packaging',
    'protobuf',
    'coloredlogs',
    'humanfriendly',
    'sympy',
    'mpmath',
)
ALONE = """import sys
sys.path[:] = [p for p in sys.path if 'site-packages' not in p and p] + [sys.argv[1]]
import fer_nb
assert fer_nb.__file__.startswith(sys.argv[1])
for name in fer_nb.__all__: getattr(fer_nb, name)
import fer_nb.apps.cli
[found] = fer_nb.EmotionRecognizer.from_pretrained().predict(sys.argv[1] + '/fer_nb/apps/page/sample.jpg')
heavy = {'torch', 'cv2', 'mediapipe', 'matplotlib', 'pandas'}
print(found.emotion, *sorted({m.partition('.')[0] for m in sys.modules} & heavy))"""


def test_the_wheel_predicts_with_the_base_install_alone(wheel, tmp_path):
    "The wheel unpacked, and beside it numpy, Pillow, onnxruntime and what they need, and nothing else"
    wheel.extractall(tmp_path)
    for name in CLOSURE:
        try: files = distribution(name).files
        except PackageNotFoundError: continue
        for top in {f.parts[0] for f in files if f.parts[0] not in ('..', '__pycache__')}:
            if not (tmp_path/top).exists(): (tmp_path/top).symlink_to(distribution(name).locate_file(top))
    done = subprocess.run([sys.executable, '-I', '-c', ALONE, tmp_path], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.split()) == 1, done.stdout

# Public names

def test_public_names_are_told_thrice_alike():
    "To people and `import *` in `__all__`, to type checkers as imports, to `__getattr__` by room"
    import fer_nb
    tree = ast.parse((root/'fer_nb/__init__.py').read_text(encoding='utf-8'))
    [typed] = [n for n in tree.body if isinstance(n, ast.If) and ast.unparse(n.test) == 'TYPE_CHECKING']
    imported = {n.module: sorted(a.name for a in n.names) for n in typed.body}
    assert imported == {room: sorted(names.split()) for room, names in fer_nb._ROOMS.items()}
    assert (
        sorted(n for names in imported.values() for n in names) == sorted(fer_nb.__all__) and len(fer_nb.__all__) <= 45
    )
    for name in fer_nb.__all__: assert getattr(fer_nb, name) is not None and name in dir(fer_nb)
    with pytest.raises(AttributeError, match='nothing_like_it'): getattr(fer_nb, 'nothing_like_it')

def test_export_writes_the_version_and_nothing_else(tmp_path):
    from nbdev.config import update_version
    text = (root/'fer_nb/__init__.py').read_text(encoding='utf-8')
    (tmp_path/'__init__.py').write_text(re.sub('__version__ = .*', '__version__ = "9"', text), encoding='utf-8')
    update_version(tmp_path)
    assert (tmp_path/'__init__.py').read_text(encoding='utf-8') == text

SHOWN = """from fer_nb import EmotionRecognizer, Prediction, annotate, load_image
from typing import assert_type
recognizer = EmotionRecognizer.from_pretrained()
found = recognizer.predict('photo.jpg')
assert_type(recognizer, EmotionRecognizer)
assert_type(found, list[Prediction])
assert_type(found[0].emotion, str | None)
assert_type(found[0].confidence, float | None)
annotate(load_image('photo.jpg'), found).save('marked.jpg')
found[0].to_dict(flat=True)
"""
WRONG = "from fer_nb import NoSuchName\n"

@pytest.mark.slow
@pytest.mark.parametrize('code,fine', [(SHOWN, True), (WRONG, False)], ids=['shown', 'wrong'])
def test_types_reach_an_editor(tmp_path, code, fine):
    if not find_spec('basedpyright'): pytest.skip('no basedpyright')
    (tmp_path/'use.py').write_text(code)
    (tmp_path / 'pyrightconfig.json').write_text(
        f'{{"typeCheckingMode": "basic", "extraPaths": ["{root.as_posix()}"], "include": ["use.py"]}}'
    )
    done = subprocess.run(
        [sys.executable, '-m', 'basedpyright', '-p', tmp_path, '--pythonpath', sys.executable],
        capture_output=True,
        text=True,
    )
    assert (done.returncode == 0) == fine, done.stdout

# Locks

def pins(file): return dict(re.findall(r'(?m)^([\w.-]+)==([^ ;\\\n]+)', (root/file).read_text(encoding='utf-8')))

@pytest.mark.parametrize('file', ['requirements.lock', 'requirements.txt'])
def test_locks_name_no_place_and_have_hashes(file):
    lines = (root/file).read_text(encoding='utf-8').splitlines()
    assert not [l for l in lines if '://' in l or l.startswith(('-', '/', '.'))]
    assert all(l.endswith(' \\') for l in lines if '==' in l) and any('--hash=sha256:' in l for l in lines)

def test_the_page_is_locked_at_what_is_tested():
    everything, page = pins('requirements.lock'), pins('requirements.txt')
    assert {'torch', 'torchvision', 'mediapipe', 'streamlit', 'pytest', 'ray'} <= set(everything)
    assert {'numpy', 'pillow', 'onnxruntime', 'streamlit', 'av'} <= set(page) and not {
        'torch',
        'mediapipe',
        'matplotlib',
    } & set(page)
    apart = {k for k in page if page[k] != everything[k]}
    assert apart <= {'numpy', 'protobuf', 'av', 'pyee'}, (
        apart
    )  # held back by what only training needs, or by Python's version


def test_the_container_can_serve_programs_too():
    assert {'fastapi', 'uvicorn', 'python-multipart', 'pydantic-core'} <= set(pins('requirements.txt'))

def test_licences_are_named():
    "LICENSES.md lists what is installed; `python tools/licences.py` writes it"
    sys.path.insert(0, str(root/'tools'))
    import licences
    if not find_spec('streamlit') or not find_spec('fastapi'): pytest.skip('not all of it is installed here')
    text = (root/'LICENSES.md').read_text(encoding='utf-8')
    missing = [name for name, said, *_ in licences.rows() if f'| {name} | {said} |' not in text]
    assert not missing, f'run python tools/licences.py: {missing}'
    for word in 'libx264', 'libx265', 'GPL': assert word in licences.HEAD
    assert {'numpy', 'pillow', 'onnxruntime', 'streamlit', 'av', 'fastapi'} <= {name for name, *_ in licences.rows()}

# The rules of the house

def test_rules_of_the_house_would_tell(tmp_path, monkeypatch):
    "A room that looks down, one that imports what the base has not got, and two that import each other"
    sys.path.insert(0, str(root/'tools'))
    import house
    (tmp_path/'fer_nb/train').mkdir(parents=True)
    for name, text in {
        'a.py': 'import pandas\ndef f(): from .train import fit',
        'b.py': 'from .c import x',
        'c.py': 'def f():\n    from . import b',
        '__init__.py': '',
        'train/__init__.py': 'import torch',
    }.items():
        (tmp_path / 'fer_nb' / name).write_text(text)
    monkeypatch.setattr(house, 'root', tmp_path)
    said = sorted(house.import_rules())
    assert len(said) == 3
    assert (
        'fer_nb.b → fer_nb.c → fer_nb.b' in said[0]
        and 'imports pandas at the top' in said[1]
        and 'fer_nb.train, a room below it' in said[2]
    )
