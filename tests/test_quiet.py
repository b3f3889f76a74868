"""Nothing asks the network: a process that predicts looks up no name, opens no connection and leaves no file about
the device.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
import pytest

root = Path(__file__).resolve().parents[1]
PREDICT = '''import time, numpy as np
import fer_nb
from fer_nb.inference import EmotionRecognizer
recognizer = EmotionRecognizer.from_pretrained()
recognizer.predict(np.zeros((64, 64, 3), np.uint8))
recognizer.classify(np.zeros((1, 128, 128), np.uint8))
import onnxruntime
time.sleep(2)'''

def traced(code, folder, **env):
    """What a process does with the network and which files it opens, as strace tells it, and what it left in its
    empty homes
    """
    home, tmp = folder/'home', folder/'tmp'
    for f in (home, tmp): shutil.rmtree(f, ignore_errors=True); f.mkdir()
    clean = {k: v for k, v in os.environ.items() if k != 'ORT_DISABLE_TELEMETRY' and not k.startswith('XDG_')}
    log = folder/'strace.txt'
    done = subprocess.run(
        ['strace', '-f', '-e', 'trace=network,openat', '-o', log, sys.executable, '-c', code],
        cwd=root,
        env=clean | dict(HOME=str(home), TMPDIR=str(tmp), PYTHONDONTWRITEBYTECODE='1') | env,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    left = [p.relative_to(folder).as_posix() for f in (home, tmp) for p in f.rglob('*')]
    asked = re.findall(
        r'(?m)^\d+ +((?:connect|sendto|sendmsg|sendmmsg)\(.*|socket\(AF_INET.*|'
        r'openat\(.*/etc/(?:resolv\.conf|hosts)".*)',
        log.read_text(),
    )
    return asked, left

pytestmark = pytest.mark.skipif(not shutil.which('strace'), reason='no strace')

def test_prediction_asks_nobody_and_leaves_nothing(tmp_path):
    asked, left = traced(PREDICT, tmp_path)
    assert not asked and not left

def test_the_trace_would_tell(tmp_path):
    "A look-up and a file that are there are seen, so the silence above means something"
    asked, left = traced(
        'import socket, tempfile\ntempfile.mkstemp()\n'
        'try: socket.getaddrinfo("nowhere.invalid", 80)\nexcept OSError: pass',
        tmp_path,
    )
    assert asked and left

def test_a_choice_of_the_user_stands():
    done = subprocess.run(
        [sys.executable, '-c', 'import os, fer_nb; print(os.environ["ORT_DISABLE_TELEMETRY"])'],
        cwd=root,
        capture_output=True,
        text=True,
        env=os.environ | dict(ORT_DISABLE_TELEMETRY='0'),
    )
    assert done.stdout == '0\n'
