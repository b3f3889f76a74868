"The page without a server, in a real browser: it says what Python says, and asks for nothing but its own files."
import functools
import http.server
import io
import shutil
import subprocess
import sys
import threading
import time
from importlib.util import find_spec
from pathlib import Path
import numpy as np
import pytest
from PIL import Image

missing = [m for m in ('playwright', 'skimage', 'matplotlib', 'scipy') if not find_spec(m)]
chromium = next(filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))), None)
missing += [n for n in ('npm', 'node') if not shutil.which(n)] + ['chromium']*(not chromium)
if missing: pytest.skip(f'needs {", ".join(missing)}', allow_module_level=True)

from matplotlib.cbook import get_sample_data
from playwright.sync_api import sync_playwright
from skimage.data import astronaut, coffee
from fer_nb.apps.page.words import order
from fer_nb.inference import EmotionRecognizer
from fer_nb.train.synthetic import draw_face, draw_scene

root = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(root/'tools'))
import web

pytestmark = pytest.mark.slow
flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
         '--disable-component-update', '--disable-sync']

class Quiet(http.server.SimpleHTTPRequestHandler):
    known = http.server.SimpleHTTPRequestHandler.extensions_map
    extensions_map = known | {'.mjs': 'text/javascript', '.wasm': 'application/wasm'}
    def log_message(self, *args): pass

@pytest.fixture(scope='module')
def address(tmp_path_factory):
    "The built page, served"
    if not web.RUNTIME.is_dir():
        done = subprocess.run(['npm', 'ci', '--ignore-scripts'], cwd=web.WEB, capture_output=True, text=True)
        if done.returncode: pytest.skip('npm cannot install: ' + done.stderr.strip()[-300:])
    folder = tmp_path_factory.mktemp('live')
    web.build(folder)
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), functools.partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f'http://127.0.0.1:{server.server_port}/'
    server.shutdown()

def until(page, condition, limit=60):
    "Wait; the page's own policy forbids Playwright's way"
    end = time.monotonic() + limit
    while not page.evaluate(condition):
        assert time.monotonic() < end, (condition, page.inner_text('#state'))
        time.sleep(.05)

@pytest.fixture(scope='module')
def page(address):
    "The page, opened; at the end no request has gone elsewhere, and nothing went wrong"
    asked, wrong = [], []
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=chromium, args=flags)
        context = browser.new_context(viewport=dict(width=1366, height=768))
        context.on('request', lambda r: asked.append(r.url))
        page = context.new_page()
        page.on('pageerror', lambda e: wrong.append(str(e)))
        page.on('console', lambda m: wrong.append(m.text) if m.type == 'error' else None)
        page.goto(address)
        page.evaluate("import('./src/client.js').then(m => m.ready)")
        yield page
        browser.close()
    assert any(url.endswith('emotion.onnx') for url in asked)
    assert [url for url in asked if not url.startswith((address, 'data:', f'blob:{address}'))] == []
    assert not wrong

FACES = """async () => (await import('./src/main.js')).shown.faces.map(p => (
    {...p, crop: p.crop && Array.from(p.crop.data)}))"""

def look(page, pixels):
    "What the page finds in a picture"
    f = io.BytesIO(); Image.fromarray(pixels).save(f, 'PNG')
    page.evaluate("import('./src/main.js').then(m => { m.shown.faces = [] })")
    page.set_input_files('#file', dict(name='photo.png', mimeType='image/png', buffer=f.getvalue()))
    until(page, "import('./src/main.js').then(m => m.shown.faces.length > 0)")
    return page.evaluate(FACES)

def hopper():
    with get_sample_data('grace_hopper.jpg') as f: return np.asarray(Image.open(f).convert('RGB'))

def tilted(): return np.asarray(Image.fromarray(astronaut()).rotate(28, Image.Resampling.BICUBIC))
def close(): # only the second look sees it
    return np.asarray(Image.fromarray(astronaut()).crop((194, 90, 254, 150)).resize((700, 700)))
def large(): return np.asarray(Image.fromarray(hopper()).resize((2000, 2343), Image.Resampling.BICUBIC))

pictures = dict(
    astronaut=astronaut, hopper=hopper, tilted=tilted, large=large, close=close, none=coffee,
    sideways=lambda: np.ascontiguousarray(np.rot90(hopper())), dark=lambda: (astronaut()*.2).astype(np.uint8),
    scene=lambda: draw_scene(('happy', 'sad', 'surprise', 'angry'), 3, (960, 300))[0],
    face=lambda: draw_face('happy', 5, 128, color=True), small=lambda: draw_face('angry', 4, 48, color=True)
)

@pytest.fixture(scope='module')
def recognizer(): return EmotionRecognizer.from_pretrained(threads=1)

def apart(a, b):
    "The largest difference"
    if a is None or b is None: return 0 if a is b else np.inf
    return np.abs(np.asarray(a, float) - np.asarray(b, float)).max()

