"The page in a real browser: what a person sees on a laptop, on a phone and in the dark. Screenshots go to screenshots/."
import io, shutil, socket, subprocess, sys, time, urllib.request
from pathlib import Path
import pytest
from PIL import Image
pytest.importorskip('streamlit')
sync_api = pytest.importorskip('playwright.sync_api')
skdata = pytest.importorskip('skimage.data')

root = Path(__file__).resolve().parents[1]
chromium = next(filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))), None)
pytestmark = pytest.mark.skipif(not chromium, reason='no Chromium on the path: install the chromium package')
quiet = '--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync'.split()

def picture(name, data): return dict(name=name, mimeType='image/png', buffer=data)

def encoded(image):
    f = io.BytesIO(); Image.fromarray(image).save(f, 'PNG')
    return f.getvalue()

@pytest.fixture(scope='module')
def address(tmp_path_factory):
    "Where a real server of the page listens"
    with socket.socket() as s: s.bind(('127.0.0.1', 0)); port = s.getsockname()[1]
    log = tmp_path_factory.mktemp('server')/'log.txt'
    options = {'server.headless':'true', 'server.address':'127.0.0.1', 'server.port':port, 'server.fileWatcherType':'none', 'browser.gatherUsageStats':'false'}
    command = [sys.executable, '-m', 'streamlit', 'run', 'streamlit_app.py', *(f'--{k}={v}' for k,v in options.items())]
    with log.open('w') as out: server = subprocess.Popen(command, cwd=root, stdout=out, stderr=subprocess.STDOUT)
    try:
        for _ in range(240):
            try: urllib.request.urlopen(f'http://127.0.0.1:{port}/_stcore/health', timeout=5); break
            except OSError: time.sleep(.25)
            if server.poll() is not None: pytest.fail(log.read_text())
        else: pytest.fail('the server does not answer\n' + log.read_text())
        yield f'http://127.0.0.1:{port}'
    finally:
        server.terminate()
        try: server.wait(10)
        except subprocess.TimeoutExpired: server.kill()

@pytest.fixture(scope='module')
def browser():
    with sync_api.sync_playwright() as p:
        browser = p.chromium.launch(executable_path=chromium, args=quiet)
        yield browser
        browser.close()

@pytest.fixture
def opened(browser, address):
    "Opens the page and uploads; closes it after the test"
    contexts = []
    def f(*files, width=1280, height=900, scheme='light'):
        contexts.append(browser.new_context(viewport=dict(width=width, height=height), color_scheme=scheme))
        page = contexts[-1].new_page()
        page.goto(address)
        page.get_by_text('up to 5 MB each').wait_for(timeout=60_000)
        if files: page.locator('input[type=file]').set_input_files(list(files))
        return page
    yield f
    for c in contexts: c.close()

def keep(page, name):
    "A screenshot of the whole page, which scrolls inside the window"
    page.wait_for_timeout(500)
    height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
    page.set_viewport_size(page.viewport_size | dict(height=max(height, page.viewport_size['height'])))
    (root/'screenshots').mkdir(exist_ok=True)
    page.screenshot(path=root/'screenshots'/f'{name}.png')

@pytest.mark.parametrize('name,size,scheme', [('laptop', (1280, 900), 'light'), ('phone', (390, 844), 'light'), ('dark', (1280, 900), 'dark')])
def test_a_face_is_read(opened, name, size, scheme):
    page = opened(picture('astronaut.png', encoded(skdata.astronaut())), width=size[0], height=size[1], scheme=scheme)
    page.locator('.face h3').wait_for(timeout=90_000)
    assert '1 · Happy' in page.locator('.face h3').inner_text()
    assert page.locator('.bars b').count() == 7
    assert all(page.locator('img').evaluate_all('images => images.map(i => i.complete && i.naturalWidth > 0)'))  # the pictures arrived
    assert page.evaluate('document.documentElement.scrollWidth') <= size[0]                                      # nothing sticks out
    keep(page, name)

def test_bad_files(opened):
    page = opened(picture('junk.jpg', b'no picture'), picture('large.png', bytes(6*2**20)), picture('coffee.png', encoded(skdata.coffee())), width=390, height=844)
    page.get_by_text('cannot be read as a picture').wait_for(timeout=60_000)
    page.get_by_text('No face was found').wait_for(timeout=60_000)
    said = page.locator('[data-testid=stFileUploader]').evaluate("e => getComputedStyle(e, '::after').content")
    assert 'was not taken' in said and '5 MB' in said
    keep(page, 'bad')

def test_sample(opened):
    page = opened()
    page.get_by_text('sample picture').click()
    page.locator('.face h3').wait_for(timeout=90_000)
    keep(page, 'sample')
