"Serving needs no PyTorch, MediaPipe or OpenCV: with them made unimportable, answers are those of the PyTorch network."
import json
import os
import re
import subprocess
import sys
from pathlib import Path
import numpy as np
import pytest
from PIL import Image

pytest.importorskip('torch')
from fer_nb.core import CLASSES
from fer_nb.inference import EmotionRecognizer
from fer_nb.network import OnnxNet, find_weights
from fer_nb.train.weights import TorchNet, load_weights

root = Path(__file__).resolve().parents[1]
BLOCKED = (
    'torch torchvision facenet_pytorch mediapipe cv2 jax jaxlib fastcore safetensors tqdm sklearn scipy skimage '
    'matplotlib joblib filelock accelerate onnx onnxscript pandas pyarrow'
).split()
BROUGHT = 'pandas', 'pyarrow' # streamlit brings them, and imports them
BLOCKER = '''import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] in {names}:
            raise ModuleNotFoundError(f'No module named {{name!r}}: it is blocked', name=name)
sys.meta_path.insert(0, Blocker())
'''
PREDICT = '''import json, sys
from fer_nb import EmotionRecognizer
found = EmotionRecognizer.from_pretrained().predict_batch(sys.argv[1:])
print(json.dumps([p.to_dict() for ps in found for p in ps]))'''
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
    data, folder = pytest.importorskip('skimage.data'), tmp_path_factory.mktemp('photos')
    Image.fromarray(data.astronaut()).save(folder/'astronaut.png')
    Image.open(root/'fer_nb/apps/page/sample.jpg').save(folder/'hopper.png')
    Image.fromarray(data.coffee()).save(folder/'coffee.png')
    return sorted(map(str, folder.iterdir()))

@pytest.fixture(scope='module')
def full(photos):
    "What PyTorch says"
    recognizer = EmotionRecognizer(TorchNet(*load_weights(find_weights(suffix='.safetensors'))))
    return [p.to_dict() for ps in recognizer.predict_batch(photos) for p in ps]

@pytest.fixture
def run(tmp_path):
    "Run Python with packages made unimportable"
    def run(*args, blocked=BLOCKED):
        (tmp_path/'sitecustomize.py').write_text(BLOCKER.format(names=set(blocked)))
        env = os.environ | dict(PYTHONPATH=f'{tmp_path}{os.pathsep}{root}')
        done = subprocess.run([sys.executable, *args], cwd=root, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout[done.stdout.index('['):])
    return run

def same(served, full):
    "The same faces: boxes to a fiftieth of a pixel (`to_dict` rounds to a hundredth), probabilities to 1e-4"
    def about(rows): return [(Path(a['source']).name, a['status'], a['emotion']) for a in rows]
    assert about(served) == about(full) and len(full) >= 3 and any(a['probabilities'] for a in full)
    for a, b in zip(served, full):
        if a['probabilities'] is None: continue
        assert np.abs(np.subtract(a['box'], b['box'])).max() <= .0201
        assert max(abs(a['probabilities'][c]-b['probabilities'][c]) for c in CLASSES) < 1e-4

def test_the_blocker_blocks(run):
    with pytest.raises(AssertionError, match='blocked'): run('-c', 'import torch')

def test_recognizer(run, photos, full): same(run('-c', PREDICT, *photos), full)

def test_command(run, photos, full): same(run('-m', 'fer_nb', 'predict', '--json', *photos), full)

@pytest.mark.slow
def test_page(run, photos, full):
    "For each probability the page draws a bar of that width, in percent"
    pytest.importorskip('streamlit')
    htmls = run('-c', PAGE, *photos, blocked=set(BLOCKED)-set(BROUGHT))
    bars = np.array([float(w) for h in htmls for w in re.findall(r'width:([\d.]+)%', h)])
    for p in (p for a in full for p in (a['probabilities'] or {}).values()): assert np.abs(bars-100*p).min() < .01

def test_the_two_shipped_networks_are_one():
    "Publishing writes both; whoever replaces one by hand is told here"
    net, twin = OnnxNet(find_weights()), TorchNet(*load_weights(find_weights(suffix='.safetensors')))
    generator = np.random.default_rng(0)
    faces, points = generator.integers(0, 255, (28, 48, 48), np.uint8), generator.random((28, 468, 3), np.float32)
    valid = np.arange(28) % 2 == 0
    assert net.meta == json.loads(json.dumps(twin.meta))
    assert np.abs(net(faces, points, valid) - twin(faces, points, valid)).max() < 1e-3

def test_import_is_light():
    "The package, the recogniser and the command import nothing heavy"
    heavy = [*BLOCKED, 'onnxruntime', 'streamlit', 'av']
    code = f"import sys, fer_nb, fer_nb.inference, fer_nb.apps.cli; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, '-c', code], cwd=root, capture_output=True, text=True)
    assert done.stdout.strip() == '[]', done.stdout + done.stderr
