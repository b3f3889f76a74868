"""The page in each of its states, from the real page in Chromium.

    python tools/screenshots.py                  # the README's two: nbs/images/page-light.jpg and page-phone.jpg
    python tools/screenshots.py --states         # every state, on laptop and phone, light and dark, into screenshots/
    python tools/screenshots.py --states empty group --views phone-dark
    python tools/screenshots.py --live           # films of both live pictures, into nbs/images/live-*.webp
"""
import argparse
import io
import shutil
import tempfile
from pathlib import Path
import felt
import load
import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright

images, states_folder = load.root/'nbs'/'images', load.root/'screenshots'
LAPTOP, PHONE = dict(width=1366, height=768), dict(width=390, height=844)
VIEWS = {f'{name}{"-dark"*(scheme == "dark")}': dict(viewport=size, color_scheme=scheme)
         for name, size in dict(laptop=LAPTOP, phone=PHONE).items() for scheme in ('light', 'dark')}
README = {'page-light': dict(viewport=dict(width=1180, height=820), color_scheme='light', device_scale_factor=1.25),
          'page-phone': dict(viewport=PHONE, color_scheme='dark', device_scale_factor=1.5)}

def still(page):
    "Wait until the server has nothing more to say"
    page.mouse.move(0, 0)
    page.wait_for_timeout(300)
    page.locator('[data-testid=stApp][data-test-script-state=notRunning]').wait_for(timeout=180_000)
    page.wait_for_timeout(700)

def whole(page, options):
    "A picture of the page from top to bottom, which scrolls inside the window"
    height = page.evaluate('document.querySelector("[data-testid=stMain]").scrollHeight')
    page.set_viewport_size(options['viewport'] | dict(height=max(height, options['viewport']['height'])))
    page.wait_for_timeout(500)
    return Image.open(io.BytesIO(page.screenshot())).convert('RGB')

# The states, each from an open page

def sample(page, name, selector='.photo'):
    page.get_by_role('button', name=name, exact=True).click(timeout=120_000)
    page.locator(selector).first.wait_for(timeout=120_000)
    still(page)

def tab(page, name):
    page.get_by_role('tab', name=name).click()
    still(page)

def upload(page, files, place='pictures'):
    page.locator(f'.st-key-{place} input[type=file]').set_input_files(files)
    still(page)

def empty(page): page.get_by_role('button', name='A group').wait_for(timeout=120_000); still(page)
def one(page): sample(page, 'A smile', '.face')
def three(page): sample(page, 'Three people', '.face')

def views(page):
    "Landmarks and heat map"
    sample(page, 'A portrait', '.face')
    for words in 'Landmarks', 'Heat map': page.get_by_text(words, exact=True).click(timeout=120_000)
    page.get_by_text('where it looked').first.wait_for(timeout=180_000)

def more(page):
    "Another truth"
    one(page)
    page.get_by_role('button', name='More').click()
    page.get_by_text('FER2013’s label').click()
    still(page)

def group(page):
    sample(page, 'A group', '.row')
    page.locator('.row summary').nth(1).click()

def pictures(page):
    folder = load.root/'fer_nb/apps/page'
    files = {f: (folder/f).read_bytes() for f in ('smile.jpg', 'three.jpg', 'crowd.jpg')} | {'notes.jpg': b'no picture'}
    upload(page, [dict(name=f, mimeType='image/jpeg', buffer=data) for f, data in files.items()])
    page.locator('[data-testid=stDataFrame]').wait_for(timeout=180_000)

