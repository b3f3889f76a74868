"""The page: pictures in, and for every face what it seems to show. It only lays out; `fer_nb` does the reading."""
import base64, csv, html, io, json, os, threading, zipfile
from dataclasses import dataclass, field
from importlib.resources import files
from importlib.util import find_spec
import streamlit as st
from PIL import Image
from starlette.formparsers import MultiPartParser
from fer_nb.core import CLASSES
from fer_nb.image import ImageError, load_image
from fer_nb.core import COLORS
from fer_nb.inference import EmotionRecognizer, annotate, in_crop, readings, reasons
from fer_nb.landmarks import draw_landmarks

MAX_MB, MAX_PIXELS, MAX_PICTURES, PER_PAGE = 5, 50_000_000, 50, 5
VIDEO_MB, VIDEO_SECONDS, VIDEO_FPS = 25, 30, 8 # FPS: frames analysed a second
MultiPartParser.spool_max_size = 2*VIDEO_MB*2**20 # Starlette would write an upload of more than 1 MB to a temporary file
os.environ.setdefault('OMP_NUM_THREADS', '1')     # many visitors on few cores: one thread each is faster for all

TITLE = 'What does this face show?'
NOTE = 'An expression, that is: <b>not what the person feels</b>. Pictures are read in memory and never stored.'
WORDS = dict(ok='Read', uncertain='Uncertain', no_face='No face', too_small='Too small', unreadable='Unreadable', too_large='Too large')
SENTENCES = dict(
    no_face='No face was found in {}. Try one where a face is larger, in good light and turned to the camera.',
    too_large=f'{{}} is too large. Upload a picture of at most {MAX_MB} MB and {MAX_PIXELS//10**6} million pixels.',
    unreadable='{} cannot be read as a picture. Save it as JPEG or PNG and upload it again.')
