"""What serving takes: disk, memory and time to the first answer, without PyTorch and with it.

    python tools/footprint.py            # two fresh environments (needs uv), a table for the README
    python tools/footprint.py --no-torch # only the one without PyTorch: the other is 6 GB

The one holds what `fer_nb export --bundle` asks for and runs the bundle. The other holds fer_nb with its page, at the versions
of requirements.lock, and runs the same photo with PyTorch. Each figure is of a new process, the median of five. Processor
time is up to the first answer, import included; unlike the clock's it hardly changes when the machine is busy.
"""
import json, os, statistics, subprocess, sys, tempfile, time
from pathlib import Path

root = Path(__file__).resolve().parents[1]
RUNS = 5
PROBE = '''import json, os, resource, sys, time
start = time.perf_counter()
from fer_nb.inference import EmotionRecognizer
imported = time.perf_counter()
found = EmotionRecognizer.from_pretrained(backend=sys.argv[2]).predict(sys.argv[1])
answered = time.perf_counter()
assert found[0].emotion, found
with open('/proc/self/statm') as f: resident = int(f.read().split()[1])*resource.getpagesize()
spent = sum(os.times()[:2])
print(json.dumps([imported-start, answered-start, spent, resident/2**20]))'''

def venv(folder, *what):
    "A new environment with these packages in it; its Python, and its size in MB"
    subprocess.run(['uv', 'venv', '--quiet', '--python', sys.executable, folder], check=True)
    python = folder/'bin'/'python'
    subprocess.run(['uv', 'pip', 'install', '--quiet', '--python', python, *what], check=True)
    return python, sum(f.lstat().st_size for f in folder.rglob('*') if f.is_file() and not f.is_symlink())/1e6

def probe(python, photo, backend, cwd):
    "Seconds to import and to the first answer, its processor time, resident MiB after it: medians over new processes, the first not counted"
    env = {k:v for k,v in os.environ.items() if k!='PYTHONPATH'}
    runs = []
    for _ in range(RUNS+1):
        done = subprocess.run([python, '-c', PROBE, photo, backend], cwd=cwd, env=env, capture_output=True, text=True)
        if done.returncode: sys.exit(done.stderr)
        runs.append(json.loads(done.stdout.splitlines()[-1]))
    return [statistics.median(r[i] for r in runs[1:]) for i in range(4)]

def page_seconds(python, cwd, port=8765):
    "Seconds until the page's server answers"
    from urllib.request import urlopen
    env = {k:v for k,v in os.environ.items() if k!='PYTHONPATH'}
    server = subprocess.Popen([python, '-m', 'streamlit', 'run', cwd/'streamlit_app.py', '--server.headless=true', f'--server.port={port}'],
                              cwd=cwd, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        start = time.perf_counter()
        while time.perf_counter()-start<120:
            try:
                if urlopen(f'http://localhost:{port}/_stcore/health', timeout=1).read()==b'ok': return time.perf_counter()-start
            except OSError: time.sleep(.05)
        sys.exit('the page did not start within two minutes')
    finally: server.terminate(); server.wait()

def main(torch=True):
    import matplotlib.cbook
    from fer_nb.train.export import export_bundle
    with tempfile.TemporaryDirectory() as d:
        d = Path(d)
        with matplotlib.cbook.get_sample_data('grace_hopper.jpg') as f: (photo := d/'photo.jpg').write_bytes(f.read())
        bundle = export_bundle(d/'bundle')
        rows = {'without PyTorch': (*venv(d/'light', '-r', bundle/'requirements.txt'), 'onnx', bundle)}
        if torch: rows['with PyTorch'] = (*venv(d/'full', '-c', root/'requirements.lock', f'fer_nb[app] @ file://{root}'), 'torch', root)
        print('| environment | installed | `import` | first answer | its processor time | page up | memory |', '|:--|--:|--:|--:|--:|--:|--:|', sep='\n')
        for name, (python, size, backend, cwd) in rows.items():
            imported, answered, spent, resident = probe(python, photo, backend, cwd)
            print(f'| {name} | {size:,.0f} MB | {imported:.2f} s | {answered:.1f} s | {spent:.1f} s | {page_seconds(python, cwd):.1f} s | {resident:,.0f} MiB |', flush=True)

if __name__ == '__main__': main('--no-torch' not in sys.argv)
