"The study's table of short runs: each row must be a recipe, and another one than its baseline."
import json
import shutil
import sys
from dataclasses import asdict
from pathlib import Path
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]/'tools'))
import study

BASE = 'all: as it is'

@pytest.mark.parametrize('name', study.ROWS)
def test_row_is_a_recipe_of_its_own(name):
    recipe, base = (asdict(study.recipe_of(n)) for n in (name, BASE))
    own = name == BASE or 'logit adjustment' in name or name.startswith('labels:') # a loss or faces of its own
    assert (recipe == base) <= own

def test_results_come_back_in_order(tmp_path):
    order = ('input size: 40', '1'), (BASE, '1'), (BASE, '0')
    rows = [dict.fromkeys(study.COLUMNS, '0') | dict(row=r, seed=s) for r,s in order]
    study.write_results(rows, tmp_path/'r.csv')
    assert [(r['row'], r['seed']) for r in study.read_results(tmp_path/'r.csv')] == [(BASE, '0'), (BASE, '1'),
                                                                                     ('input size: 40', '1')]

def test_a_finished_run_is_judged(tmp_path):
    from fer_nb.network import find_weights
    from fer_nb.train.data import synthetic_faces
    shutil.copy(find_weights(suffix='.safetensors'), tmp_path/'best.safetensors')
    (tmp_path/'log.csv').write_text('epoch,train_accuracy,seconds\n1,0.5,60\n2,0.75,60\n')
    line = study.judge(tmp_path, synthetic_faces(21))
    assert ('row', 'seed', *line) == study.COLUMNS
    assert (line['train_accuracy'], line['minutes']) == (.75, 2)
    assert 0 < line['accuracy'] < 1

def test_losses_and_faces_of_a_row():
    import numpy as np
    from fer_nb.train.data import synthetic_faces
    drawn = synthetic_faces(21)
    for name, loss in {BASE: None, 'classes: logit adjustment 0.5': 'logit_adjusted(0.5)',
                       'labels: generalized cross-entropy 0.7': 'generalized_cross_entropy(0.7)'}.items():
        arrays, _, kw = study.more(name, drawn, None)
        assert len(arrays) == 21 and (kw['loss'].__name__ if kw else None) == loss
    doubted = np.loadtxt(study.results/'doubted.txt', dtype=int)
    drawn.row[:3] = doubted[:3]
    arrays, votes, kw = study.more('labels: without the tenth least believed', drawn, np.zeros((21, 10)))
    assert len(arrays) == len(votes) == 21 - np.isin(drawn.row, doubted).sum() and not kw

def test_what_a_teacher_remembers(tmp_path, monkeypatch):
    import numpy as np
    from fer_nb.core import VOTE_OF
    from fer_nb.network import find_weights
    from fer_nb.train import audit, data, prepare
    drawn = data.synthetic_faces(210)
    votes = np.zeros((len(drawn), 10), int)
    seen = [data.CLASSES.index('happy') if data.CLASSES[l] == 'disgust' else l for l in drawn.labels]
    column = [VOTE_OF[l] for l in seen]
    votes[np.arange(len(drawn)), column] = 10 # everybody sees what the label says, but happiness in disgust
    votes[::2] = 0                            # and nobody saw every second face
    monkeypatch.setattr(prepare, 'prepare', lambda extract: drawn); monkeypatch.setattr(audit, 'read_ferplus',
                                                                                        lambda arrays: votes)
    monkeypatch.setattr(study, 'results', tmp_path)
    (tmp_path/'memory.json').write_text('{"another": 1}')
    (run := tmp_path/'run').mkdir(); shutil.copy(find_weights(suffix='.safetensors'), run/'best.safetensors')
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
    public, private = read('fer_nb/weights/train_metrics.json')['PublicTest'], read('fer_nb/weights/test_metrics.json')
    public, private = (r['truths']['fer2013'] for r in (public, private))
    views, ours = read('nbs/study/views.json'), read('nbs/study/compare.json')['tools']['fer_nb']['bare']
    for got, want in ((views['single view'], public['single']), (views['flip'], public['flip_tta']),
                      (ours, private['single'])):
        for k in ('accuracy', 'macro_f1'): assert abs(got[k]-want[k]) < 2e-3, k
