"What the page says, asked through Streamlit's AppTest: no server and no browser."
import io, json, re
from base64 import b64decode
from pathlib import Path
import numpy as np
import pytest
from PIL import Image
pytest.importorskip('streamlit')
skdata = pytest.importorskip('skimage.data')
from streamlit.testing.v1 import AppTest
from fer_nb.data import CLASSES
from fer_nb.inference import COLORS, EmotionRecognizer, Prediction
import streamlit_app as app

root = Path(__file__).resolve().parents[1]

def encoded(image, format='PNG', **kwargs):
    f = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(f, format, **kwargs)
    return f.getvalue()

@pytest.fixture(scope='module')
def astronaut(): return skdata.astronaut()

@pytest.fixture(scope='module')
def recognizer(): return EmotionRecognizer.from_pretrained()

@pytest.fixture
def page(): return AppTest.from_file(str(root/'streamlit_app.py'), default_timeout=120).run()

def upload(page, **files):
    page.file_uploader[0].set_value([(name.replace('_', '.'), data, 'image/png') for name,data in files.items()])
    page.run()
    assert not page.exception
    return page

def htmls(page, kind): return [e.proto.body for e in page.get('html') if f'class="{kind}"' in e.proto.body]
def bars(card): return {k:float(w)/100 for k,w in re.findall(r'<span>(\w+)</span><i><i style="width:([\d.]+)%', card)}
def shown(page): return [Image.open(io.BytesIO(b64decode(re.search(r'base64,([^"]+)', h)[1]))) for h in htmls(page, 'photo')]

def test_opens_empty(page):
    assert not page.exception and not page.error and not htmls(page, 'face')
    assert 'not what the person feels' in page.markdown[0].value
    assert page.file_uploader[0].accept_multiple_files and {'.jpg', '.jpeg', '.png'} <= set(page.file_uploader[0].allowed_type)
    assert len(page.expander) == (root/'fer_nb/weights/test_metrics.json').exists()

def test_sample(page):
    page.toggle[0].set_value(True).run()
    assert not page.exception and len(htmls(page, 'face')) == len(htmls(page, 'photo')) == 1

def test_same_probabilities_as_the_recognizer(page, astronaut, recognizer):
    data = encoded(astronaut)
    [card], [p] = htmls(upload(page, astronaut_png=data), 'face'), recognizer.predict(data)
    assert bars(card).keys() == set(CLASSES)
    assert max(abs(v-p.probabilities[k]) for k,v in bars(card).items()) < 1e-5
    assert f'1 · {app.headline(p)}' in card
    for k,v in p.probabilities.items(): assert f'{v:.1%}' in card and COLORS[k] in card

def test_reruns_do_not_ask_the_model_again(page, astronaut, monkeypatch):
    calls, predict = [], EmotionRecognizer.predict
    monkeypatch.setattr(EmotionRecognizer, 'predict', lambda *args: calls.append(1) or predict(*args))
    data = encoded(astronaut)
    upload(page, a_png=data).run().run()
    upload(page, a_png=data, same_png=data)
    assert len(calls) == 1 and len(htmls(page, 'face')) == 2
    upload(page)
    assert not htmls(page, 'face') and not page.session_state['answers']  # taken away, forgotten

def test_sessions_share_one_model(page, astronaut, monkeypatch):
    upload(page, a_png=encoded(astronaut))
    def again(*args, **kwargs): raise AssertionError('loaded twice')
    monkeypatch.setattr(EmotionRecognizer, 'from_pretrained', again)
    upload(AppTest.from_file(str(root/'streamlit_app.py'), default_timeout=120).run(), b_png=encoded(astronaut[:400]))

