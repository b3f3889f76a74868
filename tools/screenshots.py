"""The page in each of its states, from the real page in Chromium.

    python tools/screenshots.py                  # the README's two: nbs/images/page-light.jpg and page-phone.jpg
    python tools/screenshots.py --states         # every state, on laptop and phone, light and dark, into screenshots/
    python tools/screenshots.py --states empty group --views phone-dark
"""
import argparse
import io
import shutil
import load
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

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--states', nargs='*', choices=[*STATES, []], metavar='STATE', help=', '.join(STATES))
    parser.add_argument('--views', nargs='*', choices=VIEWS, default=list(VIEWS))
    args = parser.parse_args()
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
