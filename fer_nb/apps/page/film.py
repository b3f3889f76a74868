"Films on the page: what was found, and a timeline on which one can seek."
import html
import io
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from fer_nb.core import CLASSES, COLORS
from . import words
from .reading import recognizer, turns

if TYPE_CHECKING:
    from fer_nb.video.timeline import Timeline

VIDEO_MB, VIDEO_SECONDS, VIDEO_FPS = 25, 30, 8 # FPS: frames analysed a second
KINDS = ['mp4', 'mov', 'webm', 'mkv', 'avi', 'm4v']

@dataclass
class Film:
    "What a session keeps of one video"
    key: str
    error: str = ''
    timeline: 'Timeline | None' = None
    mp4: bytes = field(default=b'', repr=False)

def read_film(key: str, name: str, data: bytes, progress: Callable[[float, float | None], None]) -> Film:
    "What was found in one video"
    from fer_nb.video.analyze import analyze_video
    from fer_nb.video.files import VideoError  # PyAV takes its time, and few visitors bring a video
    out = io.BytesIO()
    try:
        with turns('video'):
            timeline = analyze_video(recognizer(), data, out, progress, VIDEO_SECONDS, 960, VIDEO_FPS)
    except VideoError as e: return Film(key, str(e))
    timeline.source = name
    for row in timeline: row.source = name
    return Film(key, '', timeline, out.getvalue())

def _steps(rows, step): # (start, end, row), in seconds
    ends = [min(b.time, a.time+3*step) for a, b in zip(rows, rows[1:])]
    return list(zip((r.time for r in rows), [*ends, rows[-1].time+step], rows))

def ribbon(timeline: 'Timeline', face: int) -> str:
    "A named band for each emotion, as high as it is probable; a slider on them seeks in the video"
    rows = [r for r in timeline.of(face) if r.probabilities]
    if not rows: return ''
    step = min((b.time-a.time for a, b in zip(rows, rows[1:]) if b.time > a.time), default=.1)
    steps = _steps(rows, step)
    end = max(steps[-1][1], timeline[-1].time+step)
    def band(c):
        def bar(a, b, v):
            return f'<i style="left:{100*a/end:.2f}%;width:{100*(b-a)/end+.05:.2f}%;height:{100*v:.0f}%"></i>'
        bars = ''.join(bar(a, b, r.probabilities[c]) for a, b, r in steps)
        return f'<span>{c}</span><div class="band" style="--c:{COLORS[c]}">{bars}</div>'
    said = ';'.join(f'{a:.2f},{words.headline(r)} {words.percent(r.confidence)}' for a, _, r in steps)
    slider = (f'<input type="range" min="0" max="{end:.2f}" step="{step:.3f}" value="0" '
              'aria-label="Moment in the video, seconds">')
    return (f'<div class="ribbon" data-said="{html.escape(said)}">'
            f'<div class="bands" aria-hidden="true">{"".join(map(band, CLASSES))}'
            f'<div class="over"><b class="head"></b></div></div>{slider}<output>0.0 s</output></div>')

def seconds_by_emotion(timeline: 'Timeline') -> tuple[list[dict], list[str]]:
    "A row for each face, and the emotions that occur"
    table = timeline.summary()
    seen = [k for k in (*CLASSES, 'uncertain') if any(r.get(k, 0) >= .005 for r in table)]
    return [{k: round(r[k], 2) for k in ('face', 'start', 'end', *seen)} for r in table], seen
