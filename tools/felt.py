"""How fast the page feels, and how many frames a second it reads: the page, and its twin in the browser alone.

    python tools/felt.py              # all parts; wants an idle machine, three minutes
    python tools/felt.py page         # of: page, live, web
    python tools/felt.py --json       # as JSON, with the machine

A figure of the page is the median of three visitors. A live one is of ten seconds of a film that Chromium takes for its
camera; each frame carries its number, so that the delay is the gap between the newest frame and the one that is shown.
`web` needs web/node_modules (`make web`).
"""
import argparse
import contextlib
import functools
import http.server
import io
import json
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
import load
import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright
from skimage.data import astronaut

LIMITS = {'title': 1.5, 'photo': .6, 'landmarks switched on': .2, 'photo of 16 megapixels': 1.5, 'heat map': 1.,
          '20 photos, first': 1.}                                      # seconds
LEAST = {'page, frames a second': 10, 'web, frames a second': 8}
FPS, SIZE, BITS, CELL = 15, (640, 480), 8, 40 # the film: its number stands in cells along the upper edge

# The film

def frame(i: int) -> Image.Image:
    "A face that drifts, and the frame's number in black and white"
    photo = Image.fromarray(astronaut()).resize((900, 900))
    x, y = 60 + 60*np.sin(i/60*2*np.pi), 20 + 20*np.sin(i/60*4*np.pi)
    im = photo.crop((int(x), int(y), int(x)+SIZE[0], int(y)+SIZE[1]))
    for b in range(BITS): im.paste((255*(i >> b & 1),)*3, (b*CELL, 0, (b+1)*CELL, CELL))
    return im

def camera(path: Path, frames: int = 240, frame: Callable[[int], Image.Image] = frame) -> list[str]:
    "A film, and what Chromium must be told to take it for its camera"
    with open(path, 'wb') as f:
        f.write(f'YUV4MPEG2 W{SIZE[0]} H{SIZE[1]} F{FPS}:1 Ip A1:1 C420jpeg\n'.encode())
        for i in range(frames):
            y, *colors = frame(i).convert('YCbCr').split()
            small = (c.resize((SIZE[0]//2, SIZE[1]//2)).tobytes() for c in colors)
            f.write(b'FRAME\n' + y.tobytes() + b''.join(small))
    return ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream',
            f'--use-file-for-fake-video-capture={path}']

# For ten seconds: when what is shown changes, its number and that of the newest frame
WATCH = '''([newest, shown, mirror, width, height, bits, cell]) => new Promise(done => {
    const number = (element, mirror) => {
        const c = new OffscreenCanvas(width, height), pen = c.getContext('2d');
        if (mirror) { pen.translate(width, 0); pen.scale(-1, 1); }
        pen.drawImage(element, 0, 0, width, height);
        let n = 0;
        for (let b = 0; b < bits; b++) n += (pen.getImageData((b + .5)*cell, cell/2, 1, 1).data[1] > 127) << b;
        return n;
    };
    const seen = [], start = performance.now();
    const look = () => {
        const now = performance.now() - start, a = number(newest(), false), b = number(shown(), mirror);
        if (seen.at(-1)?.[2] !== b) seen.push([now, a, b]);
        if (now < 10000) requestAnimationFrame(look); else done(seen);
    };
    look();
})'''

def watch(page: Any, newest: str, shown: str, mirror: bool) -> dict[str, float]:
    "Figures of two elements, each as JavaScript names it"
    given = f'() => {newest}, () => {shown}, {json.dumps(mirror)}, {SIZE[0]}, {SIZE[1]}, {BITS}, {CELL}'
    return live_figures(page.evaluate(f'({WATCH})([{given}])'))

def live_figures(seen: list) -> dict[str, float]:
    "Frames a second and the median delay in seconds, from (milliseconds, newest number, shown number)"
    gaps = [(a-b) % 2**BITS for _, a, b in seen]
    behind = statistics.median(g for g in gaps if g < 2**(BITS-1))
    return {'frames a second': (len(seen)-1)*1000/(seen[-1][0]-seen[0][0]), 'delay': behind/FPS}

# The page

@contextlib.contextmanager
def browser(*flags: str) -> Iterator[Any]:
    "Chromium"
    chromium = next(filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))), None)
    with sync_playwright() as p:
        found = p.chromium.launch(executable_path=chromium, args=[*load.FLAGS, *flags])
        yield found
        found.close()