STYLE = '''<style>
[data-testid="stMainBlockContainer"] {max-width: 1120px; padding-top: 4rem}
.stHtml h1 {font-size: clamp(1.7rem, 6vw, 2.5rem); padding: 0; margin: 0; line-height: 1.2} .stHtml h1 + p {margin: .4rem 0 0}
[data-testid="stFileUploaderDropzone"] {border: 1px dashed color-mix(in srgb, currentColor 40%, transparent)}
[data-testid="stFileUploaderDropzone"]:has([data-testid="stFileUploaderDropzoneInstructions"]) {min-height: 5.5rem}
[data-testid="stFileUploaderDropzoneInstructions"] *, [data-testid="stFileChipName"] + div {color: inherit}
[data-testid="stFileUploader"]:has([aria-invalid="true"])::after {content: "What is red was not taken: it must be a JPEG or PNG of at most PICTURE_MB MB."; display: block; margin-top: .5rem}
.st-key-clip [data-testid="stFileUploader"]:has([aria-invalid="true"])::after {content: "It was not taken: it must be a video of at most VIDEO_MB MB."}
[data-testid="stElementContainer"]:has(> .stHtml > .heard) {position: absolute; width: 1px !important; overflow: hidden}
.photo {margin: 0} .photo > div {position: relative; display: inline-block; line-height: 0; max-width: 100%}
.photo img {max-width: 100%; max-height: 80vh; border-radius: .5rem}
.mark {position: absolute; border: 3px solid var(--c); box-shadow: 0 0 0 1px #0009, inset 0 0 0 1px #0009; border-radius: 3px}
.mark.unsure {border-style: dashed}
.mark b {position: absolute; left: -4px; bottom: 100%; margin-bottom: 3px; white-space: nowrap; font-size: .8rem; line-height: 1; font-weight: 600; padding: .25em .45em; border-radius: 3px; background: var(--c); color: var(--ink)}
.mark.top b {bottom: auto; top: 0; left: 0; border-radius: 0 0 3px 0} .mark.right b {left: auto; right: -4px}
.photo figcaption {font-size: .9rem; margin-top: .4rem; overflow-wrap: anywhere}
.face {display: grid; grid-template-columns: 7.5rem minmax(0, 1fr); grid-template-rows: auto 1fr; gap: .6rem 1.1rem}
.face > .views {display: flex; flex-direction: column; gap: .5rem; grid-row: span 2} .views figure {margin: 0} .views img {width: 100%; border-radius: .5rem; display: block} .views figcaption {font-size: .8rem; margin-top: .15rem}
[data-testid="stHeading"] h3 {font-size: 1.4rem}
.face h3 {font-size: 1.3rem; margin: 0; padding: 0; line-height: 1.3} .face p {margin: .15rem 0 0} .face .why {margin: .15rem 0 0; padding-left: 1.2rem; font-size: .9rem}
.heard {position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap}
.face h3 i {display: inline-block; width: .75em; height: .75em; border-radius: 50%; margin-right: .4em; border: 1px solid currentColor}
.stHtml ul.bars {list-style: none; margin: 0; padding: 0; display: grid; gap: .28rem; font-size: .9rem; font-variant-numeric: tabular-nums; align-content: start}
.bars li {display: grid; grid-template-columns: 4.6rem minmax(0, 1fr) 2.6rem; gap: .7rem; align-items: center; margin: 0; padding: 0} .bars.two li {grid-template-columns: 4.6rem minmax(0, 1fr) 2.6rem 4rem}
.bars i {position: relative; display: block; height: .85rem; border-radius: .2rem; background: color-mix(in srgb, currentColor 12%, transparent)}
.bars i i {height: 100%; box-shadow: inset 0 0 0 1px color-mix(in srgb, currentColor 45%, transparent)}
.bars s {position: absolute; top: -2px; bottom: -2px; width: 3px; margin-left: -1px; background: currentColor}
.bars b {font-weight: normal; text-align: right} .bars li:first-child b, .bars li:first-child span {font-weight: 600} .bars small {font-weight: normal; font-size: .8rem}
.scroll {overflow-x: auto} .stHtml table {border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums} .stHtml caption {text-align: left; padding-bottom: .4rem}
.stHtml th, .stHtml td {padding: .3rem .55rem; text-align: right; border: 1px solid color-mix(in srgb, currentColor 20%, transparent); font-weight: normal} .stHtml th[scope=row] {text-align: left} .stHtml td.hit {font-weight: 700}
#vg-tooltip-element img {max-width: 180px !important; max-height: 180px !important}
@media (min-width: 641px) {[data-testid="stFileUploaderDropzone"] {align-items: center}}
@media (max-width: 640px) {
  [data-testid="stMainBlockContainer"] {padding: 4rem 1rem 3rem}
  .face {grid-template-columns: 5rem minmax(0, 1fr)} .face > .views {grid-row: auto} .face > .said {align-self: center} .face > .bars {grid-column: span 2}
  .face.more {grid-template-columns: 1fr} .face.more > .views {flex-direction: row} .face.more .views figure {flex: 1 1 0; max-width: 8rem} .face.more > .bars {grid-column: auto}
}
</style>'''.replace('PICTURE_MB', str(MAX_MB)).replace('VIDEO_MB', str(VIDEO_MB))
SCRIPT = '''<script>
if (!window.fernb) {
  window.fernb = true;
  const name = () => document.querySelectorAll('section input[type=file]:not([aria-label])').forEach(i => i.setAttribute('aria-label', i.closest('section').getAttribute('aria-label')));
  new MutationObserver(name).observe(document.body, {childList: true, subtree: true});
  name();
  document.addEventListener('paste', event => {
    const input = document.querySelector('.st-key-pictures input[type=file]');
    const pasted = [...event.clipboardData.files].filter(f => f.type.startsWith('image/'));
    if (!input || !pasted.length) return;
    const given = new DataTransfer();
    for (const f of pasted) given.items.add(new File([f], f.name.replace(/^image\\./, 'pasted-' + Date.now() % 1e6 + '.'), {type: f.type}));
    input.files = given.files;
    input.dispatchEvent(new Event('change', {bubbles: true}));
  });
}
</script>'''

# What the page says: plain functions of what was found

def sentence(status, # why there is nothing to show: a key of `SENTENCES`
             name    # of the file
            ):       # Markdown
    "What to tell a person whose picture gave no face"
    name = name.replace('`', "'").replace('\n', ' ')
    return SENTENCES[status].format(f'`{name}`')

def percent(p):
    "A probability as every place of the page writes it"
    return '<1%' if 0<p<.005 else f'{p:.0%}'

def in_html(p): return html.escape(percent(p))

def certainty(p):
    "A calibrated probability in words"
    return next(word for least,word in ((.9, 'almost certain'), (.7, 'likely'), (.5, 'more likely than not'), (0, 'a guess')) if round(p, 2)>=least)

def headline(p # `Prediction`
            ): # text
    "The answer for one face in a word"
    return (p.emotion or '').capitalize() if p.status=='ok' else 'Too small to read' if p.status=='too_small' else WORDS[p.status]

