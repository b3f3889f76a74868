"""The page: pictures in, and for every face what it seems to show. Layout only; `fer_nb.apps.page` holds its parts."""
import logging
import os
import secrets
from importlib import import_module
from importlib.resources import files
from importlib.util import find_spec
import streamlit as st
from starlette.formparsers import MultiPartParser
from starlette.middleware import Middleware
from streamlit.starlette import App
from fer_nb import __version__
from fer_nb.apps.page import about, film, parts, reading, server, words
from fer_nb.apps.page.film import VIDEO_MB, VIDEO_SECONDS
from fer_nb.apps.page.reading import MAX_MB, MAX_PICTURES, MAX_SUM_MB, PLAIN, Picture, Reading
from fer_nb.core import CLASSES

FEW, MAX_HEAT = 4, 12 # pictures shown in full, more stand in a gallery; faces of a picture that get heat maps
MultiPartParser.spool_max_size = 2*VIDEO_MB*2**20 # Starlette would write uploads of more than 1 MB to a file
os.environ.setdefault('OMP_NUM_THREADS', '1')     # many visitors on few cores: one thread each is faster for all

# Switches and downloads

def switches(place: str) -> tuple[bool, bool, Reading]:
    "What else to show of a face, and how to read the network's answer"
    def toggle(label, about): return st.toggle(label, key=f'{label} in {place}', help=about)
    def choice(label, named, about):
        first = next(iter(named))
        kind = st.segmented_control(label, list(named), default=first, required=True, key=f'{label} in {place}',
                                    format_func=lambda k: named[k], help=about)
        return None if kind == first else kind
    with st.container(horizontal=True, gap='medium', vertical_alignment='center'):
        points, heat = toggle('Landmarks', words.HELP['landmarks']), toggle('Heat map', words.HELP['heat'])
        with st.popover('More'):
            truth = choice('Who is asked', words.TRUTHS, words.HELP['truth'])
            prior = choice('How common each expression is', words.PRIORS, words.HELP['prior'])
            mirrored = toggle('Mirrored view', words.HELP['mirrored'])
    return points, heat, Reading(truth, prior, mirrored)

def downloads(kinds, place):
    "What can be taken home: (label, bytes or how to make them, file name, type)"
    with st.container(horizontal=True):
        for label, data, name, mime in kinds:
            st.download_button(label, data, name, mime, key=f'{label} {name} {place}', on_click='ignore',
                               icon=':material/download:')

def tables(rows, name):
    return [('CSV table', lambda: reading.table(rows, 'csv'), f'{name}.csv', 'text/csv'),
            ('JSON table', lambda: reading.table(rows, 'json'), f'{name}.json', 'application/json')]

# Pictures

def card(pic: Picture, key: str, i: int, p, plain, points, heat, how: Reading) -> parts.Card:
    "The card of face `i`"
    views = []
    if points and p.probabilities:
        views.append(('landmarks' if p.points is not None else 'no landmarks found', pic.landmarks(i, p)))
    if heat and p.probabilities and i <= MAX_HEAT: views.append(pic.heat(i, p))
    return parts.Card(i, p, f'{key}{i}', views, plain.probabilities if how != PLAIN else None)

def cards(pic, key, points=False, heat=False, how=PLAIN):
    "What is said of each face"
    pairs = enumerate(zip(pic.faces(how), pic.faces(PLAIN)), 1)
    if not pic.faces(how): return st.info(reading.SENTENCES[pic.status].format(words.plain(pic.name)))
    spin = heat and len(pic.faces(how)) > 1
    with st.spinner('Covering one place after the other …') if spin else st.container():
        st.html(parts.cards([card(pic, key, i, p, q, points, heat, how) for i, (p, q) in pairs]))

