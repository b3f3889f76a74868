"What the page says, asked through Streamlit's AppTest: no server and no browser."
import csv
import io
import json
import re
import zipfile
from base64 import b64decode
from pathlib import Path
import numpy as np
import pytest
from PIL import Image

pytest.importorskip('streamlit')
skdata = pytest.importorskip('skimage.data')
from streamlit.testing.v1 import AppTest
import streamlit_app as app
from fer_nb.core import CLASSES, COLORS, Prediction
from fer_nb.inference import EmotionRecognizer

root = Path(__file__).resolve().parents[1]
plain = False, True # the reading that the page opens with: one view, calibrated

def encoded(image, format='PNG', **kwargs):
    f = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(f, format, **kwargs)
    return f.getvalue()

@pytest.fixture(scope='module')
def astronaut(): return skdata.astronaut()

@pytest.fixture(scope='module')
def recognizer(): return EmotionRecognizer.from_pretrained()

def opened(): return AppTest.from_file(str(root/'streamlit_app.py'), default_timeout=120).run()

@pytest.fixture
def page(): return opened()

def upload(page, *files):
    page.file_uploader(key='pictures').set_value([(name, data, 'image/png') for name,data in files])
    page.run()
    assert not page.exception
    return page

def htmls(page, kind): return [e.proto.body for e in page.get('html') if re.search(f'class="{kind}[ "]', e.proto.body)]
def faces(page): return htmls(page, 'face')
def bars(card): return {k:float(w)/100 for k,w in re.findall(r'<li><span>(\w+)</span><i aria-hidden="true"><i style="width:([\d.]+)%', card)}
def shown(page): return [Image.open(io.BytesIO(b64decode(re.search(r'base64,([^"]+)', h)[1]))) for h in htmls(page, 'photo')]
def toggle(page, name): page.toggle(key=f'{name} in pictures').set_value(True); page.run(); assert not page.exception

def test_opens_empty(page):
    assert not page.exception and not page.error and not faces(page) and not page.dataframe
    assert any('not what the person feels' in e.proto.body for e in page.get('html'))
    uploader = page.file_uploader(key='pictures')
    assert uploader.accept_multiple_files and {'.jpg', '.jpeg', '.png'} <= set(uploader.allowed_type)
    assert [t.label for t in page.tabs] == ['Pictures', 'Camera', 'Video', 'About']

def test_sample(page):
    page.toggle(key='sample').set_value(True).run()
    assert not page.exception and len(faces(page)) == len(htmls(page, 'photo')) == 1

def test_same_probabilities_as_the_recognizer(page, astronaut, recognizer):
    data = encoded(astronaut)
    [card], [p] = faces(upload(page, ('astronaut.png', data))), recognizer.predict(data)
    assert bars(card).keys() == set(CLASSES)
    assert max(abs(v-p.probabilities[k]) for k,v in bars(card).items()) < 1e-5
    assert f'1 · {app.headline(p)}' in card and app.said(p) in card
    for k,v in p.probabilities.items(): assert app.in_html(v) in card and COLORS[k] in card

def test_headline_bar_and_box_round_alike():
    for value in (.005, .0049, .015, .445, .455, .9949, .9951, 1.):
        p = Prediction('ok', emotion='sad', confidence=value, probabilities=dict.fromkeys(CLASSES, 0.) | dict(sad=value), box=(0, 0, 9, 9))
        assert app.percent(value) in app.said(p) and app.in_html(value) in app.mark_html(1, p, (10, 10), False) and f'<b>{app.in_html(value)}</b>' in app.bars_html(p.probabilities)

def test_toggles_do_not_ask_the_model_again(page, astronaut, recognizer, monkeypatch):
    upload(page, ('a.png', data := encoded(astronaut)))
    asked, classify = [], EmotionRecognizer.classify
    monkeypatch.setattr(EmotionRecognizer, 'classify', lambda *args, **kwargs: asked.append(1) or classify(*args, **kwargs))
    monkeypatch.setattr(EmotionRecognizer, 'predict', lambda *args, **kwargs: asked.append(1))
    toggle(page, 'Landmarks'); toggle(page, 'Mirrored view')
    [card] = faces(page)
    both = EmotionRecognizer(recognizer.model, recognizer.meta, tta=True)
    monkeypatch.undo()
    [p], [first] = both.predict(data), recognizer.predict(data)
    assert max(abs(v-p.probabilities[k]) for k,v in bars(card).items()) < 1e-4 and 'landmarks' in card
    asked.clear(); toggle(page, 'Uncalibrated')
    assert not asked and bars(faces(page)[0])['happy'] < p.confidence - .01 and f'was {first.confidence:.0%}' in faces(page)[0] # as the page opened

