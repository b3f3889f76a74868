"HTML of the page: marks on a picture, cards, bars. Plain functions that a test can read."
import base64
import html
import io
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from PIL import Image
from fer_nb.core import CLASSES, COLORS, Prediction
from . import words

FEW = 3 # faces with full cards; from one more on, a row for each, opened on demand
_NOBODY = '#6b6b6b' # colour of a face without a prediction

def asset(name: str) -> str:
    "Text of a file beside this module"
    return (files('fer_nb')/'apps/page'/name).read_text(encoding='utf-8')

def data_uri(im: Image.Image, format: str = 'PNG') -> str:
    "The picture as the address of itself: nothing is left for the server to keep"
    f = io.BytesIO()
    im.save(f, format, quality=85)
    return f'data:image/{format.lower()};base64,{base64.b64encode(f.getvalue()).decode()}'

def percent(p: float) -> str: return html.escape(words.percent(p))

def ink(color: str # '#rrggbb'
       ) -> str:
    "Black or white: whichever is easier to read on the colour"
    s = (int(color[i:i+2], 16)/255 for i in (1, 3, 5))
    r, g, b = (v/12.92 if v <= .04045 else ((v+.055)/1.055)**2.4 for v in s)
    return '#000' if .2126*r + .7152*g + .0722*b > .179 else '#fff'

def color(p: Prediction) -> str: return COLORS.get(p.emotion or '', _NOBODY)

# Bars and cards

def bars(probabilities: dict[str, float],
         before: dict[str, float] | None = None # by the reading that the page opens with, to compare
        ) -> str:
    "Name, bar and percentage of each class, always in the order of `CLASSES`"
    top = max(probabilities, key=lambda k: probabilities[k])
    def bar(k, v):
        moved = before and abs(before[k]-v) >= .01
        tick = f'<s style="left:{100*before[k]:.2f}%"></s>' if moved else ''
        was = f'<small>{f"was {percent(before[k])}" if moved else ""}</small>' if before else ''
        fill = f'<i style="width:{100*v:.4f}%;background:{COLORS[k]}"></i>'
        kind = ' class="top"' if k == top else ''
        return f'<li{kind}><span>{k}</span><i aria-hidden="true">{fill}{tick}</i><b>{percent(v)}</b>{was}</li>'
    kind = 'bars two' if before else 'bars'
    return f'<ul class="{kind}">' + ''.join(bar(c, probabilities[c]) for c in CLASSES if c in probabilities) + '</ul>'

@dataclass
class Card:
    "What is shown of one face"
    number: int
    prediction: Prediction
    key: str = ''                          # the same for the card and its mark
    views: Sequence[tuple[str, str | None]] = () # more pictures of it: caption, address or None
    before: dict[str, float] | None = None # probabilities to compare with

    def _title(self) -> str:
        p = self.prediction
        return f'<i aria-hidden="true" style="background:{color(p)}"></i>{self.number} · {words.headline(p)}'

    def _text(self) -> str:
        heading, why = words.because(self.prediction)
        reasons = ''.join(f'<li>{html.escape(w)}</li>' for w in why)
        return (f'<p>{html.escape(words.said(self.prediction))}</p>' +
                (f'<p>{heading}:</p><ul class="why">{reasons}</ul>' if why else ''))

    def _figures(self) -> str:
        n = self.number
        crop = [('', f'Face {n}, as the network sees it', data_uri(Image.fromarray(self.prediction.crop)))]
        def figure(caption, alt, uri):
            image = f'<img alt="{alt}" src="{uri}">' if uri else ''
            return f'<figure>{image}{f"<figcaption>{caption}</figcaption>" if caption else ""}</figure>'
        return ''.join(figure(*v) for v in crop + [(c, f'Face {n}: {c}', uri) for c, uri in self.views])

    def _body(self) -> str:
        p = self.prediction
        said = f'<div class="said"><h3>{self._title()}</h3>{self._text()}</div>'
        drawn = bars(p.probabilities, self.before) if p.probabilities else ''
        return f'<div class="views">{self._figures()}</div>{said}{drawn}'

    def html(self) -> str:
        "The whole card: what the network saw, the prediction, the bars"
        kind = 'face more' if self.views else 'face'
        return f'<article class="{kind}" data-face="{self.key}">{self._body()}</article>'

    def row(self) -> str:
        "One line that opens into the card"
        p, kind = self.prediction, 'face more' if self.views else 'face'
        sure = f'<b>{percent(p.confidence)}</b>' if p.confidence else ''
        fill = f'<span class="one"><i style="width:{100*(p.confidence or 0):.1f}%;background:{color(p)}"></i></span>'
        small = f'<img alt="" src="{data_uri(Image.fromarray(p.crop).resize((48, 48)), "JPEG")}">'
        line = f'<summary>{small}<span class="name">{self._title()}</span>{fill}{sure}</summary>'
        return f'<details class="row" data-face="{self.key}">{line}<div class="{kind}">{self._body()}</div></details>'

