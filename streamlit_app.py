"""The page: pictures in, and for every face what it seems to show. It only lays out; `fer_nb.inference` does the reading."""
import base64, hashlib, html, io, json
from importlib.resources import files
import streamlit as st
from PIL import Image
from fer_nb.faces import ImageError, load_image
from fer_nb.inference import COLORS, EmotionRecognizer, annotate

MAX_MB, MAX_PIXELS = 5, 50_000_000
NOTE = ('It reads the **expression a face shows**, which is not what the person feels. '
        'Pictures are read in memory and not stored.')
SENTENCES = dict(
    no_face='No face was found in {}. Try one where a face is larger, in good light and turned to the camera.',
    too_large=f'{{}} is too large. Upload a picture of at most {MAX_MB} MB and {MAX_PIXELS//10**6} million pixels.',
    unreadable='{} cannot be read as a picture. Save it as JPEG or PNG and upload it again.')
STYLE = '''<style>
[data-testid="stMainBlockContainer"] {max-width: 1100px; padding-top: 3.5rem}
[data-testid="stMainBlockContainer"] h1 {font-size: clamp(1.8rem, 6vw, 2.6rem)}
[data-testid="stFileUploader"]:has([aria-invalid="true"])::after {content: "The file in red was not taken: it must be a JPEG or PNG of at most MAX_MB MB."; display: block; margin-top: .5rem}
.photo {margin: 0} .photo img {max-width: 100%; max-height: 80vh; border-radius: .5rem}
.photo figcaption {font-size: .85rem; opacity: .75; overflow-wrap: anywhere}
.face {display: grid; grid-template-columns: 7rem 1fr; grid-template-rows: auto 1fr; column-gap: 1rem; row-gap: .5rem}
.face > img {width: 100%; border-radius: .5rem; grid-row: span 2}
.face h3 {font-size: 1.25rem; margin: 0; padding: 0} .face p {margin: .3rem 0 0}
.bars {display: grid; grid-template-columns: max-content 1fr max-content; gap: .3rem .7rem; align-content: start; align-items: center; font-size: .9rem; font-variant-numeric: tabular-nums}
.bars > i {background: #8883; border-radius: .3rem; overflow: hidden} .bars > i > i {display: block; height: .8rem}
.bars > b {font-weight: normal; text-align: right}
@media (max-width: 640px) {.face {grid-template-columns: 4.5rem 1fr} .face > img {grid-row: auto} .face > .said {align-self: center} .face > .bars {grid-column: span 2}}
</style>'''.replace('MAX_MB', str(MAX_MB))

# What the page says: plain functions of what was found

def sentence(status, # why there is nothing to show: a key of `SENTENCES`
             name    # of the file
            ):       # Markdown
    "What to tell a person whose picture gave no face"
    name = name.replace('`', "'").replace('\n', ' ')
    return SENTENCES[status].format(f'`{name}`')

def headline(p # `Prediction`
            ): # text
    "The answer for one face in a few words"
    return {'ok':f'{(p.emotion or "").capitalize()} {p.confidence or 0:.0%}', 'uncertain':'Uncertain', 'too_small':'Too small to read'}[p.status]

def bars_html(probabilities # class to probability
             ):             # HTML: name, bar and percentage of each class, the most probable first
    "The probabilities as bars that also say their number"
    rows = sorted(probabilities.items(), key=lambda kv: -kv[1])
    return '<div class="bars">' + ''.join(
        f'<span>{k}</span><i><i style="width:{100*v:.4f}%;background:{COLORS[k]}"></i></i><b>{v:.1%}</b>' for k,v in rows) + '</div>'

def data_uri(im, # PIL picture
             format='PNG'):
    "The picture as the address of itself: nothing is left for the server to keep"
    f = io.BytesIO(); im.save(f, format, quality=90)
    return f'data:image/{format.lower()};base64,{base64.b64encode(f.getvalue()).decode()}'

