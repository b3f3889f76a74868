"""Run the steps of the Dockerfile without Docker: a fresh environment, the copied files, the server, one visitor.

    python tools/container.py            # minutes; downloads what requirements.txt names

Steps that need root (useradd) are named and skipped. The visitor's answer is compared with the
recogniser of the environment that this is run with. Needs Chromium and the `dev` extra.
"""
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

root = Path(__file__).resolve().parents[1]

def steps(text):
    "(instruction, argument) of each line"
    return [
        tuple(line.split(maxsplit=1))
        for line in re.sub(r'\\\n', ' ', text).splitlines()
        if line.strip() and not line.startswith('#')
    ]


def command(argument):
    "What a CMD or HEALTHCHECK runs"
    return json.loads(argument[argument.index('['):])

def copy(argument, work):
    *sources, target = shlex.split(argument)
    for s in sources:
        to = (
            work / target / Path(s).name
            if target.endswith('/') or (work / target).is_dir() and not (root / s).is_dir()
            else work / target
        )
        if (root/s).is_dir(): shutil.copytree(root/s, to, ignore=shutil.ignore_patterns('__pycache__'))
        else: to.parent.mkdir(parents=True, exist_ok=True); shutil.copy(root/s, to)

def main():
    with tempfile.TemporaryDirectory() as d:
        work, venv = Path(d)/'app', Path(d)/'venv'
        work.mkdir()
        subprocess.run([sys.executable, '-m', 'venv', venv], check=True)
        kept = {k: v for k, v in os.environ.items() if not k.startswith(('PYTHON', 'FER2013'))}
        env = kept | dict(PATH=f'{venv/"bin"}:{os.environ["PATH"]}', HOME=d)
        with socket.socket() as s: s.bind(('127.0.0.1', 0)); port = s.getsockname()[1]
        here = lambda words: [w.replace('0.0.0.0', '127.0.0.1').replace('8501', str(port)) for w in words]
        health = server = None
        for kind,argument in steps((root/'Dockerfile').read_text()):
            print(kind, argument, flush=True)
            if kind=='COPY': copy(argument, work)
            elif kind=='ENV': env |= dict(a.split('=', 1) for a in shlex.split(argument))
            elif kind=='RUN' and argument.startswith('useradd'): print('    skipped')
            elif kind == 'RUN':
                subprocess.run(argument, shell=True, check=True, cwd=work, env=env, stdout=subprocess.DEVNULL)
            elif kind=='HEALTHCHECK': health = here(command(argument))
            elif kind=='CMD': server = here(command(argument))
        size = sum(p.stat().st_size for p in venv.rglob('*') if p.is_file() and not p.is_symlink())
        print(f'installed: {size/2**20:.0f} MiB')
        process = subprocess.Popen(server, cwd=work, env=env)
        try:
            for _ in range(120):
                if subprocess.run(health, env=env, capture_output=True).returncode==0: break
                time.sleep(.5)
            else: sys.exit('HEALTHCHECK never passed')
            print('HEALTHCHECK passes')
            visitor(f'http://127.0.0.1:{port}')
        finally: process.terminate(); process.wait(10)

def visitor(address):
    "One person with one picture"
    import load
    sys.path.insert(0, str(root))
    from playwright.sync_api import sync_playwright
    chromium = next(filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))), None)
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=chromium, args=load.FLAGS)
        [v] = load.visit(browser, address, 1)
        browser.close()
    if v['said']!=v['expected']: sys.exit(f"the page said {v['said']}, the recogniser {v['expected']}")
    print('a picture is answered as the recogniser answers it')

if __name__ == '__main__': main()
