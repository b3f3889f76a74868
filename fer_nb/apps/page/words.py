"What the page says: plain functions of what was found."
import string
from collections import Counter
from collections.abc import Iterable, Sequence
from fer_nb.core import Prediction

TITLE = 'What does this face show?'
LEAD = ('Add a picture or a short video, or use your camera. For every face you see which expression people would '
        'name, how likely that is, and what makes it hard to tell. <b>An expression is not what the person feels.</b>')
FAULT = 'Something went wrong on the server. Reload the page; if it happens again, tell its owner this number'
MISSING = "{} the extra 'app' on the server: `pip install '.[app]'`."
REFUSED = dict( # what the browser says of a camera that it cannot lend, by the name of its error
    NotAllowedError='The camera is not allowed. Allow it beside the address of this page, then try again.',
    NotFoundError='No camera was found. Plug one in, then try again.',
    NotReadableError='The camera is in use by another program or tab. Close that, then try again.',
    Error='Browsers lend a camera only to pages with https, or from the same machine.')
LINKS = {'Code': 'https://github.com/fer-nb/fer_nb', 'Docs': 'https://fer-nb.github.io/fer_nb',
         'Model card': 'https://github.com/fer-nb/fer_nb/blob/main/MODEL_CARD.md'}
PRIVATE = 'Pictures are read in memory and never stored.'
WORDS = dict(ok='Clear', uncertain='Uncertain', no_face='No face', too_small='Too small', unreadable='Not readable',
             too_large='Too large')
TRUTHS = dict(people='What people say', fer2013='FER2013’s label')
PRIORS = {'fitted': 'Fitted', 'everyday': 'Everyday', 'even': 'Even'}
HELP = dict(
    face='Faces are numbered as one reads: row by row, from left to right. The command and the library number them by '
         'size, the largest first.',
    landmarks='The 468 points that the network reads along with the pixels.',
    heat='Where the network looked: the hotter a place, the more the probability drops when that place is covered. '
         'A pale map says that no single place matters much.',
    mirrored='Averages the face and its mirror image. A tick marks the value before.',
    truth='Who is asked: ten people who looked at each face (FER+), or the label that the data set FER2013 carries. '
          'They often disagree, most of all about fear.',
    prior='How common each expression is taken to be. Everyday: as common as in FER2013, mostly happy and neutral. '
          'Even: all seven alike, so rare ones are named sooner. Fitted: in between, the best mean of both.')

def sentences(max_mb: int, max_pixels: int, max_side: int) -> dict[str, str]:
    "For each status what to tell a person; {} is the file"
    return dict(
        no_face='No face was found in {}. Try a picture in which a face is larger, well lit and turned to the camera.',
        too_large=f'{{}} is too large. Use a picture of at most {max_mb} MB, {max_pixels//10**6} million pixels and '
                  f'{max_side:,} pixels a side.',
        unreadable='{} cannot be read as a picture. Save it as JPEG, PNG, WebP or AVIF and try again.')

def percent(p: float) -> str:
    "A probability, written alike everywhere on the page"
    return '<1%' if 0 < p < .005 else f'{p:.0%}'

def certainty(p: float) -> str:
    "A calibrated probability in words"
    steps = (.9, 'almost certain'), (.7, 'likely'), (.5, 'more likely than not'), (0, 'a guess')
    return next(word for least, word in steps if round(p, 2) >= least)

def headline(p: Prediction) -> str:
    "The prediction for one face in a word or two"
    if p.status == 'uncertain' and p.emotion: return f'Uncertain, perhaps {p.emotion}'
    return (p.emotion or '').capitalize() if p.status == 'ok' else WORDS[p.status]

def said(p: Prediction) -> str:
    "The prediction in a sentence: how sure, and what comes second if it is close"
    if p.status not in ('ok', 'uncertain'): return p.message
    (first, a), (second, b) = p.top(2)
    if p.status == 'uncertain': return f'Perhaps {first} ({percent(a)}), perhaps {second} ({percent(b)}).'
    close = f' {second.capitalize()} comes close: {percent(b)}.' if a - b < .2 else ''
    if p.truth == 'people': return f'About {percent(a)} of people would say so.{close}'
    return f'{certainty(a).capitalize()}: {percent(a)}.{close}'

