"Of the mixtures of two networks, the rule takes the right one."
import json, sys
from pathlib import Path
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]/'tools'))
import mix

def test_the_least_share_that_bears_enough(tmp_path, monkeypatch):
    monkeypatch.setattr(mix, 'results', tmp_path/'mix.json')
    say = lambda drops: mix.results.write_text(json.dumps({'against':dict(drop=.1)} | {str(s):dict(drop=d) for s,d in zip(mix.SHARES, drops)}))
    say([.11, .1, .08, .076, .069, .05, .04]); assert mix.chosen() == mix.SHARES[4]
    say([.11]*len(mix.SHARES))
    with pytest.raises(SystemExit, match='no share'): mix.chosen()
