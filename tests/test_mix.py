"Of the mixtures of networks, the rule takes the right one."
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]/'tools'))
import mix


def said(scores, people, **more):
    return {str(s):dict(accuracy_tta=a, macro_f1_tta=.7, people_tta=p) for s,a,p in zip(mix.SHARES, scores, people)} | more

def test_the_largest_share_that_costs_nothing():
    assert mix.chosen(said([.72, .73, .72, .718, .71, .71], [.77]*6)) == mix.SHARES[3]                   # within the tolerance
    assert mix.chosen(said([.72, .73, .72, .718, .71, .71], [.77, .78, .77, .76, .77, .77])) == mix.SHARES[2] # people agree less
    assert mix.chosen(said([.72] + [.71]*5, [.77]*6)) == 0

def test_ships_if_damage_takes_a_quarter_less():
    scores = [.72, .73, .72, .71, .71, .71], [.77]*6
    told = lambda drop: said(*scores, all={'against':dict(drop=.08), str(mix.SHARES[2]):dict(drop=drop)})
    assert mix.ships(told(.06)) and not mix.ships(told(.061))

def test_a_scan_judges_nothing_twice_and_forgets_other_mixtures(monkeypatch, tmp_path):
    results, judged = tmp_path/'mix.json', []
    for name,stand_in in dict(read=lambda: (None, None), digest=lambda weights: weights, mixture=lambda first, runs, share: f'{runs} {share}',
                              judge=lambda weights, *more, **how: judged.append(weights) or {}).items(): monkeypatch.setattr(mix, name, stand_in)
    mix.scan('first', 'three', 'reference', results); assert len(judged)==1+len(mix.SHARES)
    said = json.loads(results.read_text()) | dict(all={'against':dict(weights='reference'), '0.5':dict(weights='three 0.5')}, PrivateTest=dict(share=.5))
    results.write_text(json.dumps(said))
    mix.scan('first', 'three', 'reference', results); assert len(judged)==1+len(mix.SHARES) and json.loads(results.read_text())==said
    mix.scan('first', 'five', 'reference', results); after = json.loads(results.read_text())
    assert set(after['all'])=={'against'} and 'PrivateTest' not in after and len(judged)==1+2*len(mix.SHARES)
