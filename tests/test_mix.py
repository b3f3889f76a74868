"Of the mixtures of networks, the rule takes the right one."
import sys
from pathlib import Path
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]/'tools'))
import mix

def said(drops, scores):
    return dict(against=dict(drop=.1)) | {str(s):dict(drop=d, accuracy_tta=a, macro_f1_tta=.7) for s,d,a in zip(mix.SHARES, drops, scores)}

def test_the_best_share_that_bears_enough():
    assert mix.chosen(said([.11, .08, .074, .06, .05, .04], [.73, .74, .71, .72, .70, .70])) == mix.SHARES[3]
    with pytest.raises(SystemExit, match='no share'): mix.chosen(said([.11]*6, [.7]*6))
