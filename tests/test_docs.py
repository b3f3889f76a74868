"""The documentation site: built as `make docs` builds it, its links followed, opened in a real browser. With
SCREENSHOTS=1, pictures of it go to screenshots/.
"""

import base64
import functools
import io
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from xml.etree import ElementTree
import pytest
from PIL import Image

pytest.importorskip('mkdocs')
pytest.importorskip('nbdev')

root = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(root/'tools'))
chromium = next(filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))), None)
quiet = (
    '--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking '
    '--disable-component-update --disable-sync'
).split()


@pytest.fixture(scope='module')
def site(tmp_path_factory):
    out = tmp_path_factory.mktemp('site')
    (out/'live').mkdir(); (out/'live/index.html').write_text('<p>live</p>') # `make web` was here before
    (out/'old.html').write_text('')
    done = subprocess.run(
        [sys.executable, root / 'tools/docs.py', '--out', out], cwd=root, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return out

def test_every_notebook_has_a_page_and_every_name_its_entry(site):
    from docs import Seen, page_name
    from notebooks import all_books
    import fer_nb
    for path in all_books(): assert (site/page_name(path)).with_suffix('.html').is_file(), path.name
    text = (site/'api.html').read_text()
    assert {name.lower() for name in fer_nb.__all__} | {'emotionrecognizer.predict'} <= Seen(text).ids
    assert 'shorter side of a box to read' in text                                             # what a parameter is
    predict = text.split('id="emotionrecognizer.predict"')[1]
    assert 'at least one; faces with' in predict.split('returns</strong>')[1][:200]
    assert {'look', 'draw_face'} <= Seen((site/'api_train.html').read_text()).ids
    assert 'id="emotionrecognizer"' not in (site/'inference.html').read_text()                 # said once
    assert 'href="api.html#prediction"' in (site/'photo.html').read_text()

def test_a_reader_gets_from_the_front_page_to_every_task_and_to_the_notebook(site):
    from docs import Seen
    front = Seen((site/'index.html').read_text())
    tasks = [p.stem for p in (root/'nbs/howto').glob('*.ipynb') if p.stem != 'start']
    assert len(tasks) == 9 and {f'{t}.html' for t in tasks} | {'api.html', 'live/index.html'} <= set(front.links)
    assert any(u.endswith('/edit/main/nbs/howto/photo.ipynb') for u in Seen((site/'photo.html').read_text()).links)

def test_a_build_leaves_the_live_page_and_nothing_else(site):
    assert (site/'live/index.html').read_text() == '<p>live</p>' and not (site/'old.html').exists()

def test_code_is_kept_and_hidden_cells_are_not(site):
    text = (site/'data.html').read_text()
    assert 'DataError' in text and 'nbdev_export' not in text and 'default_exp' not in text and '#| ' not in text
    assert 'pictures of faces, 48 × 48 pixels' in text  # the rest of the title's cell


def test_every_page_is_whole(site):
    """One title, pictures that open, no script but the theme's, no Markdown or TeX left in the text. (That nothing
    comes from elsewhere, the build checks)"""
    shown = 0
    for html in sorted(site.glob('[!4]*.html')):
        text = html.read_text()
        article = text[text.index('<article'):text.index('</article')]
        assert len(re.findall(r'<h1[ >]', text)) == 1 and '<script' not in article, html.name
        words = re.sub(r'<[^>]+>', '', re.sub(r'(?s)<(pre|code)\b.*?</\1>', '', article))
        assert not re.findall(r'.{,30}\]\(|\\[a-z]{3,}', words), html.name
        for source in re.findall(r'<img\b[^>]*?\ssrc="([^"]+)"', article):
            head, _, data = source.partition(',')
            content = base64.b64decode(data) if head.startswith('data:') else (site/source).read_bytes()
            if 'svg' in head or source.endswith('.svg'): ElementTree.fromstring(content)
            else: Image.open(io.BytesIO(content)).verify()
            shown += 1
    assert shown > 100

def test_a_bad_link_is_found(site, tmp_path):
    from docs import check_links
    copy = tmp_path/'site'
    shutil.copytree(site, copy)
    page = copy/'model.html'
    page.write_text(
        page.read_text()
        + '<a href="nowhere.html">x</a><a href="data.html#not-there">x</a><a href="http:/x y">x</a><img src="https://example.com/x.png">'
    )
    said = '\n'.join(check_links(copy))
    for what in (
        'nowhere.html is not there',
        '#not-there has no such place',
        "'http:/x y' is not an address",
        'loads https://example.com/x.png',
    ):
        assert what in said


@pytest.fixture(scope='module')
def address(site):
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args): pass
    server = ThreadingHTTPServer(('127.0.0.1', 0), functools.partial(Quiet, directory=site))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f'http://127.0.0.1:{server.server_port}'
    server.shutdown(); server.server_close()

