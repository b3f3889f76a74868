"The explorer as a person meets it: JupyterLab in a real browser, every control used once."
import importlib.util, io, json, os, re, shutil, socket, subprocess, sys, time, urllib.request
from pathlib import Path
import pytest

missing = [m for m in ('jupyterlab', 'ipywidgets', 'playwright', 'skimage') if not importlib.util.find_spec(m)]
if not (shutil.which('chromium') or shutil.which('chromium-browser')): missing.append('chromium')
if missing: pytest.skip(f'needs {", ".join(missing)}', allow_module_level=True)

root = Path(__file__).resolve().parents[1]
flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
         '--disable-component-update', '--disable-sync']
cell = '''from fer_nb.data import add_landmarks, drawn_faces
from fer_nb.explorer import LandmarkExtractor, explore
explore(add_landmarks(drawn_faces(49), LandmarkExtractor(), workers=1, progress=False))'''

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
    env['PYTHONPATH'] = os.pathsep.join([str(root), *filter(None, [env.get('PYTHONPATH')])])
    port = free_port()
    command = [sys.executable, '-m', 'jupyterlab', '--no-browser', '--allow-root', f'--port={port}', '--ip=127.0.0.1',
               f'--ServerApp.root_dir={work}', '--IdentityProvider.token=', '--LabApp.extension_manager=readonly']
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

def test_every_control(address):
    from PIL import Image
    from playwright.sync_api import expect, sync_playwright
    from skimage.data import astronaut
    shots = root/'screenshots'; shots.mkdir(exist_ok=True)
    chromium = shutil.which('chromium') or shutil.which('chromium-browser')
    expect.set_options(timeout=60_000)
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=chromium, args=[*flags, '--no-proxy-server'])
        page = browser.new_page(viewport=dict(width=1280, height=1100))
        page.set_default_timeout(60_000)
        page.goto(address)
        expect(page.get_by_role('button', name=re.compile(r'\| Idle'))).to_be_visible() # the kernel is up
        page.locator('.jp-Cell .cm-content').first.click()
        page.keyboard.press('Control+Enter')

        def menu(label): return page.locator('.widget-dropdown', has_text=label).locator('select')
        sheet, face = page.locator('img[alt*=" faces, page "]'), page.locator('img[alt^="face "]')
        expect(sheet).to_have_attribute('alt', '49 of 49 faces, page 1 of 2')
        for label in ('split', 'emotion', 'landmarks'): expect(menu(label).locator('option:checked')).to_have_text('all')
        before = sheet.get_attribute('src')
        page.get_by_label('page').fill('2'); page.get_by_label('page').press('Enter')
        expect(sheet).to_have_attribute('alt', '49 of 49 faces, page 2 of 2')
        assert sheet.get_attribute('src')!=before
        menu('face').select_option('45')
        expect(face).to_have_attribute('alt', 'face 45, happy')
        menu('emotion').select_option('surprise')
        expect(sheet).to_have_attribute('alt', '7 of 49 faces, page 1 of 1')
        menu('split').select_option('Training')
        expect(sheet).to_have_attribute('alt', re.compile('^[3-6] of 49 faces, page 1 of 1$'))
        with_lines = sheet.get_attribute('src')
        page.get_by_label('draw landmarks').click()
        expect(sheet).not_to_have_attribute('src', with_lines)
        page.screenshot(path=shots/'explorer_data.png')
        menu('landmarks').select_option('not found')
        expect(page.get_by_role('alert')).to_have_text('No face fits: surprise in Training without landmarks. Choose something else.')
        expect(sheet).to_have_count(0)

        page.get_by_role('tab', name='Your picture').click()
        f = io.BytesIO(); Image.fromarray(astronaut()).save(f, 'PNG')
        upload(page, 'notes.png', b'no picture')
        expect(page.get_by_role('alert').last).to_contain_text("'notes.png' is not a picture that can be read")
        upload(page, 'astronaut.png', f.getvalue())
        expect(page.get_by_alt_text('astronaut.png, faces marked')).to_be_visible()
        expect(page.get_by_text('Face 1', exact=True)).to_be_visible()
        expect(page.get_by_role('cell', name='happy', exact=True)).to_be_visible()
        page.screenshot(path=shots/'explorer_picture.png')
        browser.close()
