"The explorer as a person meets it: JupyterLab in a real browser, every room entered, its controls used once."
import importlib.util
import io
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
import pytest

missing = [m for m in ('jupyterlab', 'ipywidgets', 'playwright', 'skimage') if not importlib.util.find_spec(m)]
if not (shutil.which('chromium') or shutil.which('chromium-browser')): missing.append('chromium')
if missing: pytest.skip(f'needs {", ".join(missing)}', allow_module_level=True)

root = Path(__file__).resolve().parents[1]
flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
         '--disable-component-update', '--disable-sync']
cell = '''import numpy as np
from fer_nb.core import VOTE_OF, VOTES
from fer_nb.train.data import synthetic_faces
from fer_nb.train.prepare import add_landmarks
from fer_nb.apps.explorer import LandmarkExtractor, explore
arrays = add_landmarks(synthetic_faces(49), LandmarkExtractor(), workers=1, progress=False)
arrays.faces[48] = arrays.faces[0]   # a twin
arrays.labels[39] = 0                # neutral labelled angry: a mistake on PublicTest
votes = np.zeros((49, 10), int)      # made up: all for the label, but happiness for face 0
votes[np.arange(49), [VOTE_OF[l] for l in arrays.labels]] = 10
votes[0] = 10*(np.arange(10)==VOTES.index('happiness'))
explore(arrays, votes=votes)'''

def make_notebook(file):
    code = dict(cell_type='code', id='explore', metadata={}, source=cell, outputs=[], execution_count=None)
    kernel = dict(kernelspec=dict(name='python3', display_name='python3', language='python'))
    file.write_text(json.dumps(dict(cells=[code], metadata=kernel, nbformat=4, nbformat_minor=5)))

def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]

@pytest.fixture
def address(tmp_path):
    "JupyterLab with one notebook, and no settings but its own"
    home = tmp_path/'home'; work = tmp_path/'work'; work.mkdir()
    make_notebook(work/'explorer.ipynb')
    news = home/'settings/@jupyterlab/apputils-extension/notification.jupyterlab-settings'
    news.parent.mkdir(parents=True); news.write_text('{"fetchNews": "false", "checkForUpdates": false}')
    names = dict(JUPYTER_CONFIG_DIR='config', JUPYTER_RUNTIME_DIR='runtime', IPYTHONDIR='ipython',
                 JUPYTERLAB_SETTINGS_DIR='settings', JUPYTERLAB_WORKSPACES_DIR='workspaces')
    env = {k:v for k,v in os.environ.items() if k!='FER2013_HOME'} | {k:str(home/v) for k,v in names.items()}
    env['FER_NB_CACHE'] = str(home/'cache')
    env['PYTHONPATH'] = os.pathsep.join([str(root), *filter(None, [env.get('PYTHONPATH')])])
    port = free_port()
    command = [sys.executable, '-m', 'jupyterlab', '--no-browser', '--allow-root', f'--port={port}', '--ip=127.0.0.1',
               f'--ServerApp.root_dir={work}', '--IdentityProvider.token=', '--LabApp.extension_manager=readonly',
               '--LanguageServerManager.autodetect=False']
    with open(tmp_path/'lab.log', 'w') as log: lab = subprocess.Popen(command, env=env, stdout=log, stderr=log)
    try:
        wait_for(f'http://127.0.0.1:{port}/api', lab, tmp_path/'lab.log')
        yield f'http://127.0.0.1:{port}/doc/tree/explorer.ipynb'
    finally:
        lab.terminate()
        try: lab.wait(15)
        except subprocess.TimeoutExpired: lab.kill()

def wait_for(url, process, log, seconds=60):
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for _ in range(seconds*2):
        assert process.poll() is None, log.read_text()
        try: return direct.open(url, timeout=5).close()
        except OSError: time.sleep(.5)
    raise AssertionError(log.read_text())

def upload(page, name, content):
    with page.expect_file_chooser() as chooser: page.get_by_role('button', name='Choose a picture').click()
    chooser.value.set_files(dict(name=name, mimeType='image/png', buffer=content))

def slide(page, label, key, times):
    "Move a slider by keyboard"
    handle = page.locator('.widget-slider', has_text=label).get_by_role('slider')
    handle.focus()
    for _ in range(times): page.keyboard.press(key)

def shot(page, name):
    shots = root/'screenshots'; shots.mkdir(exist_ok=True)
    page.screenshot(path=shots/f'explorer_{name}.png')

@pytest.fixture
def page(address):
    "The explorer, open in JupyterLab"
    from playwright.sync_api import expect, sync_playwright
    chromium = shutil.which('chromium') or shutil.which('chromium-browser')
    expect.set_options(timeout=90_000)
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=chromium, args=[*flags, '--no-proxy-server'])
        page = browser.new_page(viewport=dict(width=1400, height=1500))
        page.set_default_timeout(90_000)
        page.goto(address)
        expect(page.get_by_role('button', name=re.compile(r'\| Idle'))).to_be_visible() # the kernel is up
        page.locator('.jp-Cell .cm-content').first.click()
        page.keyboard.press('Control+Enter')
        yield page
        browser.close()

def test_every_room(page):
    data_room(page); augmentation_room(page); model_room(page); error_room(page)

def menu(page, label): return page.locator('.widget-dropdown', has_text=label).locator('select').filter(visible=True)

