"Of the mixtures of networks, the rule takes the right one."
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