def said(p # `Prediction`
        ): # text
    "The answer in a sentence: how sure, and what comes second if it is close"
    if p.status!='ok': return p.message
    (_, first), (other, second) = p.top(2)
    close = f' {other.capitalize()} comes close: {percent(second)}.' if first-second<.2 else ''
    return f'{certainty(first).capitalize()}: {percent(first)}.{close}'

def ink(color # '#rrggbb'
       ):     # the one of black and white that is easier to read on it
    r, g, b = (v/12.92 if v<=.04045 else ((v+.055)/1.055)**2.4 for v in (int(color[i:i+2], 16)/255 for i in (1, 3, 5)))
    return '#000' if .2126*r+.7152*g+.0722*b>.179 else '#fff'

def data_uri(im, # PIL picture
             format='PNG'):
    "The picture as the address of itself: nothing is left for the server to keep"
    f = io.BytesIO(); im.save(f, format, quality=85)
    return f'data:image/{format.lower()};base64,{base64.b64encode(f.getvalue()).decode()}'

def bars_html(probabilities, # class to probability
              before=None    # the same by another reading, to compare
             ):              # HTML: name, bar and percentage of each class, the most probable first
    "The probabilities as bars that also say their number"
    def bar(k, v):
        moved = before and abs(before[k]-v)>=.01
        tick = f'<s style="left:{100*before[k]:.2f}%"></s>' if moved else ''
        was = f'<small>{f"was {in_html(before[k])}" if moved else ""}</small>' if before else ''
        return f'<li><span>{k}</span><i aria-hidden="true"><i style="width:{100*v:.4f}%;background:{COLORS[k]}"></i>{tick}</i><b>{in_html(v)}</b>{was}</li>'
    return f'<ul class="bars{" two" if before else ""}">' + ''.join(bar(*kv) for kv in sorted(probabilities.items(), key=lambda kv: -kv[1])) + '</ul>'

def face_html(i,           # number on the face's box
              p,           # its `Prediction`
              views=(),    # more pictures of it: (caption, address, or None if there is none)
              before=None  # probabilities to compare with
             ):            # HTML
    "The card of one face: what was looked at, the answer, the bars"
    seen = [(f'Face {i}, as the network sees it', data_uri(Image.fromarray(p.crop)), '')] + [(f'Face {i}: {c}', uri, c) for c,uri in views]
    figures = ''.join(f'<figure>{f"""<img alt="{alt}" src="{uri}">""" if uri else ""}{f"<figcaption>{c}</figcaption>" if c else ""}</figure>' for alt,uri,c in seen)
    dot = f'<i aria-hidden="true" style="background:{COLORS[p.emotion]}"></i>' if p.status=='ok' else ''
    why = reasons(p) if p.probabilities else []
    if p.status=='uncertain': why = why or ['no expression stands out']
    text = f'<p>{html.escape(said(p))}</p>' + (f'<p>{"Why" if p.status=="uncertain" else "But mind"}:</p><ul class="why">{"".join(f"<li>{w}</li>" for w in why)}</ul>' if why else '')
    return (f'<article class="face{" more" if views else ""}"><div class="views">{figures}</div><div class="said"><h3>{dot}{i} · {headline(p)}</h3>{text}</div>'
            f'{bars_html(p.probabilities, before) if p.probabilities else ""}</article>')

def mark_html(i, p, size, brief # only its number
             ):
    "The numbered box of one face, placed in percent of the picture"
    (x0, y0, x1, y1), (w, h) = p.box, size
    left, top, right, bottom = (min(max(v, 0), 100) for v in (100*x0/w, 100*y0/h, 100*x1/w, 100*y1/h))
    color = COLORS[p.emotion] if p.emotion else '#6b6b6b'
    words = '' if brief else f' {p.emotion.capitalize()}{"?" if p.status=="uncertain" else ""} {in_html(p.confidence)}' if p.emotion else ' Too small'
    kind = ' unsure'*(p.status!='ok') + ' top'*(top<9) + ' right'*(left>76)
    return (f'<div class="mark{kind}" style="left:{left:.2f}%;top:{top:.2f}%;width:{right-left:.2f}%;height:{bottom-top:.2f}%;--c:{color};--ink:{ink(color)}"><b>{i}{words}</b></div>')

def heard_html(pictures, reading):
    "What a screen reader says when the answers are there"
    parts = [f'{pic.name}: ' + (', '.join(f'face {i} {headline(p)}' for i,p in enumerate(pic.faces(reading), 1)) or WORDS[pic.status].lower()) for pic in pictures]
    return f'<p class="heard" role="status">{html.escape(". ".join(parts))}</p>'

