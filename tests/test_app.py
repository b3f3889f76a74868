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
from PIL import Image, ImageFilter

pytest.importorskip('streamlit')
skdata = pytest.importorskip('skimage.data')
from streamlit.testing.v1 import AppTest
import streamlit_app as app
from fer_nb.apps.page import about, film, parts, reading, words
from fer_nb.apps.page.reading import PLAIN, Reading
from fer_nb.core import CLASSES, COLORS, Prediction
from fer_nb.inference import EmotionRecognizer
from fer_nb.tables import columns

root = Path(__file__).resolve().parents[1]

def encoded(image, format='PNG', **kwargs):
    f = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(f, format, **kwargs)
    return f.getvalue()

@pytest.fixture(scope='module')
def astronaut(): return skdata.astronaut()

@pytest.fixture(scope='module')
def recognizer(): return EmotionRecognizer.from_pretrained()

def opened(): return AppTest.from_file(str(root/'streamlit_app.py'), default_timeout=300).run()

@pytest.fixture
def page(): return opened()

def faults(page): return [*page.exception, *(e.value for e in page.error if words.FAULT in e.value)]

def upload(page, *files):
    page.file_uploader(key='pictures').set_value([(name, data, 'image/png') for name, data in files])
    page.run()
    assert not faults(page)
    return page

def htmls(page, kind): return [e.proto.body for e in page.get('html') if re.search(f'class="{kind}[ "]', e.proto.body)]
def faces(page): return [c for h in htmls(page, 'face') for c in re.findall(r'<article.*?</article>', h)]
def rows(page): return [c for h in htmls(page, 'row') for c in re.findall(r'<details.*?</details>', h)]

def bars(card):
    found = re.findall(r'<li[^>]*><span>(\w+)</span><i aria-hidden="true"><i style="width:([\d.]+)%', card)
    return {k: float(w)/100 for k, w in found}

def shown(page):
    return [Image.open(io.BytesIO(b64decode(re.search(r'base64,([^"]+)', h)[1]))) for h in htmls(page, 'photo')]

def toggle(page, name):
    page.toggle(key=f'{name} in pictures').set_value(True)
    page.run()
    assert not faults(page)

def choose(page, name, value):
    page.segmented_control(key=f'{name} in pictures').set_value(value)
    page.run()
    assert not faults(page)

def gap(card, probabilities): return max(abs(v-probabilities[k]) for k, v in bars(card).items())

# What one sees first

def test_opens_empty(page):
    assert not faults(page) and not page.error and not faces(page) and not page.dataframe
    assert any('not what the person feels' in e.proto.body for e in page.get('html'))
    uploader = page.file_uploader(key='pictures')
    assert uploader.accept_multiple_files and {'.jpg', '.jpeg', '.png', '.webp', '.avif'} <= set(uploader.allowed_type)
    for limit in str(reading.MAX_MB), str(reading.MAX_PICTURES): assert limit in uploader.label
    assert [t.label for t in page.tabs] == list(app.TABS)

def test_samples(page):
    "Four to click, a portrait and a group among them; an upload takes their place"
    assert len(reading.SAMPLES) == 4
    page.button(key='sample 0').click().run()
    assert not faults(page) and len(faces(page)) == len(htmls(page, 'photo')) == 1
    page.button(key='sample 3').click().run()
    assert len(rows(page)) == 8 and not faces(page) and '8 faces: ' in htmls(page, 'photo')[0]
    upload(page, ('junk.png', b''))
    assert not rows(page) and not page.button

def test_samples_are_read_before_anybody_asks(page, monkeypatch):
    monkeypatch.setattr(EmotionRecognizer, 'logits', lambda *args, **kwargs: 1/0)
    page.button(key='sample 2').click().run()
    assert not faults(page) and len(faces(page)) == 3

# One picture