def test_three_faces(page, astronaut):
    wide = Image.new('RGB', (1000, 360), 'gray')
    for i,side in enumerate((300, 230, 170)): wide.paste(Image.fromarray(astronaut[:300, 100:400]).resize((side, side)), (20+330*i, 20))
    cards = htmls(upload(page, three_png=encoded(wide)), 'face')
    assert [re.search(r'<h3>(\d)', c)[1] for c in cards] == ['1', '2', '3']
    assert 'three.png: 3 faces' in htmls(page, 'photo')[0]

def test_turned_by_exif(page, astronaut):
    exif = Image.Exif(); exif[0x0112] = 6
    lying = Image.fromarray(astronaut[:, :400]).transpose(Image.Transpose.ROTATE_90)
    assert len(htmls(upload(page, turned_jpg=encoded(lying, 'JPEG', exif=exif)), 'face')) == 1
    assert shown(page)[0].size == (400, 512)

def test_large_pictures_are_shown_smaller(page, astronaut):
    upload(page, wide_jpg=encoded(Image.fromarray(astronaut).resize((2600, 2000)), 'JPEG'))
    assert max(shown(page)[0].size) == 1280 and len(htmls(page, 'face')) == 1

def test_good_and_bad_files_together(page, astronaut):
    upload(page, coffee_png=encoded(skdata.coffee()), astronaut_png=encoded(astronaut), junk_jpg=b'no picture', huge_jpg=bytes(5*2**20+1))
    assert len(htmls(page, 'face')) == 1 and len(htmls(page, 'photo')) == 2
    assert [e.value for e in page.info] == [app.sentence('no_face', 'coffee.png')]
    assert [e.value for e in page.error] == [app.sentence('unreadable', 'junk.jpg'), app.sentence('too_large', 'huge.jpg')]

def test_too_many_pixels(page):
    upload(page, vast_png=encoded(Image.new('1', (8000, 7000))))
    assert [e.value for e in page.error] == [app.sentence('too_large', 'vast.png')]

@pytest.mark.parametrize('data', [b'', b'\x89PNG\r\n\x1a\n' + bytes(40), b'GIF89a'], ids=['empty', 'broken png', 'broken gif'])
def test_unreadable(page, data): assert 'cannot be read' in upload(page, x_png=data).error[0].value

def face(status, **kwargs): return Prediction(status, crop=np.zeros((128,128), np.uint8), **kwargs)

def test_uncertain_and_too_small_say_so():
    p = dict.fromkeys(CLASSES, .1) | dict(sad=.4)
    card = app.face_html(2, face('uncertain', message='Perhaps sad (40%), perhaps <i>.', emotion='sad', confidence=.4, probabilities=p))
    assert '2 · Uncertain' in card and 'Perhaps sad (40%)' in card and '&lt;i&gt;' in card and list(bars(card))[0] == 'sad'
    card = app.face_html(3, face('too_small', message='This face is 9 pixels wide.'))
    assert 'Too small to read' in card and '9 pixels' in card and not bars(card)

def test_file_names_are_text():
    assert app.sentence('unreadable', 'a`[b](c)\n.png').startswith("`a'[b](c) .png` cannot")
    assert '<b>' not in app.photo_html('', '"<b>.png', 0)

def test_figures():
    view = dict(accuracy=.7123, macro_f1=.689, interval=dict(accuracy=[.697, .727]),
                per_class={k:dict(precision=.5, recall=.25, f1=.33, support=1000) for k in CLASSES})
    text = app.figures(dict(n=3589, single=view, twin_free=dict(n=3000, single=view | dict(accuracy=.7))))
    for part in '3,589', '**71.2%**', '69.7% to 72.7%', '0.689', '3,000', '70.0%', '| sad | 25% | 50% | 1,000 |': assert part in text

def test_shipped_figures_can_be_shown():
    path = root/'fer_nb/weights/test_metrics.json'
    if not path.exists(): pytest.skip('no test_metrics.json beside the weights yet')
    assert f"{json.loads(path.read_text())['single']['accuracy']:.1%}" in app.figures(json.loads(path.read_text()))
