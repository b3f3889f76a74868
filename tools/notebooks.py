"""Run notebooks from top to bottom and store what they show.

    python tools/notebooks.py [NAME ...]           # 05_faces or howto/photo, say; without a name, all of them in order
    python tools/notebooks.py --stale              # those whose outputs are older than something they were made from
    python tools/notebooks.py --still NAME ...     # after a change that shows nowhere: note that the outputs still hold
    python tools/notebooks.py --test [00 03 ...]   # as nbdev_test does: nothing stored, two at a time, longest first

Each runs in a process of its own. A cell marked `#| eval: false` is left as it is. The first error stops the run,
and so does an output that no reader should see; nothing of that notebook is stored. What a run was made from (the
notebook's code, the library's modules, weights, results of the study, whether FER2013 was there) is noted in
nbs/.outputs, a file a notebook, and .ci/check compares it with what is there now.
"""
import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_all_start_methods, get_context
from pathlib import Path

root = Path(__file__).resolve().parents[1]
nbs, notes = root/'nbs', root/'nbs/.outputs'
DATA = ('fer_nb/weights', 'fer_nb/configs', 'nbs/study')  # what a notebook may show beyond the library itself

def all_books(): return sorted(nbs.glob('[!_.]*.ipynb')) + sorted(nbs.glob('howto/[!_.]*.ipynb'))
def short_name(path): return path.relative_to(nbs).with_suffix('').as_posix() # 05_faces, howto/photo
def note_of(path): return notes/f'{short_name(path)}.json'
def runs(cell):
    return cell['cell_type'] == 'code' and not re.search(r'(?m)^#\s*\|\s*eval:\s*false', ''.join(cell['source']))


# What no reader should see

noise = {
    'a path of one machine': r'(?<![\w.:/<-])/(?:home|root|tmp|work|mnt|opt|usr|var|Users|content|kaggle|private)/'
    r'|\b[A-Z]:\\|site-packages',
    'a warning': r'\b[A-Z]\w*Warning\b',
    'a progress bar': r'\d%\||\d(?:it/s|s/it)\b',
}

def unfit(nb):
    "What the stored outputs of a notebook hold that they should not, as (cell's id, what) pairs"
    for cell in nb['cells']:
        for out in cell.get('outputs', []):
            if out['output_type'] == 'error': yield cell.get('id'), 'an error'
            if out.get('name') == 'stderr': yield cell.get('id'), 'text from stderr'
            data = {**out.get('data', {}), 'text/stream': out.get('text', '')}
            if any('jupyter.widget' in mime for mime in data): yield cell.get('id'), 'a widget'
            text = '\n'.join(''.join(v) for k,v in data.items() if k.startswith('text/') or k == 'image/svg+xml')
            text = re.sub(r'base64,[\w+/=\s]+', '', text)
            for what, pattern in noise.items():
                if re.search(pattern, text): yield cell.get('id'), what

# What outputs were made from

def short(text): return hashlib.sha256(text if isinstance(text, bytes) else text.encode()).hexdigest()[:10]

def code_hash(nb): return short('\n\n'.join(''.join(c['source']).rstrip() for c in nb['cells'] if runs(c)))

def file_hash(name):
    "Of a module without its comment lines, of any other file as it is; '' if it is gone"
    path = root/name
    if not path.exists(): return ''
    if path.suffix != '.py': return short(path.read_bytes())
    return short(
        '\n'.join(
            l.rstrip()
            for l in path.read_text(encoding='utf-8').splitlines()
            if l.strip() and not l.strip().startswith('#')
        )
    )


def watch_files():
    "A set that fills with the data files that this process opens from now on"
    seen = set()
    def hook(event, args):
        if event != 'open' or not isinstance(args[0], (str, os.PathLike)): return
        name = (
            os.path.relpath(os.fspath(args[0]), root).replace(os.sep, '/')
            if isinstance(os.fspath(args[0]), str)
            else ''
        )
        if name.startswith(DATA): seen.add(name)
    sys.addaudithook(hook)
    return seen

def used_modules():
    "The library's modules that this process has imported, as paths from the root"
    files = (Path(getattr(m, '__file__', None) or '') for n, m in list(sys.modules.items()) if n.startswith('fer_nb.'))
    return {
        p.relative_to(root).as_posix()
        for p in files
        if p.is_relative_to(root / 'fer_nb') and p.name not in ('__init__.py', '_modidx.py')
    }


def note(path, nb, files, fer2013, seconds):
    "Write down what the outputs of a notebook were made from, and its processor time, about (1, 2, 5, 10 … seconds)"
    note_of(path).parent.mkdir(parents=True, exist_ok=True)
    rough = next(s for s in (f*10**e for e in range(5) for f in (1, 2, 5)) if s >= min(seconds, 5000))
    about = dict(
        code=code_hash(nb), fer2013=bool(fer2013), seconds=rough, files={f: file_hash(f) for f in sorted(files)}
    )
    note_of(path).write_text(json.dumps(about, indent=1) + '\n', encoding='utf-8')

def read_note(path):
    file = note_of(path)
    return json.loads(file.read_text(encoding='utf-8')) if file.exists() else None