def test_heat_map_is_made_once(page, astronaut):
    pytest.importorskip('fer_nb.explain')
    toggle(upload(page, ('a.png', encoded(astronaut))), 'Heat map')
    [card] = faces(page)
    assert 'where it looked' in card and card.count('<img') == 2
    toggle(page, 'Landmarks')
    assert faces(page)[0].count('<img') == 3
    [pic] = page.session_state['read in pictures'].values()
    assert {k[0] for k in pic.views} == {'heat', 'landmarks'} and len(pic.views) == 2

def test_reruns_do_not_ask_the_model_again(page, astronaut, monkeypatch):
    calls, predict = [], EmotionRecognizer.predict
    monkeypatch.setattr(EmotionRecognizer, 'predict', lambda *args: calls.append(1) or predict(*args))
    upload(page, ('a.png', encoded(astronaut))).run().run()
    assert len(calls) == 1 and len(faces(page)) == 1
    upload(page)
    assert not faces(page) and not page.session_state['read in pictures']  # taken away, forgotten

def test_sessions_share_one_model(page, astronaut, monkeypatch):
    upload(page, ('a.png', encoded(astronaut)))
    def again(*args, **kwargs): raise AssertionError('loaded twice')
    monkeypatch.setattr(EmotionRecognizer, 'from_pretrained', again)
    upload(opened(), ('b.png', encoded(astronaut[:400])))

def three(astronaut):
    wide = Image.new('RGB', (1000, 360), 'gray')
    for i,side in enumerate((300, 230, 170)): wide.paste(Image.fromarray(astronaut[:300, 100:400]).resize((side, side)), (20+330*i, 20))
    return wide

def test_three_faces(page, astronaut):
    cards = faces(upload(page, ('three.png', encoded(three(astronaut)))))
    assert [re.search(r'</i>(\d)', c)[1] for c in cards] == ['1', '2', '3']
    [photo] = htmls(page, 'photo')
    assert 'three.png: 3 faces' in photo and len(re.findall('class="mark', photo)) == 3

def test_boxes_stand_where_the_faces_are(page, astronaut, recognizer):
    [photo], [p] = htmls(upload(page, ('a.png', encoded(astronaut))), 'photo'), recognizer.predict(astronaut)
    left, top, width, height = map(float, re.search(r'left:([\d.]+)%;top:([\d.]+)%;width:([\d.]+)%;height:([\d.]+)%', photo).groups())
    assert np.allclose([left, top, left+width, top+height], 100*np.array(p.box)/512, atol=.02)

@pytest.mark.parametrize('format,mode', [('PNG', 'RGB'), ('PNG', 'RGBA'), ('PNG', 'P'), ('PNG', 'L'), ('JPEG', 'RGB'), ('JPEG', 'CMYK'), ('JPEG', 'L')])
def test_forms_of_picture(page, astronaut, format, mode):
    assert len(faces(upload(page, (f'a.{format.lower()}', encoded(Image.fromarray(astronaut).convert(mode), format))))) == 1

def test_turned_by_exif(page, astronaut):
    exif = Image.Exif(); exif[0x0112] = 6
    lying = Image.fromarray(astronaut[:, :400]).transpose(Image.Transpose.ROTATE_90)
    assert len(faces(upload(page, ('turned.jpg', encoded(lying, 'JPEG', exif=exif))))) == 1
    assert shown(page)[0].size == (400, 512)

def test_large_pictures_are_shown_smaller(page, astronaut):
    upload(page, ('wide.jpg', encoded(Image.fromarray(astronaut).resize((2600, 2000)), 'JPEG')))
    assert max(shown(page)[0].size) == 1280 and len(faces(page)) == 1

def test_good_and_bad_files_together(page, astronaut):
    upload(page, ('coffee.png', encoded(skdata.coffee())), ('astronaut.png', encoded(astronaut)), ('junk.jpg', b'no picture'), ('huge.jpg', bytes(5*2**20+1)))
    assert len(faces(page)) == 1 and len(htmls(page, 'photo')) == 2
    assert [e.value for e in page.info] == [app.sentence('no_face', 'coffee.png')]
    assert [e.value for e in page.error] == [app.sentence('unreadable', 'junk.jpg'), app.sentence('too_large', 'huge.jpg')]
    assert page.dataframe[0].value['status'].tolist() == ['No face', 'Read', 'Unreadable', 'Too large']

