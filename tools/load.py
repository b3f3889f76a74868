"""Many visitors at once: does each get the answer to their own picture, and how long do they wait?

    python tools/load.py                    # 20 browser sessions on a server of its own
    python tools/load.py --sessions 5 --address http://127.0.0.1:8501
    python tools/load.py --large --leave .5 --live 2   # photos of 5 MB; half leave in the middle; two watch live
    python tools/load.py --turn 200                    # visitors one after the other: does memory stay where it is?

Every session is a browser context of its own with a picture of its own. All open the page, then all upload at once.
`--out FILE` keeps the tables as JSON. Needs Chromium and the `dev` and `notebook` extras.
"""
import argparse
import io
import json
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
import zlib
from pathlib import Path

root = Path(__file__).resolve().parents[1]
MB = 2**20
PATIENCE = 40 # seconds until a visitor who left is forgotten, with a little more
CAMERA = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream']
FLAGS = ('--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking '
         '--disable-component-update --disable-sync').split()
SEEN = '''new MutationObserver(() => {
    if (!window.painted && document.querySelector('.stHtml h1')) window.painted = Date.now();
    if (!window.answered && document.querySelector('.bars')) window.answered = Date.now();
}).observe(document, {childList: true, subtree: true});'''

def pictures(n):
    "`n` portraits that get `n` different answers: one face, shrunk, blurred and darkened step by step"
    from PIL import Image, ImageEnhance, ImageFilter
    from skimage.data import astronaut
    face = Image.fromarray(astronaut()).crop((100, 0, 400, 300)).resize((512, 512))
    for i in range(n):
        f = io.BytesIO()
        ImageEnhance.Brightness(face.filter(ImageFilter.GaussianBlur(.5*i))).enhance(1-.02*i).save(f, 'PNG')
        yield f'visitor-{i+1:02}.png', f.getvalue()

def padded(data, size=4_900_000):
    "The same picture in a file of nearly 5 MB: a PNG may carry a part that nobody shows"
    n = size - len(data) - 12
    part = b'prVt' + bytes(n)
    return data[:-12] + n.to_bytes(4, 'big') + part + zlib.crc32(part).to_bytes(4, 'big') + data[-12:]

def watch(browser, address):
    "A visitor of the live tab, who stays"
    page = browser.new_context(permissions=['camera']).new_page()
    page.goto(address)
    page.get_by_role('tab', name='Live').click(timeout=120_000)
    frame = page.frame_locator('iframe[title*="webrtc"]')
    frame.get_by_role('button', name=re.compile('start', re.I)).click(timeout=60_000)
    return page

