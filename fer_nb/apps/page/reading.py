"From files to predictions: one model for all visitors, each file read once in a session, tables to take home."
import functools
import io
import os
import re
import threading
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.resources import files
from importlib.util import find_spec
from typing import Any, NamedTuple
import numpy as np
import streamlit as st
from PIL import Image
from fer_nb.core import Prediction
from fer_nb.explain import heat_map, overlay
from fer_nb.image import ImageError, load_image
from fer_nb.inference import EmotionRecognizer, annotate
from fer_nb.landmarks import draw_landmarks
from fer_nb.tables import columns, table_writer, to_rows
from . import words
from .parts import data_uri

MAX_MB, MAX_PIXELS, MAX_SIDE = 5, 32_000_000, 16_384 # of one picture
MAX_PICTURES, MAX_SUM_MB = 50, 100  # of one visitor
FORMATS = 'JPEG', 'PNG', 'WEBP', 'AVIF', 'HEIF' # told by content, whatever the name says
SHOWN, SMALL = 1280, 240            # pixels: the longer side of the copy that is shown, and of its thumbnail
SENTENCES = words.sentences(MAX_MB, MAX_PIXELS, MAX_SIDE)

class Reading(NamedTuple):
    "How the network's answer is read"
    truth: str | None = None # None: people, if the network knows what they say
    prior: str | None = None  # None: as fitted
    mirrored: bool = False    # with the face's mirror image

PLAIN = Reading() # what the page opens with, and what `predict` gives

@dataclass
class Picture:
    "What a session keeps of one picture"
    name: str
    status: str                # a key of `words.WORDS`
    data: bytes = field(default=b'', repr=False)
    uri: str = field(default='', repr=False) # of a copy to show; '' if it could not be read
    thumb: str = field(default='', repr=False) # of a small one
    size: tuple[int, int] = (0, 0) # of the upright original, pixels
    found: list[Prediction] = field(default_factory=list, repr=False) # two views of each face, in reading order
    made: dict[Any, Any] = field(default_factory=dict, repr=False) # readings and pictures made on demand

    def faces(self, reading: Reading) -> list[Prediction]:
        "The faces, by one reading; the network is not asked again"
        if reading not in self.made:
            views = None if reading.mirrored else False
            self.made[reading] = [recognizer().revise(p, reading.truth, reading.prior, views) for p in self.found]
        return self.made[reading]

    def rows(self, reading: Reading) -> list[dict[str, Any]]:
        "A row for each face, or one that says why there is none"
        if found := self.faces(reading): return to_rows(found)
        return to_rows([Prediction(self.status, SENTENCES[self.status].format(self.name), self.name)])

    @property
    def ending(self) -> str:
        "Of the marked picture's file: a large PNG takes too long to make"
        return 'png' if self.size[0]*self.size[1] <= 4_000_000 else 'jpg'

    def marked(self, reading: Reading) -> bytes:
        "The picture at full size with its boxes"
        f = io.BytesIO()
        im = annotate(opened(self.data), self.faces(reading))
        im.save(f, 'PNG' if self.ending == 'png' else 'JPEG', quality=92)
        return f.getvalue()

    def landmarks(self, i: int, p: Prediction) -> str | None:
        "The crop with its landmarks, as an address; None if none were found"
        if p.points is None: return None
        key = 'landmarks', i
        if key not in self.made: self.made[key] = data_uri(draw_landmarks(p.crop, p.points, 256, dots=False))
        return self.made[key]

    def heat(self, i: int, p: Prediction) -> tuple[str, str]:
        "The crop under its heat map: by how much its hottest place lowers the probability, and an address"
        key = 'heat', i, p.truth, p.emotion
        if key not in self.made:
            with turns('picture'): heat = heat_map(recognizer(), p.crop, p.emotion, p.points, truth=p.truth)
            cost = words.percent(float(heat.max()))
            self.made[key] = f'where it looked: up to −{cost}', data_uri(overlay(p.crop, heat, 256))
        return self.made[key]

# The model

@st.cache_resource(show_spinner='Loading the model, once …')
def recognizer() -> EmotionRecognizer:
    "One model for all visitors"
    return EmotionRecognizer.from_pretrained(tta=True)

@st.cache_resource(show_spinner=False)
def turns(kind: str) -> threading.BoundedSemaphore:
    "So many are read at once: a large picture takes 150 MB while it is read, and a video must not hold up pictures"
    return threading.BoundedSemaphore(1 if kind == 'video' else max(1, os.cpu_count() or 1))

