"The camera's live picture: every face with box, number and expression, smoothed over time by the tracker."
import html
import io
import json
import os
import threading
import time
from collections import deque
from dataclasses import replace
from typing import Any
import numpy as np
import streamlit as st
from PIL import Image, ImageDraw
from fer_nb.landmarks import CONTOURS
from fer_nb.video.analyze import draw_rows
from fer_nb.video.timeline import Timeline
from fer_nb.video.track import EmotionTracker, FaceRow
from . import parts, words
from .reading import recognizer, turns

PLACES = max(1, os.cpu_count() or 1) # visitors who can watch at a time
KEPT = 20_000                        # rows of a session's timeline
PATIENCE = 10                        # seconds without a frame after which the tab says what may be wrong
FULL = 'All places are taken at the moment. Stop, and try again in a few minutes.'
SILENT = 3                           # seconds without a frame after which it says that the camera has gone
GONE = ('No picture comes from the camera any more. If it was unplugged, or the network was away: press *Stop*, then '
        '*Start*.')
NO_WAY = ('No picture has come through. Browser and server may not reach each other directly: whoever runs this page '
          'can name STUN or TURN servers in `FER_NB_ICE_SERVERS`. Single photos work in the *Camera* tab.')

@st.cache_resource(show_spinner=False)
def places() -> threading.BoundedSemaphore: return threading.BoundedSemaphore(PLACES)

def ice_servers() -> list[dict[str, Any]]:
    "STUN and TURN servers: from FER_NB_ICE_SERVERS (JSON) or Streamlit's secrets; none, unless somebody names them"
    if text := os.environ.get('FER_NB_ICE_SERVERS'): return json.loads(text)
    try: return [dict(s) for s in st.secrets['ice_servers']]
    except (KeyError, FileNotFoundError): return []

class Viewer:
    "One visitor's live session. Frames come in on a thread of their own; only the newest is looked at"
    def __init__(self):
        self.lock, self.seated, self.full = threading.Lock(), False, False
        self.landmarks = self.paused = self.gone = False
        self.begin()

    def begin(self) -> None:
        "Start over, with nobody seen yet"
        self.tracker, self.start, self.index = EmotionTracker(recognizer(), source='live'), time.monotonic(), 0
        self.now: list[FaceRow] = []
        self.rows: deque[FaceRow] = deque(maxlen=KEPT)
        self.image: np.ndarray | None = None
        self.came = time.monotonic() # when the newest frame came

    def look(self, image: np.ndarray # uint8 (H, W, 3), RGB
            ) -> np.ndarray:
        "The frame as the visitor sees it"
        with self.lock:
            self.came = time.monotonic()
            if self.gone: return image
            if not self.seated: self.seated = places().acquire(blocking=False)
            self.full = not self.seated
            if self.full: return image
            if not self.paused or self.image is None: self._read(image)
            image = self.image
        return draw_rows(self._with_points(image) if self.landmarks else image, self.now)

    def _read(self, image):
        with turns('picture'): self.now = self.tracker(image, time.monotonic()-self.start, self.index)
        self.image, self.index = image, self.index+1
        self.rows.extend(r.light() for r in self.now)

    def _with_points(self, image):
        im = Image.fromarray(image)
        draw = ImageDraw.Draw(im)
        for points in (r.landmarks for r in self.now if r.landmarks is not None):
            for path in CONTOURS.values(): draw.line([tuple(points[i, :2]) for i in path], fill=(0, 220, 180))
        return np.asarray(im)

    def frame(self, frame):
        "For streamlit-webrtc: a frame in, a frame out"
        import av
        out = av.VideoFrame.from_ndarray(self.look(frame.to_ndarray(format='rgb24')), format='rgb24')
        out.pts, out.time_base = frame.pts, frame.time_base
        return out

    def leave(self) -> None:
        "Give the place to somebody else"
        with self.lock:
            if self.seated: places().release()
            self.seated, self.gone = False, True

    def silent(self) -> bool:
        "Did the camera stop sending in the middle?"
        return bool(self.index) and time.monotonic()-self.came > SILENT

    def timeline(self) -> Timeline: return Timeline(list(self.rows), 'live')

    def snapshot(self) -> bytes:
        "The newest frame as JPEG"
        f = io.BytesIO()
        Image.fromarray(self.image).save(f, 'JPEG', quality=92)
        return f.getvalue()

def _rows(viewer):
    "A line for each face that is there"
    seen = [r for r in viewer.now if r.face and r.probabilities and r.crop is not None]
    if viewer.full: return st.warning(FULL)
    if not seen: return st.info('No face yet. Look into the camera, in good light.')
    st.html(parts.cards([parts.Card(r.face, replace(r), f'live-{r.face}') for r in seen]))

def _side(viewer, ctx, since):
    "What is seen just now"
    if not ctx.state.playing: return
    late = not viewer.index and not viewer.full and time.monotonic()-since > PATIENCE
    if late: st.warning(NO_WAY)
    elif viewer.silent(): st.warning(GONE)
    else: _rows(viewer)

def _keep(viewer, playing):
    "What can be kept: the newest frame, and when the camera has stopped, what it saw"
    if playing and st.button('Snapshot to Pictures', icon=':material/photo_camera:') and viewer.image is not None:
        st.session_state['snapshot'] = f'snapshot {viewer.index}', 'Snapshot', viewer.snapshot()
        st.toast('The snapshot is in the Pictures tab.')
    if playing or not viewer.index: return
    for kind, data in ('CSV', viewer.timeline().to_csv), ('JSON', viewer.timeline().to_json):
        st.download_button(f'{kind} timeline', data, f'live.{kind.lower()}', on_click='ignore',
                           icon=':material/download:')

def tab() -> None:
    "Content of the tab"
    from streamlit_webrtc import WebRtcMode, webrtc_streamer
    viewer = st.session_state.get('live') or st.session_state.setdefault('live', Viewer())
    st.html(f'<div id="refused" hidden data-words="{html.escape(json.dumps(words.REFUSED))}"></div>')
    st.markdown('The camera’s picture goes to the server of this page, frame by frame, and is forgotten at once.')
    left, right = st.columns([6, 5], gap='medium')
    ways = dict(iceServers=ice_servers())
    with left:
        camera = dict(video=dict(width=640, height=480, frameRate=dict(ideal=15, max=30)), audio=False)
        ctx = webrtc_streamer('live-camera', WebRtcMode.SENDRECV, ways, video_frame_callback=viewer.frame,
                              on_video_ended=viewer.leave, media_stream_constraints=camera, async_processing=True)
        with st.container(horizontal=True, vertical_alignment='center'):
            viewer.landmarks = st.toggle('Landmarks', key='Landmarks live', help=words.HELP['landmarks'])
            viewer.paused = st.toggle('Pause', key='Pause live')
            _keep(viewer, ctx.state.playing)
    since = st.session_state.setdefault('live since', time.monotonic())
    viewer.gone = not ctx.state.playing
    if viewer.gone: st.session_state['live since'] = time.monotonic(); viewer.leave()
    with right: st.fragment(_side, run_every=.7 if ctx.state.playing else None)(viewer, ctx, since)