@pytest.fixture(scope='module')
def browser():
    if not chromium: pytest.skip('no Chromium on the path: install the chromium package')
    with pytest.importorskip('playwright.sync_api').sync_playwright() as p:
        browser = p.chromium.launch(executable_path=chromium, args=quiet)
        yield browser
        browser.close()

@pytest.fixture
def opened(browser, address, site):
    """Opens a page and says what it complained about and what it asked of others. Each page reads all of the search
    index, which takes a third of the time: who searches asks for it"""
    contexts, index = [], json.loads((site/'search/search_index.json').read_text())
    few = index | dict(docs=index['docs'][:3])
    def f(name, width=1280, height=900, scheme='light', search=False):
        size = dict(width=width, height=height)
        contexts.append(browser.new_context(viewport=size, color_scheme=scheme))
        page, complaints = contexts[-1].new_page(), []
        if not search: page.route('**/search_index.json', lambda route: route.fulfill(json=few))
        page.on('console', lambda m: m.type in ('error', 'warning') and complaints.append(m.text))
        page.on('pageerror', lambda e: complaints.append(str(e)))
        page.on('request', lambda r: r.url.startswith((address, 'data:', 'blob:')) or complaints.append(r.url))
        page.goto(f'{address}/{name}', wait_until='networkidle')
        return page, complaints
    yield f
    for c in contexts: c.close()

def test_each_kind_of_page_loads_in_peace(opened, address):
    "The front page, a task, notebooks and a reference; all pages have the same theme and scripts"
    page, complaints = opened('index.html')
    for name in ('index.html', 'photo.html', 'core.html', 'training.html', 'report.html', 'api.html'):
        page.goto(f'{address}/{name}', wait_until='load')
        assert page.locator('h1').count() == 1, name
        assert page.locator('article img').evaluate_all(
            'images => images.every(i => i.complete && i.naturalWidth > 0)'
        ), name
        assert not complaints, (name, complaints)

@pytest.mark.parametrize(
    'name,size,scheme',
    [('laptop', (1280, 900), 'light'), ('phone', (390, 844), 'light'), ('dark', (1280, 900), 'dark')],
)
def test_how_it_looks(opened, name, size, scheme):
    page, complaints = opened('api.html#emotionrecognizer', *size, scheme)
    assert page.evaluate('document.documentElement.scrollWidth') <= size[0]
    assert page.locator('body').get_attribute('data-md-color-scheme') == dict(light='default', dark='slate')[scheme]
    assert page.locator('[id="emotionrecognizer"]').bounding_box()['y'] < size[1]  # the link led to its place
    if os.environ.get('SCREENSHOTS'):
        (root/'screenshots').mkdir(exist_ok=True)
        page.screenshot(path=root/'screenshots'/f'docs-{name}.png')
    assert not complaints

def test_search_finds_and_leads_there(opened):
    page, complaints = opened('index.html', search=True)
    page.locator('.md-search__input').click()
    page.keyboard.type('EmotionRecognizer')
    page.locator('.md-search-result__link[href*="api.html?h=emotionrecognizer#emotionrecognizer"]:visible').first.click(timeout=20_000)
    page.wait_for_url('**/api.html*')
    assert page.evaluate('decodeURIComponent(location.hash)').startswith('#emotionrecognizer') and not complaints