def show(pic, key, points=False, heat=False, how=PLAIN, under=None):
    "A picture and its faces, side by side; one below the other on a phone"
    if not pic.uri: return st.error(reading.SENTENCES[pic.status].format(words.plain(pic.name)))
    left, right = st.columns([5, 6], gap='medium')
    with right:
        slot = st.container()
        if under: points, heat, how = under()
    with left: st.html(parts.photo(pic.uri, pic.name, pic.size, pic.faces(how), key))
    with slot: cards(pic, key, points, heat, how)
    if not (pic.faces(how) and key): return
    stem, mime = reading.safe(pic.name), 'image/png' if pic.ending == 'png' else 'image/jpeg'
    marked = [('Marked picture', lambda: pic.marked(how), f'{stem}.{pic.ending}', mime)]
    with right: downloads(marked + (tables(pic.rows(how), stem) if under else []), key)

def tag(row): return row['emotion'] if row['status'] == 'ok' else row['status']

def filtered(pictures, how):
    "Counts that also filter, and a part of the file's name: numbers of the pictures that pass, with their rows"
    rows = [(i, r) for i, pic in enumerate(pictures) for r in pic.rows(how)]
    tags = [tag(r) for _, r in rows]
    counts = {t: tags.count(t) for t in (*CLASSES, *words.WORDS) if t in tags}
    label = f'{len(pictures)} pictures, {words.faces(sum(r["face"] is not None for _, r in rows))}. Show only'
    chosen = st.pills(label, counts, selection_mode='multi', key='filter',
                      format_func=lambda t: f'{words.WORDS.get(t, t).capitalize()} · {counts[t]}')
    part = st.text_input('Part of a file name', key='part').strip().lower() if len(pictures) > FEW else ''
    kept = [(i, r) for i, r in rows if (not chosen or tag(r) in chosen) and part in r['source'].lower()]
    if not kept: st.info('No picture passes this filter.')
    return sorted({i for i, _ in kept}), [r for _, r in kept]

def gallery(pictures, passing, how):
    "A button with a thumbnail for each picture; returns the numbers of those that are open: one, or none"
    chosen = st.session_state.get('open', 0)
    if passing and chosen not in passing: chosen = passing[0]
    rule = '.st-key-thumb-{} {{--sample: url({})}}'.format
    st.html(f'<style>{"".join(rule(i, pictures[i].thumb) for i in passing if pictures[i].thumb)}</style>')
    with st.container(horizontal=True, gap='small', key='gallery'):
        for i in passing:
            label = f'{words.brief(pictures[i].status, pictures[i].faces(how))} · {words.escaped(pictures[i].name)}'
            st.button(label, key=f'thumb {i}', type='primary' if i == chosen else 'secondary',
                      on_click=st.session_state.update, kwargs=dict(open=i))
    return [chosen] if passing else []

def grid(rows):
    "The table as one looks at it"
    def shown(r):
        percents = {k: 100*r[k] for k in ('confidence', *CLASSES) if r[k] is not None}
        return r | percents | dict(status=words.WORDS[r['status']])
    config = dict(source='Picture', face=st.column_config.Column('Face', help=words.HELP['face']), status='Status',
                  emotion='Emotion')
    config['confidence'] = st.column_config.ProgressColumn('Probability', format='%.0f%%', min_value=0, max_value=100)
    config |= {c: st.column_config.NumberColumn(c.capitalize(), format='%.1f%%') for c in CLASSES}
    st.dataframe([shown(r) for r in rows], hide_index=True, placeholder='–', height=min(35*len(rows)+38, 300),
                 column_order=list(config), column_config=config)

def samples(chosen):
    "Pictures to try: large before anything is chosen, one line afterwards"
    st.markdown('Or try one of these:' if chosen is None else 'Another sample:')
    names = [name for *_, name in reading.SAMPLES]
    def button(i, **kwargs):
        st.button(names[i], key=f'sample {i}', on_click=st.session_state.update, kwargs=dict(sample=i), **kwargs)
    if chosen is None:
        rules = ''.join(f'.st-key-sample-{i} {{--sample: url({reading.thumbnail(i)})}}' for i in range(len(names)))
        st.html(f'<style>{rules}</style>')
        with st.container(key='samples'):
            for i, column in enumerate(st.columns(len(names), gap='small')):
                with column: button(i, width='stretch')
    else:
        with st.container(horizontal=True, gap='small'):
            for i in range(len(names)): button(i, disabled=i == chosen)