@pytest.mark.parametrize('name', pictures)
def test_same_as_python(page, recognizer, name):
    pixels = pictures[name]()
    want, got = recognizer.predict(pixels), look(page, pixels)
    assert [p.status for p in want] == [g['status'] for g in got]
    for p, g in zip(want, got):
        if p.box is None: continue
        near = .5 if p.score else .005*(p.frame[2]-p.frame[0]) # the second look magnifies float32's last digits
        assert apart(p.box, g['box']) <= .5 and apart(p.landmarks, g['landmarks']) <= near
        assert p.turned == g['turned'] and apart(p.crop.ravel(), g['crop']) <= 1
        if not p.probabilities: continue
        assert p.probabilities == pytest.approx(g['probabilities'], abs=1e-3)
        assert p.scores == pytest.approx(g['scores'], abs=1e-3)
        assert p.emotion == g['emotion'] and p.reasons == g['reasons'] and p.message == g['message']

def test_truths_and_priors(page, recognizer):
    "The switches answer from the logits that are there, as `revise` does"
    pixels = pictures['scene']()
    want = recognizer.predict(pixels)
    look(page, pixels)
    for label, truth in dict(zip(('FER2013’s label', 'What people say'), ('fer2013', 'people'))).items():
        page.get_by_text(label).click()
        for word, prior in dict(Everyday='everyday', Even='even', Fitted=None).items():
            page.get_by_text(word, exact=True).click()
            cards = page.locator('.face')
            for i, p in enumerate(order(want)): # as the page numbers them
                q = recognizer.revise(p, truth, prior)
                bars = cards.nth(i).locator('.bars i i')
                shown = bars.evaluate_all('all => all.map(e => parseFloat(e.style.width))')
                assert np.allclose(shown, [100*v for v in q.probabilities.values()], atol=.11)
                assert cards.nth(i).locator('h2').inner_text().startswith(
                    f'{i+1}. ' + ('Uncertain' if q.status == 'uncertain' else q.emotion.capitalize()))

def frames(n=60):
    "A face that moves"
    photo = Image.fromarray(astronaut()).resize((900, 900))
    for i in range(n):
        x, y = 60 + int(60*np.sin(i/n*2*np.pi)), 40 + int(20*np.sin(i/n*4*np.pi))
        yield photo.crop((x, y, x+640, y+480))

def write_camera(path):
    "A film that Chromium takes for a camera"
    with open(path, 'wb') as f:
        f.write(b'YUV4MPEG2 W640 H480 F30:1 Ip A1:1 C420jpeg\n')
        for im in frames():
            y, *colors = im.convert('YCbCr').split()
            f.write(b'FRAME\n' + y.tobytes() + b''.join(c.resize((320, 240)).tobytes() for c in colors))

def write_film(path):
    av = pytest.importorskip('av')
    with av.open(str(path), 'w') as f:
        stream = f.add_stream('libvpx', rate=4)
        stream.width, stream.height, stream.pix_fmt = 640, 480, 'yuv420p'
        for im in frames(): f.mux(stream.encode(av.VideoFrame.from_image(im)))
        f.mux(stream.encode())

def watched(page):
    "Wait for some frames; the headings of the cards are those of one happy face, always the same"
    until(page, "import('./src/main.js').then(m => m.shown.count > 3)", 120)
    assert page.locator('.face h2').all_inner_texts() == ['1. Happy']
    face, = page.evaluate(FACES)
    x0, y0, x1, y1 = face['box']
    assert 130 < x1-x0 < 200 and 170 < y1-y0 < 270 and len(face['landmarks']) == 468

def test_film(page, tmp_path):
    write_film(tmp_path/'film.webm')
    page.evaluate("document.getElementById('video').loop = true") # a busy machine reads one frame in seconds
    page.set_input_files('#file', tmp_path/'film.webm')
    watched(page)
    page.get_by_role('button', name='Stop').click()
    assert page.locator('.face').count() == 0

def test_camera(page, address, tmp_path):
    "A second browser, whose camera is a film; the first one's is not allowed"
    page.context.clear_permissions()
    page.get_by_role('button', name='Camera').click()
    until(page, "/not allowed|No camera/.test(document.getElementById('state').textContent)")
    write_camera(tmp_path/'camera.y4m')
    fake = ['--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream',
            f'--use-file-for-fake-video-capture={tmp_path/"camera.y4m"}']
    browser = page.context.browser.browser_type.launch(executable_path=chromium, args=flags + fake)
    other = browser.new_page(viewport=dict(width=390, height=844))
    other.goto(address)
    other.get_by_role('button', name='Camera').click()
    watched(other)
    assert other.evaluate('document.documentElement.scrollWidth') <= 390
    other.get_by_role('button', name='Stop').click()
    assert other.evaluate("document.getElementById('video').srcObject") is None
    browser.close()

def test_offline(page):
    "The second visit needs no network"
    page.evaluate('navigator.serviceWorker.ready.then(() => 0)')
    page.context.set_offline(True)
    page.reload()
    assert look(page, pictures['small']())[0]['emotion']
    page.context.set_offline(False)

def test_no_picture(page):
    page.set_input_files('#file', dict(name='notes.png', mimeType='image/png', buffer=b'no pixels'))
    until(page, "document.getElementById('state').textContent.startsWith('notes.png is not a picture')")

def test_size_and_origin():
    "No file of ours names a registry, and the lock has a digest for every package"
    lock = (web.WEB/'package-lock.json').read_text()
    assert '"resolved"' not in lock and 'http' not in lock
    assert lock.count('"integrity"') == lock.count('"node_modules/')
    assert not (web.WEB/'.npmrc').exists()