def crowded(faces, size):
    "Whether words on the boxes would cover each other"
    spots = sorted((p.box[0]/size[0], p.box[1]/size[1]) for p in faces)
    return any(x2-x<.3 and abs(y2-y)<.1 for i,(x,y) in enumerate(spots) for x2,y2 in spots[i+1:])

def photo_html(uri, name, size, faces):
    "The picture with a box round each face, and its file name"
    name, n = html.escape(name), len(faces)
    count = 'one face' if n==1 else f'{n or "no"} faces'
    marks = ''.join(mark_html(i, p, size, crowded(faces, size)) for i,p in enumerate(faces, 1))
    return (f'<figure class="photo"><div><img alt="{name}, {count}" src="{uri}"><div aria-hidden="true">{marks}</div></div>'
            f'<figcaption>{name}: {count}</figcaption></figure>')

# What can be taken home

def rows(pictures, # of `Picture`
         reading   # key of `Picture.four`
        ):         # dicts, one a face, or one for a picture without
    "A flat table of everything that was found"
    out = []
    for pic in pictures:
        for i,p in enumerate(pic.faces(reading), 1):
            box = {k:round(v, 1) for k,v in zip(('x0', 'y0', 'x1', 'y1'), p.box)}
            out.append(dict(picture=pic.name, face=i, status=p.status, emotion=p.emotion, confidence=p.confidence) | {c:(p.probabilities or {}).get(c) for c in CLASSES} | box | dict(message=p.message))
        if not pic.faces(reading): out.append(dict.fromkeys(('picture', 'face', 'status', 'emotion', 'confidence', *CLASSES, 'x0', 'y0', 'x1', 'y1', 'message')) | dict(picture=pic.name, status=pic.status, message=sentence(pic.status, pic.name).replace('`', '')))
    return out

def to_csv(table):
    "Rows as CSV"
    f = io.StringIO(); w = csv.DictWriter(f, list(table[0]), lineterminator='\n'); w.writeheader(); w.writerows(table)
    return f.getvalue()

def marked(pic, reading):
    "The picture at full size with its boxes drawn on it, as PNG"
    f = io.BytesIO(); annotate(load_image(pic.data, MAX_MB*2**20, MAX_PIXELS), pic.faces(reading)).save(f, 'PNG')
    return f.getvalue()

def bundle(pictures, table, reading):
    "Table and marked pictures in one zip"
    f = io.BytesIO()
    with zipfile.ZipFile(f, 'w', zipfile.ZIP_DEFLATED) as z:
        z.writestr('faces.csv', to_csv(table)); z.writestr('faces.json', json.dumps(table, indent=1))
        for i,pic in enumerate(pictures, 1):
            if pic.uri: z.writestr(f'{i:02}-{os.path.splitext(os.path.basename(pic.name))[0]}.png', marked(pic, reading), zipfile.ZIP_STORED)
    return f.getvalue()

# The reading

@dataclass
class Picture:
    "What a session keeps of one picture"
    name:str
    status:str                # a key of `WORDS`
    data:bytes=field(default=None, repr=False)
    uri:str=field(default=None, repr=False) # of a copy to show
    size:tuple=None           # of the upright original, pixels
    four:dict=field(default_factory=dict, repr=False) # `readings`
    views:dict=field(default_factory=dict, repr=False) # pictures made on demand
    def faces(self, reading): return [p for p in self.four.get(reading, ()) if p.box]

@st.cache_resource(show_spinner='Loading the model, once …')
def recognizer():
    "One model for all visitors, with everything loaded that loads on first use"
    r = EmotionRecognizer.from_pretrained()
    r.predict(load_image(sample()[1]))
    return r

@st.cache_resource(show_spinner=False)
def turns(kind):
    "At most so many are in the works at once: a large picture takes 150 MB while it is read, and a video must not hold up pictures"
    return threading.BoundedSemaphore(1 if kind=='video' else max(1, os.cpu_count() or 1))

def read(name, data # bytes of a file
        ) -> Picture:
    "What was found in one picture; the network is asked here and nowhere else"
    model = recognizer()
    with turns('picture'):
        try: image = load_image(data, MAX_MB*2**20, MAX_PIXELS)
        except ImageError as e: return Picture(name, e.status)
        found = model.predict(image)
        shown = Image.fromarray(image); shown.thumbnail((1280, 1280))
        return Picture(name, found[0].status, data, data_uri(shown, 'JPEG'), image.shape[1::-1], readings(model, found))

def sample():
    "A portrait in the public domain"
    return 'Grace Hopper (US Navy)', (files('fer_nb')/'apps/page/sample.jpg').read_bytes()