def test_filter_and_pages(page, astronaut):
    upload(page, ('coffee.png', encoded(skdata.coffee())), *((f'{i}.png', encoded(astronaut[i:])) for i in range(6)))
    assert len(page.dataframe[0].value) == 7 and len(htmls(page, 'photo')) == app.PER_PAGE
    assert [o.content for o in page.get('button_group')[0].proto.options] == ['Happy · 6', 'No face · 1']
    page.session_state['filter'] = ['no_face']
    page.run()
    assert page.dataframe[0].value['picture'].tolist() == ['coffee.png'] and len(htmls(page, 'photo')) == 1

def test_too_many_pixels(page):
    upload(page, ('vast.png', encoded(Image.new('1', (8000, 7000)))))
    assert [e.value for e in page.error] == [app.sentence('too_large', 'vast.png')]

def test_too_many_pictures(page, monkeypatch):
    upload(page, *((f'{i}.png', b'') for i in range(app.MAX_PICTURES+3)))
    assert str(app.MAX_PICTURES) in page.warning[0].value and len(page.dataframe[0].value) == app.MAX_PICTURES

@pytest.mark.parametrize('data', [b'', b'\x89PNG\r\n\x1a\n' + bytes(40), b'GIF89a'], ids=['empty', 'broken png', 'broken gif'])
def test_unreadable(page, data): assert 'cannot be read' in upload(page, ('x.png', data)).error[0].value

def face(status, **kwargs): return Prediction(status, crop=np.zeros((128,128), np.uint8), frame=(0, 0, 30, 30), box=(0, 0, 30, 30), **kwargs)

def test_uncertain_and_too_small_say_so():
    p = dict.fromkeys(CLASSES, .1) | dict(sad=.4)
    card = app.face_html(2, face('uncertain', message='Perhaps sad (40%), perhaps <i>.', emotion='sad', confidence=.4, probabilities=p))
    assert '2 · Uncertain' in card and 'Perhaps sad (40%)' in card and '&lt;i&gt;' in card and list(bars(card))[0] == 'sad'
    for why in ('small, 30 pixels', 'blurred', 'dark', 'no landmarks'): assert why in card
    card = app.face_html(3, face('too_small', message='This face is 9 pixels wide.'))
    assert 'Too small to read' in card and '9 pixels' in card and not bars(card)

def test_uncertain_always_says_why(recognizer):
    p = recognizer.predict(skdata.astronaut())[0]
    p.status, p.probabilities = 'uncertain', dict.fromkeys(CLASSES, .1) | dict(happy=.45)
    assert '<li>no expression stands out</li>' in app.face_html(1, p)

def test_an_answer_on_a_bad_picture_is_qualified(recognizer):
    from PIL import ImageFilter
    [p] = recognizer.predict(Image.fromarray(skdata.astronaut()).filter(ImageFilter.GaussianBlur(3)))
    assert p.status == 'ok' and 'But mind' in app.face_html(1, p) and 'blurred' in app.face_html(1, p)
    assert 'But mind' not in app.face_html(1, recognizer.predict(skdata.astronaut())[0])

def test_top_two_when_close():
    p = dict.fromkeys(CLASSES, .02) | dict(sad=.5, fear=.4)
    assert app.said(face('ok', emotion='sad', confidence=.5, probabilities=p)) == 'More likely than not: 50%. Fear comes close: 40%.'

@pytest.mark.parametrize('p,words', [(.97, 'almost certain'), (.899, 'almost certain'), (.896, 'almost certain'), (.894, 'likely'), (.75, 'likely'), (.6, 'more likely than not'), (.3, 'a guess')])
def test_certainty(p, words): assert app.certainty(p) == words

def luminance(color):
    r, g, b = (v/12.92 if v <= .04045 else ((v+.055)/1.055)**2.4 for v in (int(color[i:i+2], 16)/255 for i in (1, 3, 5)))
    return .2126*r + .7152*g + .0722*b

def contrast(a, b):
    a, b = sorted((luminance(a), luminance(b)))
    return (b+.05)/(a+.05)

@pytest.mark.parametrize('emotion', CLASSES)
def test_words_on_a_colour_can_be_read(emotion):
    color = COLORS[emotion]
    assert contrast(color, app.ink(color)*2 if len(app.ink(color)) == 7 else '#' + app.ink(color)[1:]*2) >= 4.5

def test_no_text_is_printed_in_an_emotions_colour():
    p = face('ok', emotion='happy', confidence=.9, probabilities=dict.fromkeys(CLASSES, 1/7))
    for part in (app.face_html(1, p), app.mark_html(1, p, (30, 30), False)): assert not re.search(r'[;"]color:', part)

def test_file_names_are_text():
    assert app.sentence('unreadable', 'a`[b](c)\n.png').startswith("`a'[b](c) .png` cannot")
    assert '<b>' not in app.photo_html('', '"<b>.png', (1, 1), [])

