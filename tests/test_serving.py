"Serving without PyTorch: the bundle answers as the full environment does, and the two shipped networks are one."
import json
import os
import re
import subprocess
import sys
from pathlib import Path
import numpy as np
import pytest
from PIL import Image

pytest.importorskip('onnx')
from fer_nb.core import CLASSES
from fer_nb.inference import EmotionRecognizer, shipped_weights
from fer_nb.network import OnnxNet
from fer_nb.train.data import synthetic_faces
from fer_nb.train.evaluation import predict_logits
from fer_nb.train.export import export_bundle
from fer_nb.train.model import load_weights

BLOCKED = (
    'torch',
    'torchvision',
    'facenet_pytorch',
    'fastcore',
    'safetensors',
    'tqdm',
    'sklearn',
    'pandas',
    'scipy',
    'jax',
    'jaxlib',
    'onnx',
    'onnxscript',
)
BROUGHT = 'pandas', # streamlit brings it, and imports it
BLOCKER = '''import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] in {names}:
            raise ModuleNotFoundError(f'No module named {{name!r}}: it is blocked', name=name)
sys.meta_path.insert(0, Blocker())
'''
PREDICT = '''import json, sys
from fer_nb.inference import EmotionRecognizer
import fer_nb
recognizer = EmotionRecognizer.from_pretrained()
found = recognizer.predict_batch(sys.argv[1:])
print(json.dumps(dict(where=fer_nb.__file__, answers=[p.to_dict() for ps in found for p in ps])))'''
PAGE = '''import json, sys
from pathlib import Path
from streamlit.testing.v1 import AppTest
page = AppTest.from_file('streamlit_app.py', default_timeout=120).run()
assert not page.exception, page.exception
page.file_uploader[0].set_value([(Path(f).name, Path(f).read_bytes(), 'image/png') for f in sys.argv[1:]]).run()
assert not page.exception, page.exception
print(json.dumps([e.proto.body for e in page.get('html')]))'''

@pytest.fixture(scope='module')
def photos(tmp_path_factory):
    "Photos that packages carry"
    data, cbook = pytest.importorskip('skimage.data'), pytest.importorskip('matplotlib.cbook')
    folder = tmp_path_factory.mktemp('photos')
    Image.fromarray(data.astronaut()).save(folder/'astronaut.png')
    with cbook.get_sample_data('grace_hopper.jpg') as f: Image.open(f).save(folder/'hopper.png')
    Image.fromarray(data.coffee()).save(folder/'coffee.png')
    return sorted(map(str, folder.iterdir()))

@pytest.fixture(scope='module')
def bundle(tmp_path_factory): return export_bundle(tmp_path_factory.mktemp('served')/'bundle')

@pytest.fixture(scope='module')
def full(photos):
    "What PyTorch says"
    return [p.to_dict() for ps in EmotionRecognizer.from_pretrained(backend='torch').predict_batch(photos) for p in ps]

@pytest.fixture
def run(bundle, tmp_path):
    "Run Python in the bundle, with packages made unimportable"
    def run(*args, blocked=BLOCKED):
        (tmp_path/'sitecustomize.py').write_text(BLOCKER.format(names=set(blocked)))
        done = subprocess.run(
            [sys.executable, *args],
            cwd=bundle,
            env=os.environ | dict(PYTHONPATH=str(tmp_path)),
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout[done.stdout.index('[' if done.stdout.startswith('[') else '{'):])
    return run

def same(served, full):
    """Boxes and probabilities agree to 1e-4, of the photo's width and of one; `to_dict` rounds boxes to a hundredth
    of a pixel
    """
    assert [(Path(a['source']).name, a['status'], a['emotion']) for a in served] == [
        (Path(a['source']).name, a['status'], a['emotion']) for a in full
    ]
    for a, b in zip(served, full):
        if a['probabilities'] is None: continue
        assert np.abs(np.subtract(a['box'], b['box'])).max() <= .0201
        assert max(abs(a['probabilities'][c]-b['probabilities'][c]) for c in CLASSES) < 1e-4

def shows(htmls, full):
    "For each probability the page draws a bar of that width, in percent"
    bars = np.array([float(w) for h in htmls for w in re.findall(r'width:([\d.]+)%;background', h)])
    for p in (p for a in full for p in (a['probabilities'] or {}).values()): assert np.abs(bars-100*p).min() < .01

def test_the_blocker_blocks(run):
    with pytest.raises(AssertionError, match='blocked'): run('-c', 'import torch')

def test_recognizer(run, bundle, photos, full):
    got = run('-c', PREDICT, *photos)
    assert Path(got['where']).resolve() == (bundle/'fer_nb/__init__.py').resolve()
    assert len(full) >= 3 and any(a['probabilities'] for a in full)
    same(got['answers'], full)

def test_command(run, photos, full): same(run('-m', 'fer_nb.apps.cli', 'predict', '--json', *photos), full)

def test_page(run, photos, full):
    pytest.importorskip('streamlit')
    shows(run('-c', PAGE, *photos, blocked=set(BLOCKED)-set(BROUGHT)), full)

def test_the_two_shipped_networks_are_one():
    "`fer_nb train --publish` writes both; whoever replaces one by hand is told here"
    (model, meta), net, faces = load_weights(shipped_weights()), OnnxNet(shipped_weights('onnx')), synthetic_faces(28)
    faces.landmarks[:] = np.random.default_rng(0).random(faces.landmarks.shape); faces.valid[::2] = True
    assert net.meta == json.loads(json.dumps(meta))
    for tta in (False, True):
        assert np.abs(predict_logits(net, faces, tta) - predict_logits(model, faces, tta)).max() < 1e-4


def test_import_is_light():
    "The package, the recogniser and the command import nothing heavy"
    heavy = (
        'torch',
        'mediapipe',
        'cv2',
        'onnxruntime',
        'matplotlib',
        'scipy',
        'pandas',
        'sklearn',
        'streamlit',
        'fastcore',
        'tqdm',
    )
    code = f"import sys, fer_nb, fer_nb.inference, fer_nb.apps.cli; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert done.stdout.strip() == '[]', done.stdout + done.stderr

@pytest.mark.skipif(not os.environ.get('FER_NB_VENV'), reason='makes an environment with uv: set FER_NB_VENV=1')
def test_in_an_environment_of_its_own(bundle, photos, full, tmp_path):
    "Nothing but requirements.txt installed"
    python = tmp_path/'venv'/'bin'/'python'
    subprocess.run(['uv', 'venv', '--quiet', '--python', sys.executable, tmp_path/'venv'], check=True)
    subprocess.run(['uv', 'pip', 'install', '--quiet', '--python', python, '-r', bundle/'requirements.txt'], check=True)
    env = {k: v for k, v in os.environ.items() if k != 'PYTHONPATH'}
    def run(*args):
        done = subprocess.run([python, *args], cwd=bundle, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)
    with pytest.raises(AssertionError, match='torch'): run('-c', 'import torch')
    same(run('-c', PREDICT, *photos)['answers'], full)
    same(run('-m', 'fer_nb.apps.cli', 'predict', '--json', *photos), full)
    shows(run('-c', PAGE, *photos), full)