def photo(side: int = 512, i: int = 0) -> dict[str, Any]:
    "A portrait as a browser uploads it"
    f = io.BytesIO()
    Image.fromarray(astronaut()).crop((3*i, 0, 480+3*i, 480)).resize((side, side)).save(f, 'JPEG', quality=88)
    return dict(name=f'{side}-{i}.jpg', mimeType='image/jpeg', buffer=f.getvalue())

def opened(browser: Any, address: str, context: Any = None) -> tuple[Any, float]:
    "A page, of a new visitor if there is no context, and after how many seconds its title was there"
    page = (context or browser.new_context(viewport=dict(width=1366, height=768))).new_page()
    page.set_default_timeout(180_000)
    page.add_init_script(load.SEEN + CLICKED)
    start = time.time()
    page.goto(address)
    page.locator('.st-key-pictures input[type=file]').wait_for(state='attached')
    return page, page.evaluate('window.painted')/1000 - start

CLICKED = "addEventListener('click', () => { window.clicked = Date.now() }, true);"

def until(page: Any, act: Any, selector: str, n: int = 1) -> float:
    "Seconds from an act to what it brings; a click begins when the page gets it, after Playwright's own checks"
    page.locator('[data-testid=stApp][data-test-script-state=notRunning]').wait_for() # what was before is done
    page.wait_for_timeout(500)
    found = 'n => { const all = document.querySelectorAll(n[0]); return all.length >= n[1] && Date.now() }'
    start = time.time()
    act()
    there = page.wait_for_function(found, arg=[selector, n], polling='raf').json_value()/1000
    return there - max(start, page.evaluate('window.clicked || 0')/1000)

def upload(page: Any, *files: dict) -> Any:
    return lambda: page.locator('.st-key-pictures input[type=file]').set_input_files(list(files), no_wait_after=True)

def visit(browser: Any, address: str) -> dict[str, float]:
    "One visitor does everything once"
    page, first = opened(browser, address)
    page, title = opened(browser, address, page.context) # the browser has the page's scripts now
    out = {'title, first visit': first, 'title': title}
    out['sample'] = until(page, page.locator('.st-key-sample-1 button').click, '.bars')
    page, _ = opened(browser, address)
    out['photo'] = until(page, upload(page, photo()), '.bars')
    out['landmarks switched on'] = until(page, page.get_by_text('Landmarks', exact=True).click, '.views img', 2)
    out['heat map'] = until(page, page.get_by_text('Heat map', exact=True).click, '.views img', 3)
    page, _ = opened(browser, address)
    out['photo of 16 megapixels'] = until(page, upload(page, photo(4000)), '.bars')
    page, _ = opened(browser, address)
    many = upload(page, *(photo(512, i) for i in range(10)), *(photo(500, i) for i in range(10)))
    start = time.time()
    out['20 photos, first'] = until(page, many, '.thumb')
    page.locator('.st-key-gallery button').nth(19).wait_for()
    out['20 photos, all'] = time.time() - start
    for context in browser.contexts: context.close()
    return out

def page_part() -> dict[str, float]:
    "Seconds that a visitor waits"
    process, address = load.serve()
    try:
        with browser() as b:
            visit(b, address) # warm
            visits = [visit(b, address) for _ in range(3)]
    finally: process.kill()
    return {k: statistics.median(v[k] for v in visits) for k in visits[0]}

# Live

class Timed:
    "A function that knows how long it worked"
    def __init__(self, f: Any): self.f, self.seconds = f, 0.
    def __getattr__(self, name: str) -> Any: return getattr(self.f, name)
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        start = time.perf_counter()
        try: return self.f(*args, **kwargs)
        finally: self.seconds += time.perf_counter() - start

def parts(n: int = 100) -> dict[str, float]:
    "Milliseconds a frame on the server, by what does the work"
    from fer_nb.inference import EmotionRecognizer
    from fer_nb.video.analyze import draw_rows
    from fer_nb.video.track import EmotionTracker
    base = EmotionRecognizer.from_pretrained(threads=1)
    timed = {'detector': Timed(base.detector), 'landmarks': Timed(base.extractor), 'network': Timed(base.model)}
    model = EmotionRecognizer(timed['network'], detector=timed['detector'], extractor=timed['landmarks'])
    find = timed['detector'].find = Timed(base.detector.find) # the first look
    frames, tracker = [np.asarray(frame(i)) for i in range(n)], Timed(EmotionTracker(model))
    drawing = Timed(draw_rows)
    for i, image in enumerate(frames): drawing(image, tracker(image, i/FPS, i))
    timed['detector'].seconds += find.seconds
    out = {k: 1000*t.seconds/n for k, t in (timed | {'drawing': drawing}).items()}
    return out | {'all but sending': 1000*(tracker.seconds + drawing.seconds)/n}

