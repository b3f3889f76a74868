"What a notebook cannot say of videos: a browser plays what is written, and importing loads none of the heavy packages."
import shutil
import subprocess
import sys
import numpy as np
import pytest

pytest.importorskip('av')
from fer_nb.video.files import read_video
from fer_nb.video.mp4 import Mp4Writer

chromium = next(filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))), None)
quiet = ('--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking '
         '--disable-component-update --disable-sync').split()

def run(code):
    return subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True).stdout.strip()

def test_import_is_light():
    "Neither by import nor by reading frames of one's own"
    heavy = set('torch torchvision fastcore tqdm pandas av cv2 mediapipe matplotlib facenet_pytorch'.split())
    code = ('import sys; from fer_nb.video.files import read_video; import numpy as np; '
            'import fer_nb.video.live, fer_nb.video.analyze; '
            f'list(read_video([np.zeros((9, 9, 3), np.uint8)], rate=1)); print(sorted({heavy} & set(sys.modules)))')
    assert run(code) == '[]'

def test_without_the_extra():
    "What the base install lacks is named, with the way to get it"
    code = ("import sys; sys.modules['av'] = None\nfrom fer_nb.core import MissingExtra\n"
            "from fer_nb.video.files import video_info\n"
            "try: video_info(b'film')\nexcept MissingExtra as e: print(e)")
    assert "Reading a film needs the extra 'video'" in run(code) and '.[video]' in run(code)

@pytest.mark.skipif(not chromium, reason='no Chromium on the path: install the chromium package')
def test_a_browser_plays_it(tmp_path):
    "Odd sides, uneven times: it loads, has the right size and length, and its last picture is the last one written"
    sync_api = pytest.importorskip('playwright.sync_api')
    times = [0, .04, .3, .31, .8, 1]
    with Mp4Writer(tmp_path/'film.mp4') as w:
        for i,t in enumerate(times): w.write(np.full((121, 161, 3), 40*i, np.uint8), t)
    (tmp_path/'page.html').write_text('<video src=film.mp4 muted></video><canvas width=160 height=120></canvas>')
    with sync_api.sync_playwright() as p:
        browser = p.chromium.launch(executable_path=chromium, args=quiet + ['--allow-file-access-from-files'])
        page = browser.new_page()
        page.goto((tmp_path/'page.html').as_uri())
        size = page.evaluate("""() => new Promise((yes, no) => {
            const v = document.querySelector('video'), c = document.querySelector('canvas').getContext('2d')
            v.onerror = () => no(v.error.message)
            v.onended = () => {
                c.drawImage(v, 0, 0)
                yes([v.videoWidth, v.videoHeight, v.duration, c.getImageData(80, 60, 1, 1).data[0]])
            }
            v.play()
        })""")
        browser.close()
    width, height, seconds, gray = size
    assert (width, height) == (160, 120) and abs(seconds-1.2) < .01 and abs(gray-200) < 8
    assert np.allclose([f.time for f in read_video(tmp_path/'film.mp4')], times, atol=1e-4)
