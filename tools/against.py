"""How fast a photo is predicted beside another commit: both in this environment, in processes that take turns.

    python tools/against.py 12fd014     # five rounds, about a minute; wants an idle machine

It prints the means of their processor times on one thread, and the ratios: the astronaut (512×512, one face), a sheet
of twelve faces, and one further face, which is an eleventh of the difference.
"""
import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

root = Path(__file__).resolve().parents[1]
MEASURE = '''import time
import numpy as np
from PIL import Image
from skimage.data import astronaut
from fer_nb.inference import EmotionRecognizer
photo, recognizer = astronaut(), EmotionRecognizer.from_pretrained(threads=1)
head = np.asarray(Image.fromarray(photo[40:240, 130:330]).resize((128, 170)))
def seconds(image, calls):
    start = time.process_time()
    for _ in range(calls): found = recognizer.predict(image)
    return (time.process_time()-start)/calls, len(found)
for image, calls, faces in (photo, 6, 1), (np.tile(head, (3, 4, 1)), 2, 12):
    runs = [seconds(image, calls) for _ in range(8)]
    assert all(n == faces for _, n in runs), runs
    print(1000*min(runs[1:])[0])'''

def milliseconds(tree):
    "Of the photo, the sheet and a further face, by the package in folder `tree`"
    env = os.environ | dict(PYTHONPATH=str(tree), OMP_NUM_THREADS='1', ORT_DISABLE_TELEMETRY='1')
    done = subprocess.run([sys.executable, '-c', MEASURE], cwd=tree, env=env, capture_output=True, text=True)
    if done.returncode: sys.exit(done.stderr)
    photo, sheet = map(float, done.stdout.split()[-2:])
    return photo, sheet, (sheet-photo)/11

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('commit', help='beside which')
    parser.add_argument('--rounds', type=int, default=5)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        there = Path(folder)/'there'
        subprocess.run(['git', 'worktree', 'add', '--quiet', '--detach', there, args.commit], cwd=root, check=True)
        try: rounds = [(milliseconds(there), milliseconds(root)) for _ in range(args.rounds)]
        finally: subprocess.run(['git', 'worktree', 'remove', '--force', there], cwd=root, check=True)
    for what, theirs, ours in zip(('photo', 'twelve faces', 'further face'), *(zip(*side) for side in zip(*rounds))):
        a, b = statistics.mean(theirs), statistics.mean(ours)
        print(f'{what}: {a:.1f} ms at {args.commit}, {b:.1f} ms here, ratio {b/a:.2f}')

if __name__ == '__main__': main()
