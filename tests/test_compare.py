"The comparison with other tools: how answers are scored, and what a tool is asked."
import json
import sys
from pathlib import Path
import numpy as np
import pytest
from fer_nb.core import CLASSES
from fer_nb.train.scores import confusion, macro_f1

sys.path.insert(0, str(Path(__file__).parents[1]/'tools'))
import compare

def test_scores_are_those_of_the_report_if_nothing_is_missed():
    rng = np.random.default_rng(0)
    labels, answers = rng.integers(0, 7, (2, 200))
    s = compare.scores(labels, [CLASSES[a] for a in answers])
    assert (s['n'], s['missed'], s['accuracy']) == (200, 0, (labels==answers).mean())
    assert s['macro_f1'] == pytest.approx(macro_f1(confusion(labels, answers)))

def test_a_missed_face_is_a_wrong_answer():
    labels = np.array([3, 3, 4, 4])
    s = compare.scores(labels, ['happy', None, 'neutral', 'contempt'])
    assert (s['missed'], s['accuracy'], s['recall']['happy']) == (2, .5, .5)

def test_pictures_come_as_they_were_written(tmp_path):
    faces = np.random.default_rng(0).integers(0, 256, (3, 48, 48), dtype=np.uint8)
    (tmp_path/'faces').write_bytes(faces.tobytes())
    assert (np.stack(list(compare.pictures(tmp_path/'faces', 48))) == faces).all()

def test_a_worker_answers_everything(tmp_path):
    for name, side, n in (('faces', compare.SIDE, 2), ('framed', compare.FRAMED, 3)):
        (tmp_path / name).write_bytes(bytes(side * side * n))
    compare.work(lambda: (lambda x: f'face {x.shape}', lambda x: None, lambda file: file.name), tmp_path)
    said = json.loads((tmp_path/'answers.json').read_text())
    assert (said['bare'], said['framed']) == (['face (48, 48)']*2, [None]*3)
    assert min(said[k] for k in ('load_seconds', 'ms_a_face', 'ms_a_photo')) >= 0

def test_memory_is_that_of_the_process():
    small, large = (
        compare.watched([sys.executable, '-c', f'x = bytearray({n} << 20); x[::4096] = b"1"*len(x[::4096])'])
        for n in (0, 200)
    )
    assert 190 < large-small < 250

def test_our_install_holds_what_prediction_imports():
    needed = set(compare.closure('fer_nb'))
    assert {'onnxruntime', 'numpy', 'pillow'} <= needed and not {'torch', 'mediapipe', 'streamlit'} & needed