def taken(uploads):
    "The uploads that are read: not more than are allowed, in number and in sum"
    out, total = [], 0
    for f in uploads[:MAX_PICTURES]:
        total += f.size
        if total > MAX_SUM_MB*2**20: break
        out.append(f)
    if left := len(uploads) - len(out):
        st.warning(f'{left} of {len(uploads)} pictures were left out: this page reads {MAX_PICTURES} pictures and '
                   f'{MAX_SUM_MB} MB at a time. For more, use the command `fer_nb predict`.')
    return out

def several(photos):
    "Many pictures: each appears when it is read; then a filter, the pictures or a gallery of them, and a table"
    many, slot = len(photos) > FEW, st.empty()
    preview = slot.container(horizontal=many)
    def each(pic):
        with preview:
            if many: st.html(parts.thumb(pic.thumb, pic.name, pic.status, pic.faces(PLAIN)), width='content')
            else: show(pic, '')
    found = reading.answers('pictures', photos, each)
    slot.empty()
    heard(found)
    top = st.container()
    points, heat, how = switches('pictures')
    with top:
        passing, rows = filtered(found, how)
        for i in gallery(found, passing, how) if many else passing: show(found[i], f'{i+1}-', points, heat, how)
    if not rows: return
    grid(rows)
    kept = [found[i] for i in passing]
    zipped = ('Everything as zip', lambda: reading.bundle(kept, rows, how), 'faces.zip', 'application/zip')
    downloads(tables(rows, 'faces') + [zipped], 'pictures')

def heard(found): st.html(parts.heard(words.heard([(p.name, p.status, p.faces(PLAIN)) for p in found])))

def pictures_tab():
    label = f'Drop, browse or paste up to {MAX_PICTURES} pictures, each of at most {MAX_MB} MB'
    uploads = st.file_uploader(label, reading.kinds(), accept_multiple_files=True, max_upload_size=MAX_MB,
                               key='pictures')
    photos: list = [(f.file_id, f.name, f.getvalue) for f in taken(uploads)]
    if shot := st.session_state.get('snapshot'):
        photos.append((shot[0], shot[1], lambda: shot[2]))
        st.button('Remove the snapshot', on_click=st.session_state.pop, args=('snapshot',), icon=':material/close:')
    chosen = None if photos else st.session_state.get('sample')
    if photos: st.session_state.pop('sample', None)
    if len(photos) > 1: return several(photos)
    found = reading.answers('pictures', photos) if chosen is None else [reading.read_sample(chosen)]
    heard(found)
    for pic in found: show(pic, '1-', under=lambda: switches('pictures'))
    if not uploads and not shot: samples(chosen)

def camera_tab():
    photo = st.camera_input('Look into the camera and take a photo', resolution='720p', width=520)
    found = reading.answers('camera', [(photo.file_id, 'Photo', photo.getvalue)] if photo else [])
    heard(found)
    for pic in found: show(pic, 'camera-', under=lambda: switches('camera'))

def live_tab():
    if not find_spec('streamlit_webrtc'): return st.info(words.MISSING.format('The live picture needs'))
    import_module('fer_nb.apps.page.live').tab() # what it brings takes its time

# Video

def video_tab():
    if not find_spec('av'): return st.info(words.MISSING.format('Videos need'))
    label = f'A video of at most {VIDEO_SECONDS} seconds and {VIDEO_MB} MB: MP4, MOV, WebM, MKV or AVI'
    clip = st.file_uploader(label, film.KINDS, max_upload_size=VIDEO_MB, key='clip')
    kept = st.session_state.get('film')
    if not clip: return st.session_state.pop('film', None)
    if not kept or kept.key != clip.file_id:
        bar = st.progress(0., 'Waiting for the video before this one …')
        def progress(done, total):
            of = f' of {total:.0f}' if total else ''
            bar.progress(min(1., done/total) if total else 0., f'{done:.0f}{of} seconds')
        kept = st.session_state['film'] = film.read_film(clip.file_id, clip.name, clip.getvalue(), progress)
        bar.empty()
    with st.container(key='film'): show_film(kept)