@pytest.fixture(scope='module')
def pictures(astronaut):
    files = ('astronaut.png', encoded(three(astronaut))), ('astronaut.png', encoded(astronaut)), ('coffee.png', encoded(skdata.coffee())), ('junk.jpg', b'no picture')
    return [app.read(*f) for f in files]

def test_a_screen_reader_hears_the_answers(pictures):
    assert app.heard_html(pictures[1:], plain).endswith('astronaut.png: face 1 Happy. coffee.png: no face. junk.jpg: unreadable</p>')

def test_table_leaves_nothing_out(pictures):
    table = app.rows(pictures, plain)
    assert [(r['picture'], r['face'], r['status']) for r in table] == [('astronaut.png', 1, 'ok'), ('astronaut.png', 2, 'ok'), ('astronaut.png', 3, 'ok'), ('astronaut.png', 1, 'ok'), ('coffee.png', None, 'no_face'), ('junk.jpg', None, 'unreadable')]
    again = list(csv.DictReader(io.StringIO(app.to_csv(table))))
    assert [r['emotion'] for r in again] == [r['emotion'] or '' for r in table] and abs(float(again[3]['happy']) - table[3]['confidence']) < 1e-9

def test_zip(pictures):
    z = zipfile.ZipFile(io.BytesIO(app.bundle(pictures, app.rows(pictures, plain), plain)))
    assert z.testzip() is None and z.namelist() == ['faces.csv', 'faces.json', '01-astronaut.png', '02-astronaut.png', '03-coffee.png']
    assert Image.open(z.open('02-astronaut.png')).size == (512, 512) and len(json.loads(z.read('faces.json'))) == 6

def report(path=root/'fer_nb/weights/test_metrics.json'): return json.loads(path.read_text())

def test_about(page):
    page.session_state['tab'] = 'About'
    page.run()
    tables, text = htmls(page, 'scroll'), ' '.join(m.value for m in page.markdown)
    assert not page.exception and len(tables) == 2
    assert all(w in text for w in ('Not for decisions about people', 'European Union', 'Nothing is written to a disk', '3,589'))

def test_figures():
    view = dict(accuracy=.7123, macro_f1=.689, interval=dict(accuracy=[.697, .727]))
    views = dict(single=view, flip_tta=view | dict(accuracy=.72))
    text = app.figures_html(dict(n=3589, **views, twin_free=dict(n=3000, **views)))
    for part in ('3,589', '71.2%', '69.7 to 72.7', '72.0%', '0.689', '3,000'): assert part in text
    assert text.count('scope="row"') == 2

def test_confusion_matrix():
    r = report()['single']
    cells = [re.findall(r'<td[^>]*>([^<]+)', row) for row in app.confusion_html(r).split('<tr>')[2:]]
    assert [int(row[0].replace(',', '')) for row in cells] == [v['support'] for v in r['per_class'].values()]
    assert [row[1+i] for i,row in enumerate(cells)] == [app.in_html(v['recall']) for v in r['per_class'].values()]
    assert '**happy** best' in app.reading_of(r) and '**fear** worst' in app.reading_of(r)

def test_a_video_that_is_none(page):
    pytest.importorskip('fer_nb.video.timeline'); pytest.importorskip('av')
    page.file_uploader(key='clip').set_value(('junk.mp4', b'no video', 'video/mp4'))
    page.run()
    assert not page.exception and 'not a video that can be read' in page.error[0].value

def test_without_pyav_the_video_tab_says_so(monkeypatch):
    monkeypatch.setattr('importlib.util.find_spec', lambda name, *args: None)
    page = opened()
    assert not page.exception and 'pip install av' in page.info[0].value

def test_timeline_of_one_face():
    video = pytest.importorskip('fer_nb.video.timeline')
    p = dict.fromkeys(CLASSES, .05) | dict(sad=.7)
    timeline = video.Timeline([video.FaceRow(i/5, i, 1, emotion='sad', confidence=.7, probabilities=p, box=(0, 0, 9, 9)) for i in range(5)])
    chart = app.ribbon(timeline, 1, [(i/5, f'frame {i}') for i in range(5)]).to_dict()
    bands, spots = (layer['data']['values'] for layer in chart['layer'])
    assert len(bands) == 35 and {round(b['high']-b['low'], 6) for b in bands if b['emotion'] == 'sad'} == {.63}
    assert [s['image'] for s in spots] == [f'frame {i}' for i in range(5)] and spots[0]['answer'] == 'sad 70%'
    assert chart['layer'][0]['encoding']['color']['scale'] == dict(domain=list(COLORS), range=list(COLORS.values()))