def cards(all_: Sequence[Card]) -> str:
    "Full cards for a few faces, rows for many"
    if len(all_) <= FEW: return ''.join(c.html() for c in all_)
    return '<div class="rows">' + ''.join(c.row() for c in all_) + '</div>'

# Marks on the picture

_SHOWN = 300 # pixels: the least width and height at which the page shows a picture

def _spots(box, w, h): # the corners where a badge can hang, best first: its rectangle and how CSS says it
    x0, y0, x1, y1 = box
    yield (x0, y0-h, x0+w, y0), f'left:{x0:.2f}%;bottom:{100-y0:.2f}%'
    yield (x1-w, y0-h, x1, y0), f'right:{100-x1:.2f}%;bottom:{100-y0:.2f}%'
    yield (x0, y1, x0+w, y1+h), f'left:{x0:.2f}%;top:{y1:.2f}%'
    yield (x1-w, y1, x1, y1+h), f'right:{100-x1:.2f}%;top:{y1:.2f}%'
    yield (x0, y0, x0+w, y0+h), f'left:{x0:.2f}%;top:{y0:.2f}%'
    yield (x1-w, y1-h, x1, y1), f'right:{100-x1:.2f}%;bottom:{100-y1:.2f}%'

def _apart(a, b) -> bool: return a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]

def _hang(boxes, texts, size, first) -> list[str] | None: # CSS of each badge; None if they do not fit
    scale = min(_SHOWN/max(size), 1) if size else 1
    width, height = max(size[0]*scale, 1), max(size[1]*scale, 1)
    taken, out = [], []
    for box, text in zip(boxes, texts):
        w, h = 100*(8*len(text)+10)/width, 100*20/height
        spots = list(_spots(box, w, h))
        free = ((r, css) for r, css in spots[first:] + spots[:first]
                if r[0] >= 0 and r[1] >= 0 and r[2] <= 100 and r[3] <= 100 and all(_apart(r, t) for t in taken)
                and (first or all(_apart(r, b) for b in boxes if b is not box)))
        spot = next(free, None)
        if spot is None: return None
        taken.append(spot[0]); out.append(spot[1])
    return out

def _words(p: Prediction) -> str:
    if not p.emotion: return words.WORDS[p.status]
    return f'{p.emotion.capitalize()}{"?"*(p.status == "uncertain")} {words.percent(p.confidence)}'

def badges(boxes, found: Sequence[Prediction], size) -> list[tuple[str, str]]:
    "Text and place of the badge of each face: with words if they fit, else its number, so that none hides another"
    long = [f'{i} {_words(p)}' for i, p in enumerate(found, 1)]
    short = [str(i) for i in range(1, len(found)+1)]
    for texts, first in ([(long, 0)] if len(found) <= FEW else []) + [(short, 0), (short, 4)]: # 4: inside the box
        if places := _hang(boxes, texts, size, first): return list(zip(texts, places))
    return [(t, f'left:{b[0]:.2f}%;top:{b[1]:.2f}%') for t, b in zip(short, boxes)]

def _inside(box, size) -> tuple[float, ...]: # percent of the picture
    (x0, y0, x1, y1), (w, h) = box, size
    return tuple(min(max(v, 0), 100) for v in (100*x0/w, 100*y0/h, 100*x1/w, 100*y1/h))

def marks(found: Sequence[Prediction], size: tuple[int, int], key: str = '') -> str:
    "A numbered box for each face"
    boxes = [_inside(p.box, size) for p in found]
    out = ''
    for i, (p, b, (text, place)) in enumerate(zip(found, boxes, badges(boxes, found, size)), 1):
        who, colors = f'data-face="{key}{i}"', f'--c:{color(p)};--ink:{ink(color(p))}'
        where = f'left:{b[0]:.2f}%;top:{b[1]:.2f}%;width:{b[2]-b[0]:.2f}%;height:{b[3]-b[1]:.2f}%'
        out += f'<div class="mark{" unsure"*(p.status != "ok")}" {who} style="{where};{colors}"></div>'
        out += f'<b class="badge" {who} style="{place};{colors}">{html.escape(text)}</b>'
    return out

def photo(uri: str, name: str, size: tuple[int, int], found: Sequence[Prediction], key: str = '') -> str:
    "The picture with a box round each face, its name and what it shows in a line"
    name = html.escape(name)
    image = f'<img alt="{name}, {words.faces(len(found))}" src="{uri}">'
    over = f'<div class="marks" aria-hidden="true">{marks(found, size, key)}</div>'
    return (f'<figure class="photo"><div>{image}{over}</div>'
            f'<figcaption><b>{name}</b><br>{words.summary(found)}</figcaption></figure>')

def thumb(uri: str, name: str, status: str, found: Sequence[Prediction]) -> str:
    "A small picture with what it shows, while others are still read"
    image = f'<img alt="" src="{uri}">' if uri else ''
    said = f'{words.brief(status, found)} · {html.escape(name)}'
    return f'<figure class="thumb">{image}<figcaption>{said}</figcaption></figure>'

def heard(text: str) -> str: return f'<p class="heard" role="status">{html.escape(text)}</p>'