def test_same_probabilities_as_the_recognizer(page, astronaut, recognizer):
    data = encoded(astronaut)
    [card], [p] = faces(upload(page, ('astronaut.png', data))), recognizer.predict(data)
    assert list(bars(card)) == list(CLASSES)                 # in one order for every face
    assert gap(card, p.probabilities) < 1e-5
    assert f'1 · {words.headline(p)}' in card and words.said(p) in card
    for k, v in p.probabilities.items(): assert parts.percent(v) in card and COLORS[k] in card

def test_headline_bar_and_badge_round_alike():
    for value in (.005, .0049, .015, .445, .455, .9949, .9951, 1.):
        probabilities = dict.fromkeys(CLASSES, 0.) | dict(sad=value)
        p = Prediction('ok', emotion='sad', confidence=value, probabilities=probabilities, box=(300, 300, 600, 600))
        assert words.percent(value) in words.said(p) and parts.percent(value) in parts.marks([p], (1000, 1000))
        assert f'<b>{parts.percent(value)}</b>' in parts.bars(p.probabilities)

def test_switches_do_not_ask_the_model_again(page, astronaut, recognizer, monkeypatch):
    upload(page, ('a.png', data := encoded(astronaut)))
    [before], asked = faces(page), []
    for name in 'logits', 'predict_batch':
        monkeypatch.setattr(EmotionRecognizer, name, lambda *args, **kwargs: asked.append(1))
    toggle(page, 'Landmarks')
    toggle(page, 'Mirrored view')
    [mirrored] = faces(page)
    choose(page, 'Who is asked', 'fer2013')
    [label] = faces(page)
    choose(page, 'How common each expression is', 'everyday')
    monkeypatch.undo()
    assert not asked and 'landmarks' in mirrored
    both = EmotionRecognizer(recognizer.model, tta=True)
    [p] = both.predict(data)
    assert gap(mirrored, p.probabilities) < 1e-4 and gap(label, both.revise(p, truth='fer2013').probabilities) < 1e-4
    assert 'bars two' in label and 'bars two' not in before                            # beside how the page opened

def test_a_prior_changes_the_prediction(page, recognizer):
    page.button(key='sample 0').click().run()
    before = bars(faces(page)[0])
    choose(page, 'How common each expression is', 'even')
    [p] = recognizer.predict(reading.sample(0)[1])
    [card] = faces(page)
    assert gap(card, recognizer.revise(p, prior='even').probabilities) < 1e-4 and bars(card) != before

def test_heat_map_is_made_once(page, astronaut):
    toggle(upload(page, ('a.png', encoded(astronaut))), 'Heat map')
    [card] = faces(page)
    assert 'where it looked' in card and card.count('<img') == 2
    toggle(page, 'Landmarks')
    assert faces(page)[0].count('<img') == 3
    [pic] = page.session_state['read in pictures'].values()
    assert {k[0] for k in pic.made if isinstance(k[0], str)} == {'heat', 'landmarks'}

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

# Several faces

def three(astronaut):
    wide = Image.new('RGB', (1000, 360), 'gray')
    for i, side in enumerate((170, 300, 230)):
        wide.paste(Image.fromarray(astronaut[:300, 100:400]).resize((side, side)), (20+330*i, 20))
    return wide

def test_faces_are_numbered_in_reading_order(page, astronaut):
    cards = faces(upload(page, ('three.png', encoded(three(astronaut)))))
    assert [re.search(r'</i>(\d)', c)[1] for c in cards] == ['1', '2', '3']
    [photo] = htmls(page, 'photo')
    assert '3 faces: 3 happy' in photo
    lefts = [float(v) for v in re.findall(r'class="mark[^>]*left:([\d.]+)%', photo)]
    assert len(lefts) == 3 and lefts == sorted(lefts)
    keys = re.findall(r'class="mark[^>]*data-face="([^"]+)"', photo)
    assert keys == re.findall(r'<article[^>]*data-face="([^"]+)"', ''.join(cards))

def test_reading_order():
    boxes = [(700, 20, 800, 120), (50, 240, 150, 340), (60, 0, 160, 100), (400, 40, 460, 100), (500, 230, 640, 400)]
    found = [Prediction('ok', box=b, message=str(i)) for i, b in enumerate(boxes)]
    assert [p.message for p in words.order(found)] == ['2', '3', '0', '1', '4']
    assert words.order([Prediction('no_face')]) == []

