"The study's table of short runs: each row must be a recipe, and another one than its baseline."
import json
import shutil
import sys
from dataclasses import asdict
from pathlib import Path
import pytest
from fer_nb.apps.cli import _recipe, parse_changes

sys.path.insert(0, str(Path(__file__).parents[1]/'tools'))
import study

BASE = 'all: as it is'

@pytest.mark.parametrize('name', study.ROWS)
def test_row_is_a_recipe_of_its_own(name):
    recipe, base = (asdict(_recipe('ablation', parse_changes(study.ROWS[n]))) for n in (name, BASE))
    assert (recipe == base) == (name == BASE)

def test_results_come_back_in_order(tmp_path):
    rows = [dict.fromkeys(study.COLUMNS, '0') | dict(row=r, seed=s) for r,s in (('input size: 40', '1'), (BASE, '1'), (BASE, '0'))]
    study.write_results(rows, tmp_path/'r.csv')
    assert [(r['row'], r['seed']) for r in study.read_results(tmp_path/'r.csv')] == [(BASE, '0'), (BASE, '1'), ('input size: 40', '1')]

def test_a_finished_run_is_judged(tmp_path):
    from fer_nb.inference import shipped_weights
    from fer_nb.train.data import synthetic_faces
    shutil.copy(shipped_weights(), tmp_path/'best.safetensors')
    (tmp_path/'log.csv').write_text('epoch,train_accuracy,seconds\n1,0.5,60\n2,0.75,60\n')
    line = study.judge(tmp_path, synthetic_faces(21))
    assert ('row', 'seed', *line) == study.COLUMNS
    assert (line['train_accuracy'], line['minutes']) == (.75, 2)
    assert 0 < line['accuracy'] < 1

def test_doubt_takes_a_share_of_each_class_from_training(tmp_path, monkeypatch):
    import numpy as np
    from fer_nb.inference import shipped_weights
    from fer_nb.train import data
    drawn, runs = data.synthetic_faces(420), []
    def run_short(name, changes, alone):
        left_out = next(c for c in changes if c.startswith('without=')).partition('=')[2]
        runs.append(set(np.loadtxt(left_out, dtype=int)))
        (folder := tmp_path/'runs/study'/name).mkdir(parents=True)
        shutil.copy(shipped_weights(), folder/'last.safetensors')
        return folder
    monkeypatch.setattr(data, 'prepare', lambda extract: drawn)
    monkeypatch.setattr(study, 'root', tmp_path); monkeypatch.setattr(study, 'run_short', run_short)
    study.doubt(jobs=1, share=.2, file=(file := tmp_path/'doubted.txt'))
    training, rows = drawn.subset('Training'), np.loadtxt(file, dtype=int)
    assert len(runs) == 3 and set.union(*runs) == set(training.row) and sum(map(len, runs)) == len(training) # each face is asked of a network that had not seen it
    assert set(rows) <= set(training.row) and (np.diff(rows) > 0).all()
    of = np.isin(training.row, rows)
    for c in range(7): assert of[training.labels==c].sum() == round(.2*(training.labels==c).sum())

def test_what_a_teacher_remembers(tmp_path, monkeypatch):
    import numpy as np
    from fer_nb.inference import shipped_weights
    from fer_nb.train import data
    drawn = data.synthetic_faces(210)
    votes = np.zeros((len(drawn), 10), int)
    names = dict(angry='anger', happy='happiness', sad='sadness', disgust='happiness')
    column = [data.FERPLUS.index(names.get(c := data.CLASSES[l], c)) for l in drawn.labels]
    votes[np.arange(len(drawn)), column] = 10 # everybody sees what the label says, but happiness in disgust
    votes[::2] = 0                            # and nobody saw every second face
    monkeypatch.setattr(data, 'prepare', lambda extract: drawn); monkeypatch.setattr(data, 'read_ferplus', lambda arrays: votes)
    monkeypatch.setattr(study, 'results', tmp_path)
    (tmp_path/'memory.json').write_text('{"another": 1}')
    (run := tmp_path/'run').mkdir(); shutil.copy(shipped_weights(), run/'best.safetensors')
    study.memory([run])
    out, asked = json.loads((tmp_path/'memory.json').read_text()), np.arange(len(drawn))%2==1
    assert out['another'] == 1 and set(out['run']) == set(data.SPLITS[:2])
    for s, split in enumerate(data.SPLITS[:2]):
        of, r = asked & (drawn.split==s), out['run'][split]
        assert r['disputed'] == (of & (drawn.labels==data.CLASSES.index('disgust'))).sum() > 0
        assert r['agreed'] == of.sum()-r['disputed']
        assert 0 < r['disputed_label'] + r['disputed_people'] <= 1 and 0 < r['agreed_label'] < 1

def test_results_on_file_are_of_the_shipped_weights():
    "After new weights: `python tools/study.py --views` and `python tools/compare.py`"
    read = lambda name: json.loads((study.root/name).read_text(encoding='utf-8'))
    public, private = (read(f'fer_nb/weights/{k}_metrics.json') for k in ('train', 'test'))
    views, ours = read('nbs/study/views.json'), read('nbs/study/compare.json')['tools']['fer_nb']['bare']
    for got, want in ((views['single view'], public['PublicTest']['single']), (views['flip'], public['PublicTest']['flip_tta']), (ours, private['single'])):
        for k in ('accuracy', 'macro_f1'): assert abs(got[k]-want[k]) < 2e-3, k