def kinds() -> list[str]:
    "Endings of the pictures that can be read here"
    known = ['jpg', 'jpeg', 'png', 'webp', 'avif']
    if not find_spec('pillow_heif'): return known
    import_module('pillow_heif').register_heif_opener()
    return [*known, 'heic', 'heif']

def opened(data: bytes) -> np.ndarray: # uint8 (H, W, 3)
    "The pixels of an upload"
    image = load_image(data, MAX_MB*2**20, MAX_PIXELS, FORMATS)
    if max(image.shape) > MAX_SIDE: raise ImageError('longer than the page reads', 'too_large') # the detector's memory
    return image

def read(name: str, data: bytes, begin: Callable[[], Any] = lambda: None) -> Picture:
    "What was found in one picture; the network is asked here and nowhere else"
    model = recognizer()
    with turns('picture'):
        begin() # shows something, and so ends the run of a visitor who left while waiting
        try: image = opened(data)
        except ImageError as e: return Picture(name, e.status)
        found = model.predict(image, name)
        shown = Image.fromarray(image)
        shown.thumbnail((SHOWN, SHOWN))
        uri, (h, w) = data_uri(shown, 'JPEG'), image.shape[:2]
        shown.thumbnail((SMALL, SMALL))
        return Picture(name, found[0].status, data, uri, data_uri(shown, 'JPEG'), (w, h), words.order(found))

def answers(place: str, # on the page; what was taken away there is forgotten
            photos: Sequence[tuple[Any, str, Callable[[], bytes]]], # key, name, how to get the bytes
            each: Callable[[Picture], None] | None = None # told of each picture when it is read
           ) -> list[Picture]:
    "Reads each picture once in a session"
    seen = st.session_state.setdefault(f'read in {place}', {})
    for key in seen.keys() - {k for k, *_ in photos}: del seen[key]
    new = [photo for photo in photos if photo[0] not in seen]
    bar = st.progress(0., 'Looking for faces …') if new else None
    for n, (key, name, data) in enumerate(new):
        said = f'Picture {n+1} of {len(new)} …' if len(new) > 1 else 'Looking for faces …'
        seen[key] = read(name, data(), functools.partial(bar.progress, n/len(new), said))
        if each: each(seen[key])
    if bar: bar.empty()
    return [seen[key] for key, *_ in photos]

# Samples

SAMPLES = (('sample.jpg', 'Grace Hopper (US Navy)', 'A portrait'), ('smile.jpg', 'Eileen Collins (NASA)', 'A smile'),
           ('three.jpg', 'Three synthetic faces', 'Three people'), ('crowd.jpg', 'Eight synthetic faces', 'A group'))

def sample(i: int) -> tuple[str, bytes]:
    "Name and bytes of a picture that the package carries"
    file, name, _ = SAMPLES[i]
    return name, (files('fer_nb')/'apps/page'/file).read_bytes()

@st.cache_resource(show_spinner='Loading the model, once …')
def read_sample(i: int) -> Picture:
    "What was found in a sample, for all visitors"
    return read(*sample(i))

@st.cache_resource(show_spinner=False)
def thumbnail(i: int) -> str:
    "A sample, small, as an address"
    im = Image.open(io.BytesIO(sample(i)[1]))
    im.thumbnail((2*SMALL, 2*SMALL))
    return data_uri(im, 'JPEG')

# What can be taken home

def table(rows: Iterable[dict[str, Any]], format: str # 'csv' or 'json'
         ) -> bytes:
    "Rows as `fer_nb predict` writes them"
    f = io.BytesIO()
    writer = table_writer(f, format, columns())
    writer.write(list(rows))
    writer.close()
    return f.getvalue()

def safe(name: str) -> str:
    "A file name that any system takes"
    stem = re.sub(r'[^\w .()-]+', '_', os.path.splitext(os.path.basename(name.replace('\\', '/')))[0])
    return stem.strip(' .')[:80] or 'picture'

def bundle(pictures: Sequence[Picture], rows: Sequence[dict[str, Any]], reading: Reading) -> bytes:
    "Tables and marked pictures in one zip"
    f = io.BytesIO()
    with zipfile.ZipFile(f, 'w', zipfile.ZIP_DEFLATED) as z:
        for format in 'csv', 'json': z.writestr(f'faces.{format}', table(rows, format))
        for i, pic in enumerate(pictures, 1):
            if pic.uri: z.writestr(f'{i:02}-{safe(pic.name)}.{pic.ending}', pic.marked(reading), zipfile.ZIP_STORED)
    return f.getvalue()