def outdated(path, nb):
    "What changed after the outputs of a notebook were stored, in words, and which modules of the library did"
    about = read_note(path)
    if about is None: return ['no run of it is noted'], []
    changed = [f for f,h in about['files'].items() if file_hash(f) != h]
    what = (['its code'] if code_hash(nb) != about['code'] else []) + [f for f in changed if not f.endswith('.py')]
    return [f'{w} changed after its outputs were stored' for w in what], [f for f in changed if f.endswith('.py')]

# Running

def lighten(nb):
    "IPython stores a PIL picture as PNG and as JPEG: the lighter of the two is enough."
    for cell in nb.cells:
        for out in cell.get('outputs', []):
            if 'text' in out: out['text'] = ''.join(out['text']).replace('\r\n', '\n')  # a terminal's, after `!`
            data = out.get('data', {})
            if {'image/png', 'image/jpeg'} <= set(data):
                del data[max(('image/png', 'image/jpeg'), key=lambda k: len(''.join(data[k])))]


def run(path):
    "Run one notebook in this process and store it"
    from execnb.nbio import read_nb, write_nb
    from execnb.shell import CaptureShell
    os.chdir(path.parent)
    files, start = watch_files(), sum(os.times()[:4])
    nb, shell = read_nb(path), CaptureShell(path)
    for cell in filter(runs, nb.cells): cell["outputs"] = []  # what a cell no longer shows would stay otherwise
    try: shell.run_all(nb, exc_stop=True, preproc=lambda cell: not runs(cell))
    except Exception: sys.exit(shell.prettytb(path.name))
    lighten(nb)
    if bad := [f'- {path.name}, cell {cell} shows {what}' for cell,what in unfit(nb)]: sys.exit('\n'.join(bad))
    write_nb(nb, path)
    modules = used_modules()
    if modules & {f'fer_nb/{m}.py' for m in ('inference', 'faces', 'facemesh')} or 'weights' in str(
        nb
    ):  # these are read past Python's open
        files |= {
            p.relative_to(root).as_posix()
            for p in (root / 'fer_nb/weights').rglob('*')
            if p.suffix in ('.safetensors', '.onnx')
        }
    note(path, nb, files | modules, os.environ.get('FER2013_HOME'), sum(os.times()[:4]) - start)

# Testing

SLOW_IMPORTS = ['nbdev.test', 'matplotlib.pyplot', 'pandas', 'sklearn.linear_model', 'torchvision']

def test(paths, workers=2):
    "Run notebooks, the longest first, in a few processes; the names of those that fail"
    from nbdev.test import test_nb  # a notebook becomes __main__ where it runs: nothing of this file goes there

    paths = sorted(paths, key=lambda p: -(read_note(p) or {}).get('seconds', 60))
    failed = []
    # a process each: twenty notebooks later, one holds 5 GB, and whatever it starts begins with a copy of them;
    # forked from one that has imported what takes seconds and starts no thread
    context = get_context('forkserver' if 'forkserver' in get_all_start_methods() else 'spawn')
    context.set_forkserver_preload(SLOW_IMPORTS)
    with ProcessPoolExecutor(workers, context, max_tasks_per_child=1) as pool:
        jobs = {pool.submit(test_nb, p, skip_flags=['notest'], basepath=root): p for p in paths}
        for n, job in enumerate(as_completed(jobs), 1):
            (passed, seconds), path = job.result(), jobs[job]
            if not passed: failed.append(path.name)
            said = 'passed' if passed else 'FAILED'
            print(f'{n:3}/{len(paths)} {short_name(path)}: {said}, {seconds:.0f} s', flush=True)
    return failed

def chosen(name):
    "The notebook of that name, or those that a number begins"
    stem = Path(name).stem
    found = [p for p in all_books() if p.stem == stem] or sorted(nbs.glob(f'{stem}_*.ipynb'))
    return found or sys.exit(f'there is no notebook {name} in nbs/')

def main():
    os.environ['PATH'] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get('PATH', '')])  # `!fer_nb`
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('names', nargs='*', metavar='NAME')
    parser.add_argument('--stale', action='store_true')
    parser.add_argument('--still', action='store_true')
    parser.add_argument('--test', action='store_true')
    args = parser.parse_args()
    paths = [p for name in args.names for p in chosen(name)] or all_books()
    if args.test:
        if failed := test(paths): sys.exit(f"{len(failed)} of {len(paths)} notebooks fail: {', '.join(sorted(failed))}")
        return print(f'{len(paths)} notebooks pass')
    def book(path): return json.loads(path.read_text(encoding='utf-8'))
    if args.stale: paths = [p for p in paths if any(outdated(p, book(p)))]
    if args.still:
        for p in paths:
            old = read_note(p) or sys.exit(f'{p.name} was never run by this tool: make notebooks NB={short_name(p)}')
            note(p, book(p), old['files'], old['fer2013'], old.get('seconds', 1))
        return
    if len(paths) == 1: return run(paths[0])
    for path in paths:
        start = time.time()
        print(short_name(path), end=' ', flush=True)
        if subprocess.run([sys.executable, __file__, short_name(path)]).returncode:
            sys.exit(f'{path.name} failed: nothing of it was stored')
        print(f'{time.time()-start:.0f} s', flush=True)

if __name__ == '__main__': main()