def in_turn(browser, address, n, process):
    "Megabytes of the server while `n` visitors come and go, ten pictures each, a row for each tenth of them"
    import psutil
    server, rows = psutil.Process(process.pid), []
    folder = tempfile.TemporaryDirectory() # from a disk: Playwright takes half a minute to carry fifty megabytes itself
    files = [Path(folder.name, name) for name,_ in pictures(10)]
    for file,(_,data) in zip(files, pictures(10)): file.write_bytes(padded(data))
    for i in range(1, n+1):
        page = browser.new_context().new_page()
        page.goto(address)
        uploader = page.locator('.st-key-pictures input[type=file]')
        uploader.wait_for(state='attached', timeout=120_000)
        uploader.set_input_files(files)
        page.locator('.bars').first.wait_for(state='attached', timeout=120_000)
        page.context.close() # most leave in the middle of their pictures
        if i % max(1, n//10) == 0:
            at_work = server.memory_info().rss/MB
            time.sleep(PATIENCE)
            rows.append(dict(visitors=i, at_work=round(at_work), left=round(server.memory_info().rss/MB),
                             handles=server.num_fds(), threads=server.num_threads()))
            print(rows[-1], flush=True)
    return rows

def visit(browser, address, sessions, timeout=120, large=False, leave=0.):
    """One dict a session: what it was told, what the recogniser says alone, milliseconds to first paint and answer.
    The last `leave` of them close their page as soon as they have sent; they are not among the answers
    """
    from fer_nb.apps.page.words import percent
    from fer_nb.inference import EmotionRecognizer
    files, recognizer = list(pictures(sessions)), EmotionRecognizer.from_pretrained()
    if large: files = [(name, padded(data)) for name,data in files]
    def expected(data): return sorted((k, percent(v)) for k,v in recognizer.predict(data)[0].probabilities.items())
    visits = [dict(name=name, expected=(name, expected(data))) for name,data in files]
    for v in visits:
        v['page'] = browser.new_context(viewport=dict(width=1280, height=900)).new_page()
        v['page'].add_init_script(SEEN)
        start = time.time()
        v['page'].goto(address)
        v['page'].locator('.st-key-pictures input[type=file]').wait_for(state='attached', timeout=1000*timeout)
        v['paint'] = v['page'].evaluate('window.painted') - 1000*start
    for v,(name,data) in zip(visits, files):
        v['sent'] = 1000*time.time()
        file = dict(name=name, mimeType='image/png', buffer=data)
        v['page'].locator('.st-key-pictures input[type=file]').set_input_files([file], no_wait_after=True)
    for v in visits[sessions-int(leave*sessions):]: v.pop('page').context.close()
    visits = [v for v in visits if 'page' in v]
    for v in visits:
        page = v.pop('page')
        page.locator('.bars').wait_for(timeout=1000*timeout)
        names, values = (page.locator(f'.bars {tag}').all_inner_texts() for tag in ('span', 'b'))
        v['said'] = page.locator('.photo figcaption').inner_text().split('\n')[0], sorted(zip(names, values))
        v['answer'] = page.evaluate('window.answered') - v.pop('sent')
        page.context.close()
    return visits

def serve():
    "A server of the page on a free port: its process and address"
    with socket.socket() as s: s.bind(('127.0.0.1', 0)); port = s.getsockname()[1]
    options = dict(headless='true', address='127.0.0.1', port=port, fileWatcherType='none')
    command = [sys.executable, '-m', 'streamlit', 'run', 'streamlit_app.py']
    command += [f'--server.{k}={v}' for k, v in options.items()]
    process = subprocess.Popen(command, cwd=root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f'http://127.0.0.1:{port}'
    for _ in range(240):
        try: urllib.request.urlopen(f'{address}/_stcore/health', timeout=5); return process, address
        except OSError: time.sleep(.25)
    process.kill(); sys.exit('the server does not answer')

def table(visits, memory=None):
    "What the visits took, as Markdown"
    wrong = sum(v['said']!=v['expected'] for v in visits)
    def row(name): 
        values = sorted(v[name]/1000 for v in visits)
        what = 'first paint' if name == 'paint' else 'answer after upload'
        return f"| {what} | {statistics.median(values):.2f} s | {values[-1]:.2f} s |"
    held = f', server memory {memory:.0f} MiB' if memory else ''
    head = f'{len(visits)} sessions, {wrong} wrong or mixed answers{held}'
    lines = [head, '', '| | median | slowest |', '|:--|--:|--:|', row('paint'), row('answer')]
    return '\n'.join(lines)

def everybody(browser, address, args, process):
    "All at once, after a warm-up; the tables, and whether any answer was wrong"
    for name in 'warm-up', 'one session': print(f'{name}:', table(visit(browser, address, 1)), sep='\n', flush=True)
    viewers = [watch(browser, address) for _ in range(args.live)]
    visits = visit(browser, address, args.sessions, large=args.large, leave=args.leave)
    import psutil
    memory = psutil.Process(process.pid).memory_info().rss/MB if process else None
    print('all at once:', table(visits, memory), sep='\n', flush=True)
    playing = sum(v.frame_locator('iframe[title*="webrtc"]').locator('video').count() for v in viewers)
    if args.live: print(f'{playing} of {args.live} live viewers still see a picture')
    wrong = sum(v['said']!=v['expected'] for v in visits) + args.live-playing
    return dict(wrong=wrong, memory=memory, visits=[{k: v[k] for k in ('paint', 'answer')} for v in visits])

def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--sessions', type=int, default=20)
    parser.add_argument('--address', help='of a server that runs already')
    parser.add_argument('--large', action='store_true', help='files of 5 MB')
    parser.add_argument('--leave', type=float, default=0., metavar='FRACTION', help='of them leave before the answer')
    parser.add_argument('--live', type=int, default=0, metavar='N', help='watch the live tab meanwhile')
    parser.add_argument('--turn', type=int, default=0, metavar='N', help='instead: N visitors one after the other')
    parser.add_argument('--out', metavar='FILE')
    return parser.parse_args()

def main():
    args = options()
    from playwright.sync_api import sync_playwright
    sys.path.insert(0, str(root))
    chromium = next(filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))), None)
    process, address = (None, args.address) if args.address else serve()
    if args.turn and not process: sys.exit('--turn looks at the memory of a server of its own: leave out --address')
    try:
        with sync_playwright() as p:
            browser = p.chromium.launch(executable_path=chromium, args=FLAGS+CAMERA)
            if args.turn: said = in_turn(browser, address, args.turn, process)
            else: said = everybody(browser, address, args, process)
            browser.close()
    finally:
        if process: process.terminate(); process.wait(10)
    if args.out: Path(args.out).write_text(json.dumps(said, indent=1) + '\n')
    if args.turn: sys.exit(said[-1]['left'] - said[len(said)//4]['left'] > 100) # flat within 100 MB
    sys.exit(bool(said['wrong']))

if __name__ == '__main__': main()