def because(p: Prediction) -> tuple[str, list[str]]:
    "A heading and the reasons under it; no reasons, no heading"
    if not p.probabilities: return '', []
    if p.status == 'uncertain': return 'Why it is uncertain', p.reasons or ['no expression stands out']
    return ('Keep in mind' if p.reasons else ''), p.reasons

def faces(n: int) -> str:
    return 'one face' if n == 1 else f'{n or "no"} faces'

def counted(found: Iterable[Prediction]) -> Counter:
    "How many faces show what; those without a clear prediction by their status"
    return Counter(p.emotion if p.status == 'ok' else WORDS[p.status].lower() for p in found if p.box)

def summary(found: Sequence[Prediction] # of one picture
           ) -> str:
    "The picture in a line: '9 faces: 5 neutral, 3 happy, 1 uncertain'"
    n = counted(found)
    if not n: return 'No faces'
    if n.total() == 1: return f'One face: {next(iter(n))}'
    return f'{n.total()} faces: ' + ', '.join(f'{v} {k}' for k, v in n.most_common())

def brief(status: str, found: Sequence[Prediction] # of one picture
         ) -> str:
    "The picture in two or three words, for its thumbnail"
    n = counted(found)
    if not n: return WORDS[status]
    return next(iter(n)).capitalize() if len(n) == 1 == n.total() else faces(n.total()).capitalize()

def order(found: Iterable[Prediction]) -> list[Prediction]:
    "Faces as one reads a page: row by row, each row from left to right. Boxes of one row overlap in height by half"
    rows: list[list[Prediction]] = []
    def beside(a, b): # whether two boxes stand in one row
        return min(a[3], b[3]) - max(a[1], b[1]) >= .5*min(a[3] - a[1], b[3] - b[1])
    for p in sorted((p for p in found if p.box), key=lambda p: p.box[1] + p.box[3]):
        if rows and beside(p.box, rows[-1][0].box): rows[-1].append(p)
        else: rows.append([p])
    return [p for row in rows for p in sorted(row, key=lambda p: p.box[0])]

def heard(pictures: Iterable[tuple[str, str, Sequence[Prediction]]] # name, status, faces
         ) -> str:
    "What a screen reader says when the predictions are there"
    def one(status, found):
        return ', '.join(f'face {i} {headline(p)}' for i, p in enumerate(found, 1)) or WORDS[status].lower()
    return '. '.join(f'{name}: {one(status, found)}' for name, status, found in pictures)

def plain(name: str) -> str:
    "A file name that Markdown does not read as anything else"
    return '`' + ' '.join(name.replace('`', "'").split()) + '`'

def escaped(text: str) -> str:
    "A text that Markdown takes as it is"
    return ''.join('\\'*(c in string.punctuation) + c for c in ' '.join(text.split()))

CARD = dict(what='''
**What it is.** A small network that looks at 48 × 48 gray pixels and 468 landmarks of a face and names one of seven
expressions. It learned from FER2013, pictures that a search engine found for emotion words, and from the votes of ten
people on each of them (FER+). A probability of 80% says that about eight in ten people would name this expression;
rare expressions get a little more than that, by the fitted prior (More).

**What it is for.** Teaching, research, art, sorting your own pictures: uses in which a wrong prediction costs nothing
and everybody concerned knows about it.
''', misuse='''
- **It does not see feelings.** A scowl may be concentration.
- **Not for decisions about people:** hiring, school, police, insurance, credit, health.
- **Not at work or in school in the European Union,** where inferring emotions is prohibited (AI Act, Article 5(1)(f)).
- **Not on people who have not agreed to it.**
- **Nobody knows for whom it works less well.** The data say nothing about age, sex, skin colour or origin.
''', privacy='''
Pictures, videos and the frames of the live camera go to the server of this page and are read in its memory. When you
remove them, the server forgets them; when you close the page or lose the connection, it does so within a minute. Of
live frames it keeps the newest one, and a table of what was seen. Nothing is written to a disk, nothing is sent on, and
no usage statistics are collected.
''')
