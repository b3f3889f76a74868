"""The page: pictures in, and for every face what it seems to show. It only lays out; `fer_nb` does the reading."""
import base64, csv, html, io, json, os, threading, zipfile
from dataclasses import dataclass, field
from importlib.resources import files
import streamlit as st
from PIL import Image
from starlette.formparsers import MultiPartParser
from fer_nb.data import CLASSES
from fer_nb.faces import ImageError, load_image
from fer_nb.inference import COLORS, EmotionRecognizer, annotate, readings, reasons
from fer_nb.landmarks import draw_landmarks

MAX_MB, MAX_PIXELS, MAX_PICTURES, PER_PAGE = 5, 50_000_000, 50, 5
VIDEO_MB, VIDEO_SECONDS, VIDEO_FPS = 25, 30, 8 # FPS: frames analysed a second
MultiPartParser.spool_max_size = 2*VIDEO_MB*2**20 # Starlette would write an upload of more than 1 MB to a temporary file
os.environ.setdefault('OMP_NUM_THREADS', '1')     # many visitors on few cores: one thread each is faster for all

TITLE = 'What does this face show?'
NOTE = 'An **expression**, that is, not what the person feels. Pictures are read in memory and never stored.'
WORDS = dict(ok='Read', uncertain='Uncertain', no_face='No face', too_small='Too small', unreadable='Unreadable', too_large='Too large')
SENTENCES = dict(
    no_face='No face was found in {}. Try one where a face is larger, in good light and turned to the camera.',
    too_large=f'{{}} is too large. Upload a picture of at most {MAX_MB} MB and {MAX_PIXELS//10**6} million pixels.',
    unreadable='{} cannot be read as a picture. Save it as JPEG or PNG and upload it again.')