def test_badges_never_hide_each_other():
    rng = np.random.default_rng(0)
    for n in 2, 3, 9, 20:
        for _ in range(20):
            x, y = rng.permutation(36)[:n] % 6, rng.permutation(36)[:n] // 6
            boxes = [(16.*a, 16.*b, 16.*a+15.9, 16.*b+15.9) for a, b in {(a, b) for a, b in zip(x, y)}]
            found = [Prediction('ok', emotion='happy', confidence=.5, box=b) for b in boxes]
            placed = parts.badges(boxes, found, (800, 600))
            if len(boxes) <= 12: assert len({place for _, place in placed}) == len(boxes)
            rectangles = [rectangle(text, place, 800, 600) for text, place in placed]
            assert all(parts._apart(a, b) for i, a in enumerate(rectangles) for b in rectangles[i+1:])

def rectangle(text, place, w, h):
    "Where a badge of this text lies in a picture shown 300 pixels wide, in percent"
    width, height = 100*(8*len(text)+8)/300, 100*19/(300*h/w)
    at = {k: float(v) for k, v in re.findall(r'(\w+):([\d.]+)%', place)}
    x = at['left'] if 'left' in at else 100-at['right']-width
    y = at['top'] if 'top' in at else 100-at['bottom']-height
    return x, y, x+width-.1, y+height-.1

@pytest.mark.parametrize('kinds,line', [
    ([], 'No faces'), (['happy'], 'One face: happy'), (['uncertain'], 'One face: uncertain'),
    (['happy']*3 + ['neutral']*5 + ['uncertain'], '9 faces: 5 neutral, 3 happy, 1 uncertain')])
def test_a_picture_in_a_line(kinds, line):
    status = {'uncertain': 'uncertain'}
    found = [Prediction(status.get(k, 'ok'), emotion=k, box=(0, 0, 9, 9)) for k in kinds]
    assert words.summary(found) == line

def test_boxes_stand_where_the_faces_are(page, astronaut, recognizer):
    [photo], [p] = htmls(upload(page, ('a.png', encoded(astronaut))), 'photo'), recognizer.predict(astronaut)
    values = re.search(r'left:([\d.]+)%;top:([\d.]+)%;width:([\d.]+)%;height:([\d.]+)%', photo).groups()
    left, top, width, height = map(float, values)
    assert np.allclose([left, top, left+width, top+height], 100*np.array(p.box)/512, atol=.02)

# Files of all kinds

@pytest.mark.parametrize('format,mode', [('PNG', 'RGB'), ('PNG', 'RGBA'), ('PNG', 'P'), ('PNG', 'L'), ('JPEG', 'RGB'),
                                         ('JPEG', 'CMYK'), ('JPEG', 'L'), ('WEBP', 'RGB'), ('AVIF', 'RGB')])
def test_forms_of_picture(page, astronaut, format, mode):
    data = encoded(Image.fromarray(astronaut).convert(mode), format)
    assert len(faces(upload(page, (f'a.{format.lower()}', data)))) == 1

def test_turned_by_exif(page, astronaut):
    exif = Image.Exif()
    exif[0x0112] = 6
    lying = Image.fromarray(astronaut[:, :400]).transpose(Image.Transpose.ROTATE_90)
    assert len(faces(upload(page, ('turned.jpg', encoded(lying, 'JPEG', exif=exif))))) == 1
    assert shown(page)[0].size == (400, 512)

def test_large_pictures_are_shown_smaller(page, astronaut):
    upload(page, ('wide.jpg', encoded(Image.fromarray(astronaut).resize((2600, 2000)), 'JPEG')))
    assert max(shown(page)[0].size) == reading.SHOWN and len(faces(page)) == 1