def gallery(page):
    "Fourteen pictures, one of them open"
    files = []
    for i in range(12):
        f = io.BytesIO()
        portrait = Image.open(load.root/'fer_nb/apps/page'/('smile.jpg', 'sample.jpg', 'three.jpg', 'crowd.jpg')[i % 4])
        portrait.resize((portrait.width//2+8*i, portrait.height//2)).save(f, 'JPEG')
        files.append(dict(name=f'holiday-{i+1:02}.jpg', mimeType='image/jpeg', buffer=f.getvalue()))
    gray = io.BytesIO()
    Image.new('RGB', (320, 240), 'gray').save(gray, 'PNG')
    files.append(dict(name='fog.png', mimeType='image/png', buffer=gray.getvalue()))
    upload(page, [*files, dict(name='notes.jpg', mimeType='image/jpeg', buffer=b'no picture')])
    page.locator('[data-testid=stDataFrame]').wait_for(timeout=180_000)
    page.locator('.st-key-thumb-2 button').click()
    still(page)

def about(page): tab(page, 'About')
def camera(page): tab(page, 'Camera')
def live(page): tab(page, 'Live')
def video(page): tab(page, 'Video')

STATES = {f.__name__: f for f in (empty, one, three, views, more, group, pictures, gallery, camera, live, video, about)}

def shoot(browser, address, state, **options):
    "One state as one picture: first the window as it is, then all of the page"
    page = browser.new_context(**options).new_page()
    page.goto(address, timeout=180_000)
    page.locator('.st-key-pictures input[type=file]').wait_for(state='attached', timeout=120_000)
    state(page)
    still(page)
    window = Image.open(io.BytesIO(page.screenshot())).convert('RGB')
    full = whole(page, options)
    page.context.close()
    return window, full

# Live: what happens in front of the camera, and films of both pages

def people(i):
    "Two people who move a little"
    def head(name, box, at):
        dx, dy = 10*np.sin(i/25 + at), 6*np.sin(i/17 + at)
        shifted = [int(v + d) for v, d in zip(box, (dx, dy, dx, dy))]
        return Image.open(load.root/'fer_nb/apps/page'/name).convert('RGB').crop(shifted).resize((320, 480))
    im = Image.new('RGB', felt.SIZE)
    im.paste(head('smile.jpg', (130, 10, 330, 310), 0), (0, 0))
    im.paste(head('sample.jpg', (140, 60, 400, 450), 2), (320, 0))
    return im

def film(page, file, frames=16, every=200, width=760):
    "What the window shows, as a film that starts over"
    out = []
    for _ in range(frames):
        out.append(Image.open(io.BytesIO(page.screenshot())).convert('RGB'))
        page.wait_for_timeout(every)
    small = [im.resize((width, round(width*im.height/im.width)), Image.Resampling.LANCZOS) for im in out]
    small[0].save(images/file, save_all=True, append_images=small[1:], duration=every, loop=0, quality=50, method=6)
    print(f'nbs/images/{file} {(images/file).stat().st_size/1024:.0f} kB')

def live_films():
    "Both pages while they watch"
    with tempfile.TemporaryDirectory() as d, felt.browser(*felt.camera(Path(d)/'camera.y4m', 160, people)) as browser:
        def opened(address):
            page = browser.new_context(permissions=['camera'], viewport=dict(width=1180, height=720)).new_page()
            page.set_default_timeout(180_000)
            page.goto(address)
            return page
        process, address = load.serve()
        try:
            page = opened(address)
            page.get_by_role('tab', name='Live').click()
            page.frame_locator('iframe[title*=webrtc]').get_by_role('button', name='Start').click()
            page.locator('[data-face^=live]').nth(1).wait_for()
            still(page)
            film(page, 'live-page.webp')
            page.context.close()
        finally: process.kill()
        with felt.static() as address:
            page = opened(address)
            page.get_by_role('button', name='Camera').click()
            page.locator('.face').nth(1).wait_for()
            film(page, 'live-web.webp')

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--states', nargs='*', choices=[*STATES, []], metavar='STATE', help=', '.join(STATES))
    parser.add_argument('--views', nargs='*', choices=VIEWS, default=list(VIEWS))
    parser.add_argument('--live', action='store_true', help='films of the live pictures')
    args = parser.parse_args()
    if args.live: return live_films()
    chromium = next(filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))), None)
    process, address = load.serve()
    try:
        with sync_playwright() as p:
            browser = p.chromium.launch(executable_path=chromium, args=load.FLAGS)
            if args.states is None:
                for name, options in README.items():
                    window, _ = shoot(browser, address, views if name == 'page-light' else group, **options)
                    window.save(images/f'{name}.jpg', quality=78, optimize=True)
                    print(f'nbs/images/{name}.jpg')
            else:
                states_folder.mkdir(exist_ok=True)
                for state in args.states or STATES:
                    for view in args.views:
                        window, full = shoot(browser, address, STATES[state], **VIEWS[view])
                        window.save(states_folder/f'{state}-{view}.png')
                        full.save(states_folder/f'{state}-{view}-whole.png')
                        print(f'screenshots/{state}-{view}.png', flush=True)
            browser.close()
    finally: process.kill()

if __name__ == '__main__': main()
