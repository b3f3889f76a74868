"""What `pip install .` brings, and whether it is enough: a fresh environment on each Python here, the wheel, its tests.

    python tools/installs.py                     # base install on Python 3.11 to 3.14, those that are here; a table
    python tools/installs.py --extra app         # with an extra: its size and how long it takes
    python tools/installs.py --resolve           # no installing: does it resolve on every system and Python? (needs uv)

The wheel is built from this tree, and tests/test_base.py runs in a folder of its own, so that it sees nothing of the
tree. On Python 3.11 and 3.12 the base is tested with numpy 1.26 as well. uv is used if it is there, else venv and pip.
"""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from house import settings

root = Path(__file__).resolve().parents[1]
SYSTEMS = {
    'Linux x86-64': 'x86_64-manylinux_2_28',
    'Linux arm64': 'aarch64-manylinux_2_28',
    'macOS arm64': 'aarch64-apple-darwin',
    'Windows x86-64': 'x86_64-pc-windows-msvc',
}
PYTHONS = '3.11', '3.12', '3.13', '3.14'
uv = shutil.which('uv')

def run(*command, **kwargs): return subprocess.run([str(c) for c in command], check=True, **kwargs)

def pythons():
    "The interpreters that are here, by version: on the path, or below pyenv"
    found = {}
    for version in PYTHONS:
        beside = sorted(
            Path(os.environ.get('PYENV_ROOT') or Path.home() / '.pyenv').glob(f'versions/{version}.*/bin/python')
        )
        for python in (*beside, shutil.which(f'python{version}'), sys.executable):
            code = 'import sys; print("%d.%d" % sys.version_info[:2])'
            done = python and subprocess.run([python, '-c', code], capture_output=True, text=True)
            if done and done.stdout.strip() == version: found[version] = str(python); break
    return found

def environment(folder, python, *what):
    "A new environment with pip and these in it: its Python, how long that took, its size in MB and how many packages"
    start = time.time()
    if uv: run(uv, 'venv', '--quiet', '--seed', '--python', python, folder)
    else: run(python, '-m', 'venv', folder)
    inside = folder/('Scripts/python.exe' if os.name == 'nt' else 'bin/python')
    install = (
        [uv, 'pip', 'install', '--quiet', '--python', inside] if uv else [inside, '-m', 'pip', 'install', '--quiet']
    )
    run(*install, *what)
    took = time.time() - start
    size = sum(f.lstat().st_size for f in folder.rglob('*') if f.is_file() and not f.is_symlink())/2**20
    listed = run(inside, '-m', 'pip', 'list', '--format', 'freeze', capture_output=True, text=True).stdout.split()
    run(inside, '-m', 'pip', 'check', stdout=sys.stderr)
    return inside, took, size, len(listed), dict(p.split('==') for p in listed)

def try_one(folder, version, python, wheel, extra, numpy):
    "A line of the table"
    what = f'{wheel}[{extra}]' if extra else str(wheel)
    inside, took, size, packages, versions = environment(
        folder / 'venv', python, what, *([f'numpy{numpy}'] if numpy else [])
    )
    (folder/'test').mkdir()
    shutil.copy(root/'tests/test_base.py', folder/'test')
    run(
        *([uv, 'pip', 'install', '--quiet', '--python', inside] if uv else [inside, '-m', 'pip', 'install', '--quiet']),
        'pytest',
    )
    env = {k: v for k, v in os.environ.items() if k != 'PYTHONPATH'} | dict(ORT_DISABLE_TELEMETRY='1')
    done = subprocess.run(
        [inside, '-m', 'pytest', '-q', '-p', 'no:cacheprovider', 'test_base.py'],
        cwd=folder / 'test',
        env=env,
        capture_output=True,
        text=True,
    )
    if done.returncode: print(done.stdout, done.stderr, file=sys.stderr)
    last = done.stdout.strip().splitlines()[-1] if done.stdout.strip() else 'pytest did not start'
    print(
        f"| {version} | {versions['numpy']} | {versions['pillow']} | {versions['onnxruntime']} | {packages} "
        f"| {size:,.0f} | {took:.0f} | {last.strip('= ')} |",
        flush=True,
    )
    return done.returncode == 0

def resolve(extra):
    "Whether there are wheels for every system and Python"
    wanted = '\n'.join(settings('requirements') + (settings(f'{extra}_requirements') if extra else []))
    os.environ.setdefault('MACOSX_DEPLOYMENT_TARGET', '14.0') # onnxruntime's wheels ask for it
    for system, platform in SYSTEMS.items():
        for version in PYTHONS:
            run(
                uv,
                '--no-config',
                'pip',
                'compile',
                '--quiet',
                '--only-binary',
                ':all:',
                '--python-version',
                version,
                '--python-platform',
                platform,
                '--output-file',
                os.devnull,
                '-',
                input=wanted,
                text=True,
                stdout=subprocess.DEVNULL,
            )
            print(f'{system}, Python {version}: resolves', flush=True)

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--extra')
    parser.add_argument('--python', nargs='*', choices=PYTHONS, help='only these')
    parser.add_argument('--resolve', action='store_true')
    args = parser.parse_args()
    if args.resolve: return resolve(args.extra)
    with tempfile.TemporaryDirectory() as tmp:
        run(
            sys.executable, '-m', 'build', '--wheel', '--no-isolation', '--outdir', tmp, root, stdout=subprocess.DEVNULL
        )
        [wheel] = Path(tmp).glob('*.whl')
        print(
            '| Python | numpy | Pillow | onnxruntime | packages, with pip | MB | seconds to install | tests |',
            '|:--|:--|:--|:--|--:|--:|--:|:--|',
            sep='\n',
        )
        well = True
        for version, python in pythons().items():
            if args.python and version not in args.python: continue
            for numpy in ('', '==1.26.*') if version < '3.13' and not args.extra else ('',):
                with tempfile.TemporaryDirectory() as folder:
                    well &= try_one(Path(folder), version, python, wheel, args.extra, numpy)
    sys.exit(not well)

if __name__ == '__main__': main()
