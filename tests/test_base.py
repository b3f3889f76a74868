"""What numpy, Pillow and onnxruntime are enough for. `python tools/installs.py` runs this in fresh environments of
each Python.
"""

import json
import multiprocessing
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from importlib.util import find_spec
import numpy as np
import pytest
from PIL import Image
import fer_nb
from fer_nb import CLASSES, EmotionRecognizer, FerError, MissingExtra

photo = str(files('fer_nb')/'apps/page/sample.jpg')

@pytest.fixture(scope='module')
def recognizer(): return EmotionRecognizer.from_pretrained(threads=1)

@pytest.fixture(scope='module')
def found(recognizer): return recognizer.predict(photo)

def test_a_photo(found):
    [p] = found
    assert p.status in ('ok', 'uncertain') and p.emotion in CLASSES and p.landmarks.shape == (468, 3)
    assert sum(p.probabilities.values()) == pytest.approx(1) and p.confidence == max(p.probabilities.values())
    x0, y0, x1, y1 = p.box
    assert 150 < x0 < 250 < x1 < 400 and 50 < y0 < 150 < y1 < 350

@pytest.mark.parametrize(
    'give',
    [
        lambda image: np.asarray(image),
        lambda image: image,
        lambda image: open(photo, 'rb'),
        lambda image: open(photo, 'rb').read(),
    ],
    ids=['array', 'picture', 'file', 'bytes'],
)
def test_every_way_to_give_a_photo(recognizer, found, give):
    [p] = recognizer.predict(give(Image.open(photo).convert('RGB')))
    assert p.probabilities == pytest.approx(found[0].probabilities, abs=1e-4)

def test_a_turned_photo(recognizer, found, tmp_path):
    image, exif = Image.open(photo), Image.Exif()
    exif[0x0112] = 6
    image.transpose(Image.Transpose.ROTATE_90).save(tmp_path/'turned.png', exif=exif)
    [p] = recognizer.predict(tmp_path/'turned.png')
    assert p.probabilities == pytest.approx(found[0].probabilities, abs=1e-4)

def test_a_batch_never_dies(recognizer, tmp_path):
    (tmp_path/'junk.jpg').write_bytes(b'no picture')
    small = Image.open(photo).resize((40, 47))
    every = recognizer.predict_batch(
        [photo, tmp_path / 'junk.jpg', tmp_path / 'missing.jpg', np.zeros((64, 64, 3), np.uint8), small], names='abcde'
    )
    assert [ps[0].source for ps in every] == list('abcde')
    assert [ps[0].status for ps in every][1:4] == ['unreadable', 'unreadable', 'no_face']

def test_both_truths_and_priors_from_one_pass(recognizer, found):
    [p] = found
    other = recognizer.revise(p, truth='fer2013')
    assert (p.truth, other.truth) == ('people', 'fer2013') and other.probabilities != p.probabilities
    assert (
        recognizer.revise(p, prior='everyday').probabilities['neutral']
        > recognizer.revise(p, prior='even').probabilities['neutral']
    )


def ask(k): return EmotionRecognizer.from_pretrained(threads=1).predict(photo)[0].probabilities

def test_threads_and_processes_say_the_same(found):
    with ThreadPoolExecutor(2) as pool: said = list(pool.map(ask, range(2)))
    for method in {'fork', 'spawn'} & set(multiprocessing.get_all_start_methods()):
        with multiprocessing.get_context(method).Pool(1) as pool: said += pool.map(ask, range(2), 1)
    for p in said: assert p == found[0].probabilities # to the last bit

def test_tables_and_drawings(found, tmp_path):
    assert json.loads(json.dumps(found[0].to_dict()))['emotion'] == found[0].emotion
    fer_nb.write_table(fer_nb.to_rows(found), tmp_path/'faces.csv')
    head, row = (tmp_path/'faces.csv').read_text(encoding='utf-8').splitlines()
    assert 'happy' in head and found[0].emotion in row
    assert fer_nb.annotate(photo, found).size == Image.open(photo).size

def test_explanations(recognizer, found):
    heat = fer_nb.heat_map(recognizer, found[0].crop)
    assert heat.ndim == 2 and np.isfinite(heat).all()

def test_faces_followed_through_frames(recognizer):
    image, tracker = (
        np.asarray(Image.open(photo).convert('RGB')),
        fer_nb.FaceTracker(recognizer.detector, recognizer.extractor),
    )
    for i in range(3): faces = tracker(np.roll(image, 2*i, axis=1), i/10)
    assert len(faces) == 1

@pytest.mark.parametrize('package,extra,ask', [
    ('av', 'video', lambda: list(fer_nb.read_video(b'none'))), ('pandas', 'batch', lambda: fer_nb.to_frame([]))])
def test_what_is_missing_is_named(package, extra, ask):
    if find_spec(package): pytest.skip(f'{package} is installed here')
    with pytest.raises(MissingExtra, match=rf"pip install '\.\[{extra}\]'"): ask()

def run(*args): return subprocess.run([sys.executable, '-m', 'fer_nb', *args], capture_output=True, text=True)

def test_the_command(found):
    done = run('predict', '--json', photo)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)[0]['probabilities'] == pytest.approx(found[0].probabilities, abs=1e-4)
    assert fer_nb.__version__ in run('--version').stdout

def test_a_command_that_wants_more_says_so_in_a_sentence():
    if find_spec('torch'): pytest.skip('torch is installed here')
    done = run('train', '--config', 'base')
    assert done.returncode and done.stderr.count('\n') == 1 and "'.[train]'" in done.stderr

def test_errors_are_of_one_family():
    assert (
        issubclass(MissingExtra, FerError)
        and issubclass(fer_nb.ImageError, FerError)
        and issubclass(fer_nb.VideoError, FerError)
    )


def test_import_is_quick():
    code = 'import time; start = time.process_time(); import fer_nb; print(time.process_time() - start)'
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert float(done.stdout) < .1