def data_room(page):
    from playwright.sync_api import expect

    says, tile = (
        page.get_by_text(re.compile(r'faces, page \d of \d')).filter(visible=True),
        page.get_by_role('button', name='45 happy'),
    )
    face = page.locator('img[alt^="face "]').filter(visible=True)
    expect(says).to_have_text('49 of 49 faces, page 1 of 2')
    for label in ('split', 'emotion', 'landmarks'):
        expect(menu(page, label).locator('option:checked')).to_have_text('all')
    expect(menu(page, 'FER+ says')).to_be_enabled()
    expect(tile).to_be_hidden()
    number = page.get_by_label('page', exact=True).filter(visible=True)
    number.fill('2'); number.press('Enter')
    expect(says).to_have_text('49 of 49 faces, page 2 of 2')
    expect(face).to_have_attribute('alt', 'face 40, sad')
    tile.click()
    expect(face).to_have_attribute('alt', 'face 45, happy')
    with_lines = face.get_attribute('src')
    page.get_by_label('draw landmarks').filter(visible=True).click()
    expect(face).not_to_have_attribute('src', with_lines)
    page.get_by_label('draw landmarks').filter(visible=True).click()
    menu(page, 'FER+ says').select_option('another')
    expect(says).to_have_text('1 of 49 faces, page 1 of 1')
    expect(page.get_by_role('cell', name='happiness 10')).to_be_visible()
    expect(page.get_by_role('cell', name=re.compile(r'^48 \('))).to_be_visible() # its twin
    menu(page, 'FER+ says').select_option('all')
    menu(page, 'emotion').select_option('surprise')
    expect(says).to_have_text('7 of 49 faces, page 1 of 1')
    menu(page, 'emotion').select_option('all')
    expect(says).to_have_text('49 of 49 faces, page 1 of 2')
    page.get_by_role('button', name='3 happy', exact=True).focus(); page.keyboard.press('Enter') # by keyboard, too
    expect(face).to_have_attribute('alt', 'face 3, happy')
    shot(page, 'data')
    menu(page, 'emotion').select_option('surprise'); menu(page, 'landmarks').select_option('not found')
    expect(page.get_by_role('alert')).to_have_text(
        'No face fits: surprise in any split without landmarks. Choose something else.'
    )
    expect(face).to_have_count(0)
    menu(page, 'landmarks').select_option('all')
    expect(says).to_have_text('7 of 49 faces, page 1 of 1')

def augmentation_room(page):
    from playwright.sync_api import expect
    page.get_by_role('tab', name='Augmentation').click()
    sheet = page.locator('img[alt^="face 0 and 11 variants"]').filter(visible=True)
    expect(sheet).to_be_visible()
    before = sheet.get_attribute('src')
    slide(page, 'rotate', 'ArrowRight', 3)
    expect(page.get_by_text('rotate=18,')).to_be_visible()
    expect(sheet).not_to_have_attribute('src', before)
    page.get_by_role('button', name='Draw others').click()
    expect(sheet).to_have_attribute('alt', 'face 0 and 11 variants, draw 2')
    shot(page, 'augmentation')

def model_room(page):
    from PIL import Image
    from playwright.sync_api import expect
    from skimage.data import astronaut
    page.get_by_role('tab', name='Model').click()
    heat = page.locator('img[alt^="heat map for"]').filter(visible=True)
    expect(heat).to_be_visible()
    position = page.get_by_label('face', exact=True).filter(visible=True)
    position.fill('3'); position.press('Enter')
    expect(page.get_by_text('labelled happy, ')).to_be_visible()
    f = io.BytesIO(); Image.fromarray(astronaut()).save(f, 'PNG')
    upload(page, 'notes.png', b'no picture')
    expect(page.get_by_role('alert').filter(visible=True)).to_contain_text(
        "'notes.png' is not a picture that can be read"
    )
    expect(heat).to_have_count(0)
    upload(page, 'astronaut.png', f.getvalue())
    expect(page.get_by_alt_text('astronaut.png, faces marked')).to_be_visible()
    expect(heat).to_have_attribute('alt', 'heat map for happy')
    smile = page.get_by_role('row', name=re.compile('^happy')).filter(visible=True)
    slide(page, 'blur', 'PageUp', 3)
    expect(smile).to_have_text(re.compile(r'%[+-]\d')) # it moved, and says by how much
    shot(page, 'model_blurred')
    menu(page, 'cover').select_option('mouth')
    menu(page, 'explain').select_option('surprise')
    expect(heat).to_have_attribute('alt', 'heat map for surprise')
    page.get_by_role('button', name='Find the nearest training faces').click()
    expect(page.locator('img[alt^="nearest training faces: "]')).to_be_visible()
    shot(page, 'model')

def error_room(page):
    from playwright.sync_api import expect
    page.get_by_role('tab', name='Errors').click()
    answered, cell = (
        page.get_by_text('Answered:'),
        page.get_by_role('button', name=re.compile(r'^[1-9]\d*$')).filter(visible=True).first,
    )
    expect(answered).to_contain_text('100.0%')
    cell.click()
    expect(page.get_by_role('heading', name=re.compile('^Labelled .*, called'))).to_be_visible()
    expect(page.locator('img[alt^="face "]').filter(visible=True)).to_be_visible()
    page.get_by_role('button', name='Most confident mistakes').click()
    expect(page.get_by_role('heading', name='The most confident mistakes')).to_be_visible()
    said, tiles = None, page.get_by_role('button', name=re.compile('said')).filter(visible=True)
    while said != (said := tiles.all_inner_texts()): page.wait_for_timeout(1000) # they come one after the other
    position = said[-1].split()[0]
    tiles.last.click()
    expect(page.locator(f'img[alt^="face {position}, "]').filter(visible=True)).to_be_visible()
    slide(page, 'threshold', 'PageUp', 14)
    expect(page.locator('img[alt="accuracy against coverage, threshold 0.70"]')).to_be_visible()
    expect(answered).not_to_contain_text('100.0%')
    shot(page, 'errors')