def answers(place,  # of the page; what was taken away there is forgotten
            photos  # (key, name, bytes) of each
           ) -> list:
    "Reads each picture once in a session"
    seen = st.session_state.setdefault(f'read in {place}', {})
    for key in seen.keys() - {k for k,*_ in photos}: del seen[key]
    new = [photo for photo in photos if photo[0] not in seen]
    bar = st.progress(0., 'Looking for faces …') if new else None
    for i,(key,name,data) in enumerate(new):
        if len(new)>1: bar.progress(i/len(new), f'Picture {i+1} of {len(new)} …')
        seen[key] = read(name, data)
    if bar: bar.empty()
    return [seen[key] for key,*_ in photos]

def landmarks_view(pic, i, p):
    "The crop with its landmarks, or None if there are none"
    if p.landmarks is None: return None
    if ('landmarks', i) not in pic.views:
        pic.views['landmarks', i] = data_uri(draw_landmarks(p.crop, in_crop(p), 256, dots=False))
    return pic.views['landmarks', i]

def heat_view(pic, i, p):
    "The crop with the places on which its answer hangs"
    from fer_nb.explain import heat_map, overlay
    if ('heat', i, p.emotion) not in pic.views:
        with st.spinner('Covering one place after the other …'), turns('picture'): heat = heat_map(recognizer(), p.crop, p.emotion, None if p.landmarks is None else in_crop(p))
        pic.views['heat', i, p.emotion] = data_uri(overlay(p.crop, heat, 256))
    return pic.views['heat', i, p.emotion]

# How good it is

def figures_html(report # what `test_metrics.json` holds
                ):      # HTML
    "How often the answers are right on pictures that training never saw"
    sets = [('all', report), ('no doubles of training pictures', report.get('twin_free')), ('clear to most of ten people', report.get('ferplus'))]
    def cell(r): return f'<td>{r["accuracy"]:.1%}<br><small>{"{:.1f} to {:.1f}".format(*(100*v for v in r["interval"]["accuracy"]))}</small></td><td>{r["macro_f1"]:.3f}</td>'
    body = ''.join(f'<tr><th scope="row">{name}</th><td>{r["n"]:,}</td>{cell(r["single"])}{cell(r["flip_tta"])}</tr>' for name,r in sets if r)
    return ('<div class="scroll" role="region" aria-label="Accuracy" tabindex="0"><table><caption>Answers that agree with the label, with 95% intervals, and macro-F1</caption><thead><tr><th scope="col">pictures</th><th scope="col">number</th>'
            f'<th scope="col">one view</th><th scope="col">F1</th><th scope="col">with mirrored view</th><th scope="col">F1</th></tr></thead><tbody>{body}</tbody></table></div>')

def confusion_html(report # one view of `test_metrics.json`
                  ):      # HTML
    "Of the faces with one label, the share that got each answer"
    def cell(n, total, hit): return f'<td{" class=hit"*hit} style="background:color-mix(in srgb, #3a8fb7 {60*n/total:.0f}%, transparent)">{in_html(n/total)}</td>'
    head = ''.join(f'<th scope="col">{c}</th>' for c in CLASSES)
    body = ''.join(f'<tr><th scope="row">{c}</th><td>{sum(row):,}</td>{"".join(cell(n, sum(row), i==j) for j,n in enumerate(row))}</tr>' for i,(c,row) in enumerate(zip(CLASSES, report['confusion'])))
    return ('<div class="scroll" role="region" aria-label="Confusion matrix" tabindex="0"><table><caption>Confusion matrix: a row for each label, a column for each answer</caption>'
            f'<thead><tr><th scope="col">labelled</th><th scope="col">pictures</th>{head}</tr></thead><tbody>{body}</tbody></table></div>')

def reading_of(report):
    "The confusion matrix in words"
    per = report['per_class']
    best, worst = (f(CLASSES, key=lambda c: per[c]['recall']) for f in (max, min))
    i, row = CLASSES.index(worst), report['confusion'][CLASSES.index(worst)]
    other = max((c for c in CLASSES if c!=worst), key=lambda c: row[CLASSES.index(c)])
    return f'It finds **{best}** best ({percent(per[best]["recall"])} of them) and **{worst}** worst ({percent(per[worst]["recall"])}), which it most often takes for {other}.'