def test_good_and_bad_files_together(page, astronaut):
    upload(page, ('coffee.png', encoded(skdata.coffee())), ('astronaut.png', encoded(astronaut)),
           ('junk.jpg', b'no picture'), ('huge.jpg', bytes(5*2**20+1)))
    assert len(faces(page)) == 1 and len(htmls(page, 'photo')) == 2
    assert [e.value for e in page.info] == [reading.SENTENCES['no_face'].format('`coffee.png`')]
    assert [e.value for e in page.error] == [reading.SENTENCES['unreadable'].format('`junk.jpg`'),
                                             reading.SENTENCES['too_large'].format('`huge.jpg`')]
    assert page.dataframe[0].value['status'].tolist() == ['No face', 'Clear', 'Not readable', 'Too large']

def opened_picture(page):
    "Name of the one picture that is shown in full"
    [photo] = htmls(page, 'photo')
    return re.search('<figcaption><b>([^<]+)', photo)[1]

def test_filter_and_gallery(page, astronaut):
    upload(page, ('coffee.png', encoded(skdata.coffee())), *((f'{i}.png', encoded(astronaut[i:])) for i in range(6)))
    assert len(page.dataframe[0].value) == 7 and opened_picture(page) == 'coffee.png'
    thumbs = [b.label for b in page.button if b.key.startswith('thumb')]
    assert thumbs == [r'No face · coffee\.png', *(rf'Happy · {i}\.png' for i in range(6))]
    page.button(key='thumb 3').click().run()
    assert not faults(page) and opened_picture(page) == '2.png' and len(faces(page)) == 1
    assert [o.content for o in page.get('button_group')[0].proto.options] == ['Happy · 6', 'No face · 1']
    page.session_state['filter'] = ['no_face']
    page.run()
    assert page.dataframe[0].value['source'].tolist() == ['coffee.png'] and opened_picture(page) == 'coffee.png'
    page.session_state['filter'] = []
    page.text_input(key='part').set_value('3.P').run()
    assert page.dataframe[0].value['source'].tolist() == ['3.png'] == [opened_picture(page)]
    page.text_input(key='part').set_value('nowhere').run()
    assert not faults(page) and not htmls(page, 'photo') and not page.dataframe and 'No picture' in page.info[0].value

def test_too_many_pixels(page):
    upload(page, ('vast.png', encoded(Image.new('1', (8000, 7000)))))
    assert [e.value for e in page.error] == [reading.SENTENCES['too_large'].format('`vast.png`')]

def test_too_many_pictures(page):
    n = reading.MAX_PICTURES
    upload(page, *((f'{i}.png', b'') for i in range(n+3)))
    assert f'3 of {n+3} pictures were left out' in page.warning[0].value and len(page.dataframe[0].value) == n

