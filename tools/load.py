"""Many visitors at once: does each get the answer to their own picture, and how long do they wait?

    python tools/load.py                    # 20 browser sessions on a server of its own
    python tools/load.py --sessions 5 --address http://127.0.0.1:8501

Every session is a browser context of its own with a picture of its own. All open the page, then all upload at once.
Needs Chromium and the `dev` and `notebook` extras.
"""
import argparse
import io
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

root = Path(__file__).resolve().parents[1]
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

def visit(browser, address, sessions, timeout=120):
    "One dict a session: what it was told, what the recogniser says alone, milliseconds to first paint and answer"
    from fer_nb.apps.page.words import percent
    from fer_nb.inference import EmotionRecognizer
    files, recognizer = list(pictures(sessions)), EmotionRecognizer.from_pretrained()
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

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--sessions', type=int, default=20); parser.add_argument('--address')
    args = parser.parse_args()
    from playwright.sync_api import sync_playwright
    sys.path.insert(0, str(root))
    chromium = next(filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))), None)
    process, address = (None, args.address) if args.address else serve()
    try:
        with sync_playwright() as p:
            browser = p.chromium.launch(executable_path=chromium, args=FLAGS)
            print('warm-up, one session:'); print(table(visit(browser, address, 1)))
            print('one session:'); print(table(visit(browser, address, 1)))
            visits = visit(browser, address, args.sessions)
            browser.close()
        import psutil
        memory = psutil.Process(process.pid).memory_info().rss/2**20 if process else None
        print('all at once:'); print(table(visits, memory))
        sys.exit(any(v['said']!=v['expected'] for v in visits))
    finally:
        if process: process.terminate(); process.wait(10)

if __name__ == '__main__': main()