CARD = ("""
**What it is.** A small network that looks at 48 × 48 gray pixels and 468 landmarks of a face and names one of seven expressions. It was trained on FER2013, pictures that a search engine found for emotion words. Its probabilities are calibrated: of the answers given with 80%, about 80% are right on such pictures.

**What it is for.** Teaching, research, art, sorting your own pictures: where a wrong answer costs nothing and everybody concerned knows of it.
""", """
- **It does not see feelings.** A scowl may be concentration.
- **Not for decisions about people:** hiring, school, police, insurance, credit, health.
- **Not at work or in school in the European Union,** where inferring emotions is prohibited (AI Act, Article 5(1)(f)).
- **Not on people who have not agreed to it.**
- **Nobody knows for whom it works less well.** The data say nothing of age, sex, skin colour or origin.
""", """
Pictures and videos are sent to the server of this page, read in its memory, and forgotten when you take them away or close the page. Nothing is written to a disk, nothing is sent on, and no usage statistics are collected.
""")

# The page itself

def choices(place):
    "Toggles: what else to show of a face, and which reading"
    def toggle(label, help): return st.toggle(label, key=f'{label} in {place}', help=help)
    with st.container(horizontal=True, gap='medium'):
        points = toggle('Landmarks', 'The 468 points that are read along with the pixels.')
        heat = toggle('Heat map', 'Where the network looked: the places that, covered, cost the answer most.')
        both = toggle('Mirrored view', 'Averages the face with its mirror image (flip TTA). The tick shows the answer without it.')
        raw = toggle('Uncalibrated', 'What the network says before its confidence is corrected on known faces. The tick shows the corrected value.')
    return points, heat, (both, not raw)

def downloads(kinds, place):
    "What can be taken home: (label, bytes or how to make them, file name, type)"
    with st.container(horizontal=True):
        for label,data,name,mime in kinds: st.download_button(label, data, name, mime, key=f'{label} {name} {place}', on_click='ignore', icon=':material/download:')

def tables(table, name): return [('Table, CSV', lambda: to_csv(table), f'{name}.csv', 'text/csv'), ('Table, JSON', lambda: json.dumps(table, indent=1), f'{name}.json', 'application/json')]

def show(pic, points, heat, reading, place, alone=True):
    "One picture and its faces, side by side; one below the other on a phone"
    if pic.uri is None: return st.error(sentence(pic.status, pic.name))
    left, right = st.columns([5, 6], gap='medium')
    faces, plain = pic.faces(reading), pic.faces((False, True))
    with left:
        st.html(photo_html(pic.uri, pic.name, pic.size, faces))
    with right:
        if not faces: st.info(sentence(pic.status, pic.name))
        for i,(p,q) in enumerate(zip(faces, plain), 1):
            views = ([('landmarks' if p.landmarks is not None else 'no landmarks found', landmarks_view(pic, i, p))] if points and p.probabilities else []) + \
                    ([('where it looked', heat_view(pic, i, p))] if heat and p.probabilities else [])
            st.container(border=True).html(face_html(i, p, views, q.probabilities if reading!=(False, True) else None))
        stem = os.path.splitext(pic.name)[0]
        if faces: downloads([('Marked picture', lambda: marked(pic, reading), f'{stem}.png', 'image/png')] + (tables(rows([pic], reading), stem) if alone else []), f'{place} {id(pic)}')

def tag(row): return row['emotion'] if row['status']=='ok' else row['status']

def summary(pictures, reading):
    "Counts that also filter, a table and downloads; returns the pictures that pass the filter"
    table = rows(pictures, reading)
    counts = {t:sum(tag(r)==t for r in table) for t in (*CLASSES, *WORDS) if any(tag(r)==t for r in table)}
    chosen = st.pills(f'{len(pictures)} pictures, {sum(r["face"] is not None for r in table)} faces. Show only', counts, selection_mode='multi', format_func=lambda t: f'{WORDS.get(t, t).capitalize()} · {counts[t]}', key='filter')
    kept = [r for r in table if not chosen or tag(r) in chosen]
    shown = [r | {k:100*r[k] for k in ('confidence', *CLASSES) if r[k] is not None} | dict(status=WORDS[r['status']]) for r in kept]
    numbers = {c:st.column_config.NumberColumn(c.capitalize(), format='%.1f%%') for c in CLASSES}
    st.dataframe(shown, hide_index=True, placeholder='–', height=min(35*len(kept)+38, 300), column_order=['picture', 'face', 'status', 'emotion', 'confidence', *CLASSES],
                 column_config=dict(picture='Picture', face='Face', status='Status', emotion='Emotion', confidence=st.column_config.ProgressColumn('Confidence', format='%.0f%%', min_value=0, max_value=100)) | numbers)
    passing = [p for p in pictures if any(r in kept for r in rows([p], reading))]
    downloads(tables(kept, 'faces') + [('Zip of all', lambda: bundle(passing, kept, reading), 'faces.zip', 'application/zip')], 'pictures')
    return passing