def test_too_much_in_all(page):
    upload(page, *((f'{i}.png', bytes(5*2**20)) for i in range(reading.MAX_SUM_MB//5+2)))
    assert '2 of 22 pictures were left out' in page.warning[0].value

@pytest.mark.parametrize('data', [b'', b'\x89PNG\r\n\x1a\n' + bytes(40), b'GIF89a'], ids=['empty', 'png', 'gif'])
def test_unreadable(page, data): assert 'cannot be read' in upload(page, ('x.png', data)).error[0].value

def test_a_fault_shows_no_traceback(page, monkeypatch, caplog):
    monkeypatch.setattr(reading, 'read', lambda *args: 1/0)
    page.file_uploader(key='pictures').set_value([('x.png', b'', 'image/png')]).run()
    [error] = page.error
    number = re.search(r'\((\w+)\)', error.value)[1]
    assert words.FAULT in error.value and 'Zero' not in error.value and not page.exception
    assert number in caplog.text and 'ZeroDivisionError' in caplog.text

# Words

def face(status, **kwargs):
    return Prediction(status, crop=np.zeros((128, 128), np.uint8), frame=(0, 0, 30, 30), box=(0, 0, 30, 30), **kwargs)

def test_uncertain_and_too_small_say_so():
    p = dict.fromkeys(CLASSES, .1) | dict(sad=.4)
    why = ['the face is small, 30 pixels', 'the face is <i>']
    card = parts.Card(2, face('uncertain', emotion='sad', confidence=.4, probabilities=p, reasons=why)).html()
    assert '2 · Uncertain, perhaps sad' in card and 'Perhaps sad (40%)' in card and '&lt;i&gt;' in card
    assert 'Why it is uncertain' in card and 'small, 30 pixels' in card
    card = parts.Card(3, face('too_small', message='This face is 9 pixels wide.')).html()
    assert 'Too small' in card and '9 pixels' in card and not bars(card)

def test_uncertain_always_says_why():
    p = face('uncertain', emotion='happy', confidence=.45, probabilities=dict.fromkeys(CLASSES, .1) | dict(happy=.45))
    assert '<li>no expression stands out</li>' in parts.Card(1, p).html()

def test_a_prediction_on_a_bad_picture_is_qualified(recognizer):
    [p] = recognizer.predict(Image.fromarray(skdata.astronaut()).filter(ImageFilter.GaussianBlur(3)))
    assert words.because(p)[0] and any('blurred' in w for w in p.reasons)
    assert words.because(recognizer.predict(skdata.astronaut())[0]) == ('', [])

def test_top_two_when_close():
    p = dict.fromkeys(CLASSES, .02) | dict(sad=.5, fear=.4)
    said = words.said(face('ok', emotion='sad', confidence=.5, probabilities=p))
    assert said == 'About 50% of people would say so. Fear comes close: 40%.'
    label = words.said(face('ok', emotion='sad', confidence=.7, probabilities=p | dict(sad=.7), truth='fer2013'))
    assert label == 'Likely: 70%.'

@pytest.mark.parametrize('p,word', [(.97, 'almost certain'), (.899, 'almost certain'), (.896, 'almost certain'),
                                    (.894, 'likely'), (.75, 'likely'), (.6, 'more likely than not'), (.3, 'a guess')])
def test_certainty(p, word): assert words.certainty(p) == word

def luminance(color):
    s = (int(color[i:i+2], 16)/255 for i in (1, 3, 5))
    r, g, b = (v/12.92 if v <= .04045 else ((v+.055)/1.055)**2.4 for v in s)
    return .2126*r + .7152*g + .0722*b

def contrast(a, b):
    a, b = sorted((luminance(a), luminance(b)))
    return (b+.05)/(a+.05)

@pytest.mark.parametrize('emotion', CLASSES)
def test_words_on_a_colour_can_be_read(emotion):
    color = COLORS[emotion]
    assert contrast(color, '#' + parts.ink(color)[1:]*2) >= 4.5

def test_no_text_is_printed_in_an_emotions_colour():
    p = face('ok', emotion='happy', confidence=.9, probabilities=dict.fromkeys(CLASSES, 1/7))
    for part in (parts.Card(1, p).html(), parts.marks([p], (30, 30))): assert not re.search(r'[;"]color:', part)
    assert not re.search(r'(?<![-\w])color: *var\(--c\)', parts.asset('style.css'))

def test_a_picture_in_two_words():
    def found(*kinds): return [Prediction('ok', emotion=k, box=(0, 0, 9, 9)) for k in kinds]
    assert words.brief('ok', found('sad')) == 'Sad' and words.brief('ok', found('sad', 'happy')) == '2 faces'
    assert words.brief('no_face', []) == 'No face' and words.brief('ok', found('sad', 'sad')) == '2 faces'

def test_file_names_are_text():
    assert words.escaped('a_b*[c](d) :red[$1].png') == r'a\_b\*\[c\]\(d\) \:red\[\$1\]\.png'
    assert words.plain('a`[b](c)\n.png') == "`a'[b](c) .png`"
    assert '<i>' not in parts.photo('', '"<i>.png', (1, 1), [])

# What can be taken home

@pytest.fixture(scope='module')
def pictures(astronaut):
    files = (('astronaut.png', encoded(three(astronaut))), ('astronaut.png', encoded(astronaut)),
             ('coffee.png', encoded(skdata.coffee())), ('=junk.jpg', b'no picture'))
    return [reading.read(*f) for f in files]

def all_rows(pictures): return [r for pic in pictures for r in pic.rows(PLAIN)]

def test_a_screen_reader_hears_the_predictions(pictures):
    said = words.heard([(p.name, p.status, p.faces(PLAIN)) for p in pictures[1:]])
    assert said == 'astronaut.png: face 1 Happy. coffee.png: no face. =junk.jpg: not readable'

def test_table_leaves_nothing_out(pictures):
    table = all_rows(pictures)
    expected = [('astronaut.png', i, 'ok') for i in (1, 2, 3, 1)]
    expected += [('coffee.png', None, 'no_face'), ('=junk.jpg', None, 'unreadable')]
    assert [(r['source'], r['face'], r['status']) for r in table] == expected
    again = list(csv.DictReader(io.StringIO(reading.table(table, 'csv').decode())))
    assert list(again[0]) == columns()                                  # as every other table has them
    assert [r['emotion'] for r in again] == [r['emotion'] or '' for r in table]
    assert abs(float(again[3]['happy']) - table[3]['confidence']) < 1e-9
    assert again[5]['source'] == "'=junk.jpg"                           # no formula for a spreadsheet

def test_zip(pictures):
    z = zipfile.ZipFile(io.BytesIO(reading.bundle(pictures, all_rows(pictures), PLAIN)))
    names = ['faces.csv', 'faces.json', '01-astronaut.png', '02-astronaut.png', '03-coffee.png']
    assert z.testzip() is None and z.namelist() == names
    assert Image.open(z.open('02-astronaut.png')).size == (512, 512) and len(json.loads(z.read('faces.json'))) == 6

NAMES = {'a.png': 'a', '../../x.y.jpg': 'x.y', 'C:\\a\\b.png': 'b', 'CON?*|.png': 'CON_', '\u202egnp.exe': '_gnp',
         '...': 'picture', 'x'*200 + '.png': 'x'*80}
@pytest.mark.parametrize('name,stem', NAMES.items(), ids=NAMES.values())
def test_names_that_any_system_takes(name, stem): assert reading.safe(name) == stem

def test_other_readings_of_a_picture(pictures):
    p, q = (pictures[1].faces(how)[0] for how in (PLAIN, Reading('fer2013', 'even', True)))
    assert (p.truth, q.truth) == ('people', 'fer2013') and p.probabilities != q.probabilities
    assert pictures[1].faces(PLAIN) is pictures[1].faces(Reading())     # kept

# Live

def test_live_places_are_shared(recognizer):
    live = pytest.importorskip('fer_nb.apps.page.live')
    viewers = [live.Viewer() for _ in range(live.PLACES+1)]
    empty = np.zeros((120, 160, 3), np.uint8)
    for v in viewers: assert v.look(empty).shape == empty.shape
    assert [v.full for v in viewers] == [False]*live.PLACES + [True]
    viewers[0].leave()
    viewers[0].leave()                                                  # twice is once
    viewers[-1].look(empty)
    assert not viewers[-1].full and viewers[-1].now[0].status == 'no_face'
    for v in viewers: v.leave()

def test_live_timeline_and_snapshot(astronaut):
    live = pytest.importorskip('fer_nb.apps.page.live')
    viewer = live.Viewer()
    for _ in range(3): shown = viewer.look(astronaut)
    assert (shown != astronaut).any() and Image.open(io.BytesIO(viewer.snapshot())).size == (512, 512)
    viewer.landmarks, viewer.paused = True, True
    pointed = viewer.look(np.zeros_like(astronaut))                     # the frame before, now with landmarks
    changed = (pointed != shown).any(axis=2)
    x0, y0, x1, y1 = viewer.now[0].box
    assert changed.sum() > 300 and changed[int(y0)-20:int(y1)+20, int(x0)-20:int(x1)+20].sum() == changed.sum()
    assert [r.emotion for r in viewer.timeline()] == ['happy']*3 and viewer.timeline().faces() == [1]
    viewer.leave()

def test_live_says_that_the_camera_has_gone(astronaut):
    live = pytest.importorskip('fer_nb.apps.page.live')
    viewer = live.Viewer()
    viewer.came -= 60
    assert not viewer.silent()                                          # it never began
    viewer.look(astronaut)
    assert not viewer.silent()
    viewer.came -= live.SILENT+1
    assert viewer.silent()
    viewer.leave()
    assert (viewer.look(astronaut) == astronaut).all() and not viewer.seated  # a late frame takes no place
    viewer.gone = False
    viewer.look(astronaut)
    assert viewer.seated
    viewer.leave()

def test_no_outside_server_unless_named(monkeypatch):
    live = pytest.importorskip('fer_nb.apps.page.live')
    monkeypatch.delenv('FER_NB_ICE_SERVERS', raising=False)
    assert live.ice_servers() == []
    monkeypatch.setenv('FER_NB_ICE_SERVERS', '[{"urls": "stun:here.example"}]')
    assert live.ice_servers() == [dict(urls='stun:here.example')]

# How good it is

def report(path=root/'fer_nb/weights/test_metrics.json'): return json.loads(path.read_text())

def test_about(page):
    page.session_state['tab'] = 'About'
    page.run()
    tables, text = htmls(page, 'scroll'), ' '.join(m.value for m in page.markdown)
    assert not faults(page) and len(tables) == 2
    for said in 'Not for decisions about people', 'European Union', 'Nothing is written to a disk', '3,589':
        assert said in text

def test_figures():
    view = dict(accuracy=.7123, macro_f1=.689, interval=dict(accuracy=[.697, .727]))
    views = dict(single=view, flip_tta=view | dict(accuracy=.72))
    truth = dict(n=3589, **views, twin_free=dict(n=3000, **views))
    people = truth | dict(n=2720, default=truth | dict(n=2720))
    text = about.figures_html(dict(n=3589, truths=dict(fer2013=truth, people=people)))
    for part in ('3,589', '2,720', '71.2%', '69.7 to 72.7', '72.0%', '0.689', '3,000'): assert part in text
    assert text.count('scope="row"') == 5 and text.index('ten people say') < text.index('own label')

def test_confusion_matrix():
    truth, r = about.main(report())
    assert truth == 'people'
    cells = [re.findall(r'<td[^>]*>([^<]+)', row) for row in about.confusion_html(r).split('<tr>')[2:]]
    assert [int(row[0].replace(',', '')) for row in cells] == [v['support'] for v in r['per_class'].values()]
    hits = [parts.percent(v['recall']) for v in r['per_class'].values()]
    assert [row[1+i] for i, row in enumerate(cells)] == hits
    recall = {c: v['recall'] for c, v in r['per_class'].items()}
    said = about.in_words(r, 'people')
    assert 'what people say' in said and f'**{max(recall, key=recall.get)}** best' in said
    assert f'**{min(recall, key=recall.get)}** worst' in said

# Videos

def test_a_video_that_is_none(page):
    pytest.importorskip('av')
    page.file_uploader(key='clip').set_value(('junk.mp4', b'no video', 'video/mp4'))
    page.run()
    assert not faults(page) and 'not a video that can be read' in page.error[0].value

def test_a_timeline_has_a_named_band_for_each_emotion():
    from fer_nb.video.timeline import Timeline
    from fer_nb.video.track import FaceRow
    p = dict.fromkeys(CLASSES, .1) | dict(happy=.4)
    def row(t): return FaceRow('ok', emotion='happy', confidence=.4, probabilities=p, time=t/10, frame=t, face=1)
    rows = [row(t) for t in range(10)]
    text = film.ribbon(Timeline(rows), 1)
    assert re.findall(r'<span>(\w+)</span><div', text) == list(CLASSES) and text.count('<i ') == 70
    assert 'type="range"' in text and 'aria-label' in text and '0.00,Happy 40%' in text
