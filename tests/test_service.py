"The service under load, in short; `python tools/clients.py` does it with fifty clients and measures."
import sys
from pathlib import Path
import pytest

for extra in 'fastapi', 'uvicorn', 'skimage', 'psutil': pytest.importorskip(extra)
sys.path.insert(0, str(Path(__file__).resolve().parents[1]/'tools'))
import clients

@pytest.mark.slow
def test_nothing_is_mixed_or_lost():
    "Good, bad, slow and rude clients at once; what is at work when it is told to stop is finished"
    figures = clients.measure(clients=10, rounds=2)
    assert figures['good_photos'] == 14 and figures['faults'] == 0
    assert figures['answered_at_stop'] == figures['at_stop'] == 4 and figures['exit'] in (0, -15)
    assert figures['mib_after'] < 1.25*figures['mib_before'] + 40
