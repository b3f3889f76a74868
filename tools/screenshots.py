"""The page as the README shows it, from the real page with a portrait that scikit-image carries: nbs/images/page-light.jpg and page-phone.jpg.

    python tools/screenshots.py
"""
import io, shutil, sys
from pathlib import Path
from PIL import Image
from playwright.sync_api import sync_playwright
from skimage.data import astronaut
import load

images = load.root/'nbs'/'images'
SHOTS = {'page-light': dict(viewport=dict(width=1180, height=820), color_scheme='light', device_scale_factor=1.25),
         'page-phone': dict(viewport=dict(width=390, height=844), color_scheme='dark', device_scale_factor=1.5)}

def shoot(browser, address, **options):
    "The whole page with one picture, its landmarks and its heat map"
    page = browser.new_context(**options).new_page()
    page.goto(address)
    f = io.BytesIO(); Image.fromarray(astronaut()).save(f, 'PNG')
    page.locator('.st-key-pictures input[type=file]').set_input_files([dict(name='eileen-collins.png', mimeType='image/png', buffer=f.getvalue())])
    for words in 'Landmarks', 'Heat map': page.get_by_text(words, exact=True).click(timeout=120_000)
    page.get_by_text('where it looked').wait_for(timeout=120_000)
    page.mouse.move(0, 0); page.locator('[data-testid=stApp][data-test-script-state=notRunning]').wait_for()
    page.wait_for_timeout(1000)
    last = page.locator('.stDownloadButton').last.bounding_box()
    bottom = page.evaluate('document.querySelector("[data-testid=stMain]").scrollTop') + last['y'] + last['height'] + 24
    page.set_viewport_size(options['viewport'] | dict(height=round(max(bottom, options['viewport']['height']))))
    page.wait_for_timeout(500)
    return Image.open(io.BytesIO(page.screenshot())).convert('RGB')

def main():
    chromium = next(filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))), None)
    process, address = load.serve()
    try:
        with sync_playwright() as p:
            browser = p.chromium.launch(executable_path=chromium, args=load.FLAGS)
            for name,options in SHOTS.items():
                shoot(browser, address, **options).save(images/f'{name}.jpg', quality=78, optimize=True)
                print(images.relative_to(load.root)/f'{name}.jpg', f'{(images/f"{name}.jpg").stat().st_size/1024:.0f} kB')
            browser.close()
    finally: process.terminate(); process.wait(10)

if __name__ == '__main__': main()