def face_html(i, # number on the face's box
              p  # its `Prediction`
             ):  # HTML
    "The card of one face: what was looked at, the answer, the bars"
    message = f'<p>{html.escape(p.message)}</p>' if p.message else ''
    return (f'<div class="face"><img alt="Face {i}" src="{data_uri(Image.fromarray(p.crop))}"><div class="said"><h3>{i} · {headline(p)}</h3>{message}</div>'
            f'{bars_html(p.probabilities or {})}</div>')

def photo_html(uri, name, n # faces in it
              ):
    "The picture with its file name"
    name, faces = html.escape(name), 'one face' if n==1 else f'{n or "no"} faces'
    return f'<figure class="photo"><img alt="{name} with {faces} marked" src="{uri}"><figcaption>{name}: {faces}</figcaption></figure>'

def figures(report # what `test_metrics.json` holds
           ):      # Markdown
    "How often the answers are right on pictures that training never saw"
    r, free = report['single'], report.get('twin_free')
    low, high = r['interval']['accuracy']
    text = (f"On {report['n']:,} FER2013 pictures kept out of training, the answer agrees with the label **{r['accuracy']:.1%}** of the time "
            f"(95% interval {low:.1%} to {high:.1%}); macro-F1 is {r['macro_f1']:.3f}. ")
    if free: text += f"Without those that also occur in training, {free['n']:,} remain and it is {free['single']['accuracy']:.1%}. "
    text += 'They are small gray pictures from the web: expect less on faces unlike them.\n\n'
    rows = [f"| {k} | {v['recall']:.0%} | {v['precision']:.0%} | {v['support']:,} |" for k,v in r['per_class'].items()]
    return text + '\n'.join(['| labelled | found | right when said | pictures |', '|:--|--:|--:|--:|', *rows])

# The page itself

@st.cache_resource(show_spinner='Loading the model, once …')
def recognizer(): return EmotionRecognizer.from_pretrained()

def answer(data # bytes of a file
          ):    # status, the marked picture's address or None, predictions
    "What was found in one picture"
    try: image = load_image(data, MAX_MB*2**20, MAX_PIXELS)
    except ImageError as e: return e.status, None, []
    found = recognizer().predict(image)
    picture = annotate(image, found)
    picture.thumbnail((1280, 1280))
    return found[0].status, data_uri(picture, 'JPEG'), [p for p in found if p.box]

def answers(photos # (name, bytes) of each
           ):      # yields name and `answer`
    "Reads each picture once in a session; one that was taken away is forgotten"
    seen, keys = st.session_state.setdefault('answers', {}), []
    for name, data in photos:
        keys.append(key := hashlib.sha256(data).hexdigest())
        if key not in seen:
            with st.spinner('Looking for faces …'): seen[key] = answer(data)
        yield name, seen[key]
    for key in seen.keys() - set(keys): del seen[key]

def show(name, status, uri, faces):
    "One picture and its faces, side by side; one below the other on a phone"
    if uri is None: return st.error(sentence(status, name))
    left, right = st.columns([5, 6], gap='medium')
    left.html(photo_html(uri, name, len(faces)))
    with right:
        if not faces: st.info(sentence(status, name))
        for i,p in enumerate(faces, 1): st.container(border=True).html(face_html(i, p))

def sample():
    "A public-domain portrait that matplotlib carries; mediapipe brings matplotlib"
    from matplotlib.cbook import get_sample_data
    with get_sample_data('grace_hopper.jpg') as f: return 'Grace Hopper (US Navy)', f.read()

def main():
    st.set_page_config('fer_nb: what does this face show?', layout='wide')
    st.html(STYLE)
    st.title('What does this face show?', anchor=False)
    st.markdown(NOTE)
    uploads = st.file_uploader(f'Pictures with faces: JPEG or PNG, up to {MAX_MB} MB each', ['jpg', 'jpeg', 'png'], accept_multiple_files=True, max_upload_size=MAX_MB)
    photos = [(f.name, f.getvalue()) for f in uploads]
    if not photos and st.toggle('Try it on a sample picture'): photos = [sample()]
    for name, found in answers(photos): show(name, *found)
    report = files('fer_nb')/'weights'/'test_metrics.json'
    if report.is_file(): st.expander('How good is it?').markdown(figures(json.loads(report.read_text())))

if __name__ == '__main__': main()
