"""Run notebooks from top to bottom and store what they show.

    python tools/notebooks.py [NAME ...]     # 01_faces, say; without a name, all of them in order

Each runs in a process of its own. A cell marked `#| eval: false` is left as it is; the first error stops the run.
"""
import os, re, subprocess, sys
from pathlib import Path
from execnb.nbio import read_nb, write_nb
from execnb.shell import CaptureShell

nbs = Path(__file__).resolve().parents[1]/'nbs'

def not_run(cell): return cell.cell_type != 'code' or re.search(r'(?m)^#\s*\|\s*eval:\s*false', cell.source)

def lighten(nb):
    "IPython stores a PIL picture as PNG and as JPEG: the lighter of the two is enough."
    for cell in nb.cells:
        for out in cell.get('outputs', []):
            data = out.get('data', {})
            if {'image/png', 'image/jpeg'} <= set(data): del data[max(('image/png', 'image/jpeg'), key=lambda k: len(''.join(data[k])))]

def run(path):
    os.chdir(path.parent)
    nb, shell = read_nb(path), CaptureShell(path)
    try: shell.run_all(nb, exc_stop=True, preproc=not_run)
    except Exception: sys.exit(shell.prettytb(path.name))
    lighten(nb)
    write_nb(nb, path)

if __name__ == '__main__':
    paths = [nbs/f'{Path(name).stem}.ipynb' for name in sys.argv[1:]] or sorted(nbs.glob('[!_.]*.ipynb'))
    if len(paths) == 1: run(paths[0])
    for path in paths if len(paths) > 1 else []:
        print(path.name, flush=True)
        if subprocess.run([sys.executable, __file__, path.stem]).returncode: sys.exit(f'{path.name} failed: nothing of it was stored')