def live_part() -> dict[str, float]:
    "The page's live picture, through WebRTC on this machine"
    process, address = load.serve()
    try:
        with tempfile.TemporaryDirectory() as d, browser(*camera(Path(d)/'camera.y4m')) as b:
            page = b.new_context(permissions=['camera'], viewport=dict(width=1366, height=768)).new_page()
            page.set_default_timeout(180_000)
            page.goto(address)
            page.get_by_role('tab', name='Live').click()
            page.frame_locator('iframe[title*=webrtc]').get_by_role('button', name='Start').click()
            page.locator('[data-face^=live]').first.wait_for()
            page.evaluate('''async () => { window.own = Object.assign(document.createElement('video'), {muted: true,
                srcObject: await navigator.mediaDevices.getUserMedia({video: {width: 640, height: 480}})});
                await window.own.play(); }''')
            video = "document.querySelector('iframe[title*=webrtc]').contentDocument.querySelector('video')"
            figures = watch(page, 'window.own', video, False)
    finally: process.kill()
    return {f'page, {k}': v for k, v in figures.items()} | {f'page, ms: {k}': v for k, v in parts().items()}

class Quiet(http.server.SimpleHTTPRequestHandler):
    known = http.server.SimpleHTTPRequestHandler.extensions_map
    extensions_map = known | {'.mjs': 'text/javascript', '.wasm': 'application/wasm'}
    def log_message(self, *args: Any) -> None: pass

@contextlib.contextmanager
def static() -> Iterator[str]:
    "Address of the page that needs no server, built and served"
    import web
    with tempfile.TemporaryDirectory() as d:
        web.build(Path(d)/'live')
        handler = functools.partial(Quiet, directory=f'{d}/live')
        server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f'http://127.0.0.1:{server.server_port}/'
        server.shutdown()

def web_part() -> dict[str, float]:
    "The same in the browser alone"
    with tempfile.TemporaryDirectory() as d, static() as address, browser(*camera(Path(d)/'camera.y4m')) as b:
        page = b.new_context(viewport=dict(width=1366, height=768), permissions=['camera']).new_page()
        page.set_default_timeout(180_000)
        start = time.time()
        page.goto(address)
        page.evaluate("import('./src/client.js').then(m => m.ready)")
        ready = time.time() - start
        page.set_input_files('#file', []) # Playwright's own first time takes half a second
        before = time.time()
        page.set_input_files('#file', photo())
        page.locator('.face').first.wait_for()
        first = ready + time.time() - before
        page.get_by_role('button', name='Camera').click()
        page.locator('.face').first.wait_for()
        by = "document.getElementById('{}')".format
        figures = watch(page, by('video'), by('view'), True)
    return {'web, ready': ready, 'web, first answer': first} | {f'web, {k}': v for k, v in figures.items()}

PARTS = dict(page=page_part, live=live_part, web=web_part)

def line(name: str, value: float) -> str:
    "A figure, and what it should be"
    wanted = f'  (≤ {LIMITS[name]:g})' if name in LIMITS else f'  (≥ {LEAST[name]})' if name in LEAST else ''
    late = (name in LIMITS and value > LIMITS[name]) or (name in LEAST and value < LEAST[name])
    return f'{name:32}{value:8.2f}{wanted}{"  missed" if late else ""}'

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('parts', nargs='*', choices=[*PARTS, []], help=', '.join(PARTS))
    parser.add_argument('--json', action='store_true')
    args = parser.parse_args()
    from fer_nb.lab.bench import machine
    figures: dict[str, float] = {}
    for name in args.parts or PARTS: figures |= PARTS[name]()
    if args.json: print(json.dumps(dict(machine=machine(), figures=figures), indent=1)); return
    for name, value in figures.items(): print(line(name, value))

if __name__ == '__main__': main()