STYLE = '''<style>
[data-testid="stMainBlockContainer"] {max-width: 1120px; padding-top: 3rem}
[data-testid="stMainBlockContainer"] h1 {font-size: clamp(1.7rem, 6vw, 2.5rem); padding: 0 0 .25rem}
[data-testid="stFileUploader"]:has([aria-invalid="true"])::after {content: "The file in red was not taken. See the limits above."; display: block; margin-top: .5rem}
.photo {margin: 0} .photo > div {position: relative; display: inline-block; line-height: 0; max-width: 100%}
.photo img {max-width: 100%; max-height: 80vh; border-radius: .5rem}
.mark {position: absolute; border: 3px solid var(--c); box-shadow: 0 0 0 1px #0009, inset 0 0 0 1px #0009; border-radius: 3px}
.mark.unsure {border-style: dashed}
.mark b {position: absolute; left: -4px; bottom: 100%; margin-bottom: 3px; white-space: nowrap; font-size: .8rem; line-height: 1; font-weight: 600; padding: .25em .45em; border-radius: 3px; background: var(--c); color: var(--ink)}
.mark.top b {bottom: auto; top: 0; left: 0; border-radius: 0 0 3px 0} .mark.right b {left: auto; right: -4px}
.photo figcaption {font-size: .9rem; margin-top: .4rem; overflow-wrap: anywhere}
.face {display: grid; grid-template-columns: 7.5rem minmax(0, 1fr); gap: .6rem 1.1rem}
.face > .views {display: flex; flex-direction: column; gap: .5rem; grid-row: span 2} .views figure {margin: 0} .views img {width: 100%; border-radius: .5rem; display: block} .views figcaption {font-size: .8rem; margin-top: .15rem}
.face h3 {font-size: 1.3rem; margin: 0; padding: 0; line-height: 1.3} .face p {margin: .15rem 0 0} .face .why {margin: .15rem 0 0; padding-left: 1.2rem; font-size: .9rem}
.face h3 i {display: inline-block; width: .75em; height: .75em; border-radius: 50%; margin-right: .4em; border: 1px solid currentColor}
.stHtml ul.bars {list-style: none; margin: 0; padding: 0; display: grid; gap: .28rem; font-size: .9rem; font-variant-numeric: tabular-nums; align-content: start}
.bars li {display: grid; grid-template-columns: 4.6rem minmax(0, 1fr) minmax(2.6rem, max-content); gap: .7rem; align-items: center; margin: 0; padding: 0}
.bars i {position: relative; display: block; height: .85rem; border-radius: .2rem; background: color-mix(in srgb, currentColor 12%, transparent)}
.bars i i {height: 100%; box-shadow: inset 0 0 0 1px color-mix(in srgb, currentColor 45%, transparent)}
.bars s {position: absolute; top: -2px; bottom: -2px; width: 3px; margin-left: -1px; background: currentColor}
.bars b {font-weight: normal; text-align: right} .bars li:first-child b, .bars li:first-child span {font-weight: 600} .bars small {font-weight: normal; font-size: .8rem}
.scroll {overflow-x: auto} .stHtml table {border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums} .stHtml caption {text-align: left; padding-bottom: .4rem}
.stHtml th, .stHtml td {padding: .3rem .55rem; text-align: right; border: 1px solid color-mix(in srgb, currentColor 20%, transparent); font-weight: normal} .stHtml th[scope=row] {text-align: left} .stHtml td.hit {font-weight: 700}
#vg-tooltip-element img {max-width: 180px !important; max-height: 180px !important}
@media (max-width: 640px) {
  [data-testid="stMainBlockContainer"] {padding: 3rem 1rem}
  .face {grid-template-columns: 5rem minmax(0, 1fr)} .face > .views {grid-row: auto} .face > .said {align-self: center} .face > .bars {grid-column: span 2}
  .face.more {grid-template-columns: 1fr} .face.more > .views {flex-direction: row} .face.more .views figure {flex: 1 1 0; max-width: 8rem} .face.more > .bars {grid-column: auto}
}
</style>'''
PASTE = '''<script>
if (!window.fernbPaste) {
  window.fernbPaste = true;
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

def certainty(p):
    "A calibrated probability in words"
    return next(word for least,word in ((.9, 'almost certain'), (.7, 'likely'), (.5, 'more likely than not'), (0, 'a guess')) if p>=least)

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
        was = f' <small>was {percent(before[k])}</small>' if before and percent(before[k])!=percent(v) else ''
        tick = f'<s style="left:{100*before[k]:.2f}%"></s>' if was else ''
        return f'<li><span>{k}</span><i aria-hidden="true"><i style="width:{100*v:.4f}%;background:{COLORS[k]}"></i>{tick}</i><b>{percent(v)}{was}</b></li>'
    return '<ul class="bars">' + ''.join(bar(*kv) for kv in sorted(probabilities.items(), key=lambda kv: -kv[1])) + '</ul>'

def face_html(i,           # number on the face's box
              p,           # its `Prediction`
              views=(),    # more pictures of it: (caption, address, or None if there is none)
              before=None  # probabilities to compare with
             ):            # HTML
    "The card of one face: what was looked at, the answer, the bars"
    seen = [(f'Face {i}, as the network sees it', data_uri(Image.fromarray(p.crop)), '')] + [(f'Face {i}: {c}', uri, c) for c,uri in views]
    figures = ''.join(f'<figure>{f"""<img alt="{alt}" src="{uri}">""" if uri else ""}{f"<figcaption>{c}</figcaption>" if c else ""}</figure>' for alt,uri,c in seen)
    dot = f'<i aria-hidden="true" style="background:{COLORS[p.emotion]}"></i>' if p.status=='ok' else ''
    why = reasons(p) if p.status=='uncertain' else []
    text = f'<p>{html.escape(said(p))}</p>' + (f'<p>Why:</p><ul class="why">{"".join(f"<li>{w}</li>" for w in why)}</ul>' if why else '')
    return (f'<article class="face{" more" if views else ""}"><div class="views">{figures}</div><div class="said"><h3>{dot}{i} · {headline(p)}</h3>{text}</div>'
            f'{bars_html(p.probabilities, before) if p.probabilities else ""}</article>')

def mark_html(i, p, size, brief # only its number
             ):
    "The numbered box of one face, placed in percent of the picture"
    (x0, y0, x1, y1), (w, h) = p.box, size
    left, top, right, bottom = (min(max(v, 0), 100) for v in (100*x0/w, 100*y0/h, 100*x1/w, 100*y1/h))
    color = COLORS[p.emotion] if p.emotion else '#6b6b6b'
    words = '' if brief else f' {p.emotion.capitalize()}{"?" if p.status=="uncertain" else ""} {percent(p.confidence)}' if p.emotion else ' Too small'
    kind = ' unsure'*(p.status!='ok') + ' top'*(top<9) + ' right'*(left>70)
    return (f'<div class="mark{kind}" style="left:{left:.2f}%;top:{top:.2f}%;width:{right-left:.2f}%;height:{bottom-top:.2f}%;--c:{color};--ink:{ink(color)}"><b>{i}{words}</b></div>')

def photo_html(uri, name, size, faces):
    "The picture with a box round each face, and its file name"
    name, n = html.escape(name), len(faces)
    count = 'one face' if n==1 else f'{n or "no"} faces'
    marks = ''.join(mark_html(i, p, size, n>6) for i,p in enumerate(faces, 1))
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

def bundle(pictures, reading):
    "Table and marked pictures in one zip"
    f, table = io.BytesIO(), rows(pictures, reading)
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
def turns():
    "At most so many pictures are in the works at once: a large one takes 150 MB while it is read"
    return threading.BoundedSemaphore(max(1, os.cpu_count() or 1))

def read(name, data # bytes of a file
        ) -> Picture:
    "What was found in one picture; the network is asked here and nowhere else"
    model = recognizer()
    with turns():
        try: image = load_image(data, MAX_MB*2**20, MAX_PIXELS)
        except ImageError as e: return Picture(name, e.status)
        found = model.predict(image)
        shown = Image.fromarray(image); shown.thumbnail((1280, 1280))
        return Picture(name, found[0].status, data, data_uri(shown, 'JPEG'), image.shape[1::-1], readings(model, found))

def sample():
    "A public-domain portrait that matplotlib carries; mediapipe brings matplotlib"
    from matplotlib.cbook import get_sample_data
    with get_sample_data('grace_hopper.jpg') as f: return 'Grace Hopper (US Navy)', f.read()

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
        x0, y0, x1, _ = p.frame
        pic.views['landmarks', i] = data_uri(draw_landmarks(p.crop, (p.landmarks-[x0, y0, 0])/(x1-x0), 256, dots=False))
    return pic.views['landmarks', i]

def heat_view(pic, i, p):
    "The crop with the places on which its answer hangs"
    from fer_nb.explain import heat_map, overlay
    if ('heat', i, p.emotion) not in pic.views:
        with st.spinner('Covering one place after the other …'), turns(): heat = heat_map(recognizer(), p.crop, p.emotion)
        pic.views['heat', i, p.emotion] = data_uri(overlay(p.crop, heat))
    return pic.views['heat', i, p.emotion]

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

def show(pic, points, heat, reading, place):
    "One picture and its faces, side by side; one below the other on a phone"
    if pic.uri is None: return st.error(sentence(pic.status, pic.name))
    left, right = st.columns([5, 6], gap='medium')
    faces, plain = pic.faces(reading), pic.faces((False, True))
    with left:
        st.html(photo_html(pic.uri, pic.name, pic.size, faces))
        if faces: st.download_button('Marked picture', lambda: marked(pic, reading), f'{pic.name.rsplit(".", 1)[0]}-faces.png', 'image/png', key=f'png {id(pic)} in {place}', on_click='ignore', icon=':material/download:')
    with right:
        if not faces: st.info(sentence(pic.status, pic.name))
        for i,(p,q) in enumerate(zip(faces, plain), 1):
            views = ([('landmarks' if p.landmarks is not None else 'no landmarks found', landmarks_view(pic, i, p))] if points and p.probabilities else []) + \
                    ([('where it looked', heat_view(pic, i, p))] if heat and p.probabilities else [])
            st.container(border=True).html(face_html(i, p, views, q.probabilities if reading!=(False, True) else None))

def tag(row): return row['emotion'] if row['status']=='ok' else row['status']

def summary(pictures, reading):
    "Counts that also filter, a table and downloads; returns the pictures that pass the filter"
    table = rows(pictures, reading)
    counts = {t:sum(tag(r)==t for r in table) for t in (*CLASSES, *WORDS) if any(tag(r)==t for r in table)}
    chosen = st.pills(f'{len(pictures)} pictures, {sum(r["face"] is not None for r in table)} faces. Show only', counts, selection_mode='multi', format_func=lambda t: f'{WORDS.get(t, t).capitalize()} · {counts[t]}', key='filter')
    kept = [r for r in table if not chosen or tag(r) in chosen]
    number = st.column_config.NumberColumn
    st.dataframe(kept, hide_index=True, height=min(36*len(kept)+38, 300), column_order=['picture', 'face', 'status', 'emotion', 'confidence', *CLASSES],
                 column_config=dict(picture='Picture', face='Face', status='Status', emotion='Emotion', confidence=st.column_config.ProgressColumn('Confidence', format='percent', min_value=0, max_value=1)) | {c:number(c.capitalize(), format='percent') for c in CLASSES})
    names = {r['picture'] for r in kept}
    kept_pictures = [p for p in pictures if p.name in names]
    with st.container(horizontal=True):
        for label,data,name in (('CSV', to_csv(kept), 'faces.csv'), ('JSON', json.dumps(kept, indent=1), 'faces.json'), ('Zip of all', lambda: bundle(kept_pictures, reading), 'faces.zip')):
            st.download_button(label, data, name, on_click='ignore', icon=':material/download:')
    return kept_pictures

def pictures_tab():
    uploads = st.file_uploader(f'Pictures with faces: drop, browse, or paste with Ctrl+V', ['jpg', 'jpeg', 'png'], accept_multiple_files=True, max_upload_size=MAX_MB, key='pictures')
    st.html(PASTE, unsafe_allow_javascript=True)
    photos = [(f.file_id, f.name, f.getvalue()) for f in uploads[:MAX_PICTURES]]
    if len(uploads)>MAX_PICTURES: st.warning(f'The first {MAX_PICTURES} pictures are read. For more, use the command `fer_nb predict`.')
    if not photos and st.toggle('Try a sample picture', key='sample'): photos = [('sample', *sample())]
    found = answers('pictures', photos)
    if not found: return
    points, heat, reading = choices('pictures')
    if len(found)>1: found = summary(found, reading)
    pages = -(-len(found)//PER_PAGE)
    page = st.pagination(pages, key='page') if pages>1 else 1
    for pic in found[(page-1)*PER_PAGE:page*PER_PAGE]: show(pic, points, heat, reading, 'pictures')

def camera_tab():
    photo = st.camera_input('Look into the camera and take a photo', resolution='720p') if 'resolution' else None
    found = answers('camera', [(photo.file_id, 'Photo', photo.getvalue())] if photo else [])
    if found: show(found[0], *choices('camera'), 'camera')

def main():
    st.set_page_config(f'fer_nb: {TITLE}', ':material/mood:', layout='wide')
    st.html(STYLE)
    st.title(TITLE, anchor=False)
    st.markdown(NOTE)
    pictures, camera, video, about = st.tabs(['Pictures', 'Camera', 'Video', 'About'], on_change='rerun')
    with pictures: pictures_tab()
    with camera:
        if camera.open: camera_tab()
    recognizer()

if __name__ == '__main__': main()