def pictures_tab():
    uploads = st.file_uploader(f'Pictures with faces, up to {MAX_MB} MB each: drop, browse or paste', ['jpg', 'jpeg', 'png'], accept_multiple_files=True, max_upload_size=MAX_MB, key='pictures')
    photos = [(f.file_id, f.name, f.getvalue()) for f in uploads[:MAX_PICTURES]]
    if len(uploads)>MAX_PICTURES: st.warning(f'The first {MAX_PICTURES} pictures are read. For more, use the command `fer_nb predict`.')
    if not photos and st.toggle('Try a sample picture', key='sample'): photos = [('sample', *sample())]
    found = answers('pictures', photos)
    if not found: return
    st.html(heard_html(found, (False, True)))
    points, heat, reading = choices('pictures')
    several = len(found)>1
    if several: found = summary(found, reading)
    pages = -(-len(found)//PER_PAGE)
    page = min(pages, st.pagination(pages, key='page')) if pages>1 else 1
    for pic in found[(page-1)*PER_PAGE:page*PER_PAGE]: show(pic, points, heat, reading, 'pictures', not several)

def camera_tab():
    photo = st.camera_input('Look into the camera and take a photo', resolution='720p', width=520)
    found = answers('camera', [(photo.file_id, 'Photo', photo.getvalue())] if photo else [])
    if found: show(found[0], *choices('camera'), 'camera')

# Video

@dataclass
class Film:
    "What a session keeps of one video"
    key:str
    error:str=''
    timeline:object=None
    mp4:bytes=field(default=None, repr=False)
    frames:list=field(default_factory=list, repr=False) # (seconds, address of a small picture)

def film(key, name, data) -> Film:
    "What was found in one video, with a bar that says how far it is"
    from fer_nb.video.files import VideoError, read_video, video_info
    from fer_nb.video.timeline import analyze_video
    model, out, bar = recognizer(), io.BytesIO(), st.progress(0., 'Waiting for the video before this one …')
    def progress(done, total): bar.progress(min(1., done/total) if total else 0., f'{done:.0f} of {total:.0f} seconds' if total else f'{done:.0f} seconds')
    try:
        info = video_info(data)
        with turns('video'): timeline = analyze_video(model, data, out, progress, VIDEO_SECONDS, 960, stride=max(1, round((info.fps or 25)/VIDEO_FPS)))
    except VideoError as e: return Film(key, str(e))
    finally: bar.empty()
    timeline.source = name
    seen = {r.frame for r in timeline}
    small = [(f.time, data_uri(Image.fromarray(f.image), 'JPEG')) for f in read_video(out.getvalue(), max_side=240) if f.index in seen and f.image is not None]
    return Film(key, '', timeline, out.getvalue(), small)

def ribbon(timeline, face, frames):
    "Seven bands over time, each as high as its probability; the frame under the pointer is in the tooltip"
    import altair as alt
    from bisect import bisect
    at = [t for t,_ in frames]
    shown = [r for r in timeline if r.face==face and r.probabilities]
    step = min((b.time-a.time for a,b in zip(shown, shown[1:])), default=.1)
    bands = [dict(time=r.time, emotion=c, low=6-i, high=6-i+.9*r.probabilities[c]) for r in shown for i,c in enumerate(CLASSES)]
    spots = [dict(start=r.time, end=r.time+step, top=7, answer=f'{r.emotion} {percent(r.confidence)}', image=frames[max(0, bisect(at, r.time+1e-6)-1)][1]) for r in shown]
    names = ' : '.join(f"datum.value=={6-i} ? '{c}'" for i,c in enumerate(CLASSES))
    x, y = alt.X('time:Q', title='seconds', scale=alt.Scale(domain=[0, shown[-1].time+step], nice=False)), alt.Y('low:Q', title=None, scale=alt.Scale(domain=[0, 7]), axis=alt.Axis(values=list(range(7)), labelExpr=f"{names} : ''", labelBaseline='bottom', grid=True, ticks=False))
    area = alt.Chart(alt.Data(values=bands)).mark_area(interpolate='step-after').encode(x=x, y=y, y2='high:Q', color=alt.Color('emotion:N', legend=None, scale=alt.Scale(domain=list(COLORS), range=list(COLORS.values()))))
    hover = alt.selection_point(on='pointerover', empty=False)
    spot = alt.Chart(alt.Data(values=spots)).mark_rect(color='#888').encode(x='start:Q', x2='end:Q', y=alt.value(0), y2=alt.value('height'),
        opacity=alt.condition(hover, alt.value(.25), alt.value(0)), tooltip=[alt.Tooltip('image:N'), alt.Tooltip('start:Q', title='seconds', format='.1f'), alt.Tooltip('answer:N')]).add_params(hover)
    return (area+spot).properties(height=300, description=f'What face {face} shows over {shown[-1].time:.0f} seconds; the table below says it in numbers')

def show_film(film):
    "Timeline, the frame at a moment, the marked video and what can be taken home"
    if film.error: return st.error(film.error)
    faces = film.timeline.faces()
    if not faces: st.info('No face was found in this video. Try one where a face is larger, in good light and turned to the camera.')
    face = st.segmented_control('Face', faces, default=faces[0], required=True, key='face') if len(faces)>1 else faces[0] if faces else None
    left, right = st.columns([5, 6], gap='medium')
    with left: st.video(film.mp4)
    with right:
        if face:
            st.altair_chart(ribbon(film.timeline, face, film.frames))
            st.markdown('Point at a moment to see its frame; the higher a band, the more probable the emotion.')
    if faces:
        table = film.timeline.summary()
        seen = [k for k in (*CLASSES, 'uncertain') if any(r[k]>=.005 for r in table)]
        columns = dict(face='Face', start=st.column_config.NumberColumn('From, s', format='%.1f'), end=st.column_config.NumberColumn('To, s', format='%.1f')) | {k:st.column_config.NumberColumn(k.capitalize(), format='percent') for k in seen}
        st.dataframe([{k:round(r[k], 2) if k in seen else r[k] for k in columns} for r in table], hide_index=True, column_config=columns)
    downloads([('Table, CSV', film.timeline.to_csv(), 'video.csv', 'text/csv'), ('Table, JSON', film.timeline.to_json(), 'video.json', 'application/json'), ('Marked video', film.mp4, 'video.mp4', 'video/mp4')], 'video')

def video_tab():
    if not find_spec('av'): return st.info('Video needs PyAV on the server: `pip install av`.')
    clip = st.file_uploader(f'A video of at most {VIDEO_SECONDS} seconds and {VIDEO_MB} MB', ['mp4', 'mov', 'webm', 'mkv', 'avi'], max_upload_size=VIDEO_MB, key='clip')
    kept = st.session_state.get('film')
    if not clip: st.session_state.pop('film', None); return
    if not kept or kept.key!=clip.file_id: kept = st.session_state['film'] = film(clip.file_id, clip.name, clip.getvalue())
    show_film(kept)

def about_tab():
    what, misuse, privacy = CARD
    left, right = st.columns(2, gap='large')
    left.subheader('The model', anchor=False); left.markdown(what)
    right.subheader('What it must not be used for', anchor=False); right.markdown(misuse)
    path = files('fer_nb')/'weights'/'test_metrics.json'
    if path.is_file():
        report = json.loads(path.read_text())
        st.subheader('How good it is', anchor=False)
        st.markdown(f"Measured on {report['n']:,} FER2013 pictures kept out of training (PrivateTest). They are small, gray and from the web: expect less on faces unlike them.")
        st.html(figures_html(report))
        st.markdown(reading_of(report['single']))
        st.html(confusion_html(report['single']))
        limit, note = recognizer().threshold, recognizer().meta.get('uncertain_note')
        if note: st.markdown(f"Below a confidence of {percent(limit)} the page says *uncertain*. On pictures kept out of training ({note['split']}) that leaves {percent(note['coverage'])} of the faces answered, and {percent(note['accuracy'])} of these answers right.")
    st.subheader('Privacy', anchor=False); st.markdown(privacy)

def main():
    st.set_page_config(f'fer_nb: {TITLE}', str(files('fer_nb')/'apps/page/icon.png'), layout='wide') # one of Streamlit's own names would be fetched from Google
    st.html(f'{STYLE}<h1>{TITLE}</h1><p>{NOTE}</p>{SCRIPT}', unsafe_allow_javascript=True)
    pictures, camera, video, about = st.tabs(['Pictures', 'Camera', 'Video', 'About'], key='tab', on_change='rerun')
    with pictures: pictures_tab()
    with camera:
        if camera.open: camera_tab()
    with video: video_tab()
    with about:
        if about.open: about_tab()
    recognizer()

if __name__ == '__main__': main()