def show_film(shown):
    "The marked video, its timeline, and what can be taken home"
    if shown.error: return st.error(shown.error)
    faces = shown.timeline.faces()
    if not faces: st.info(reading.SENTENCES['no_face'].format('this video').replace('a picture', 'one'))
    left, right = st.columns([5, 6], gap='medium')
    with left: st.video(shown.mp4)
    with right:
        if faces:
            face = faces[0]
            if len(faces) > 1: face = st.segmented_control('Face', faces, default=face, required=True, key='face')
            st.html(film.ribbon(shown.timeline, face))
            st.markdown('The higher a band, the more probable its emotion. Tap, drag or use the slider to seek.')
    if faces:
        rows, seen = film.seconds_by_emotion(shown.timeline)
        number = st.column_config.NumberColumn
        seconds = {k: number(v, format='%.1f') for k, v in dict(start='From, s', end='To, s').items()}
        percents = {k: number(k.capitalize(), format='percent') for k in seen}
        st.dataframe(rows, hide_index=True, column_config=dict(face='Face') | seconds | percents)
    downloads([('CSV table', shown.timeline.to_csv, 'video.csv', 'text/csv'),
               ('JSON table', shown.timeline.to_json, 'video.json', 'application/json'),
               ('Marked video', shown.mp4, 'video.mp4', 'video/mp4')], 'video')

# About

def about_tab():
    left, right = st.columns(2, gap='large')
    left.subheader('The model', anchor=False); left.markdown(words.CARD['what'])
    right.subheader('What it must not be used for', anchor=False); right.markdown(words.CARD['misuse'])
    if report := about.report():
        st.subheader('How good it is', anchor=False)
        st.markdown(f"Measured on {report['n']:,} FER2013 pictures kept out of training (PrivateTest). "
                    "They are small, gray and from the web: expect less on faces unlike them.")
        st.html(about.figures_html(report))
        truth, scores = about.main(report)
        st.markdown(about.in_words(scores, truth))
        st.html(about.confusion_html(scores))
    st.subheader('Privacy', anchor=False); st.markdown(words.CARD['privacy'])

# The page

TABS = dict(Pictures=pictures_tab, Camera=camera_tab, Live=live_tab, Video=video_tab, About=about_tab)

def layout():
    style = parts.asset('style.css').replace('PICTURE_MB', str(MAX_MB)).replace('VIDEO_MB', str(VIDEO_MB))
    head = f'<h1>{words.TITLE}</h1><p class="lead">{words.LEAD} {words.PRIVATE}</p>'
    st.html(f'<style>{style}</style>{head}<script>{parts.asset("page.js")}</script>', unsafe_allow_javascript=True)
    for name, tab in zip(TABS, st.tabs(list(TABS), key='tab', on_change='rerun')):
        with tab: # uploads outlive a visit to another tab; the rest is made when it is looked at
            if tab.open or name in ('Pictures', 'Video'): TABS[name]()
            elif name == 'Live' and (viewer := st.session_state.get('live')): viewer.leave()
    links = ''.join(f'<a href="{url}">{name}</a>' for name, url in words.LINKS.items())
    st.html(f'<p class="foot">fer_nb {__version__} &nbsp; {links}</p>')
    for i in range(len(reading.SAMPLES)): reading.read_sample(i) # now, so that they answer at once

def main():
    icon = str(files('fer_nb')/'apps/page/icon.png') # one of Streamlit's own names would be fetched from Google
    st.set_page_config(f'fer_nb: {words.TITLE}', icon, layout='wide')
    server.arrived()
    try: layout()
    except Exception:
        number = secrets.token_hex(3)
        logging.getLogger('fer_nb.page').exception('fault %s', number)
        st.error(f'{words.FAULT} ({number})')

if __name__ == '__main__': main()
else: app = App(__file__, middleware=[Middleware(server.Guard)], lifespan=server.lifespan) # for `streamlit run`
