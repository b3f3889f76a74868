"How good the network is: `test_metrics.json` as tables and sentences."
import json
from importlib.resources import files
from typing import Any
from fer_nb.core import CLASSES
from .parts import percent
from .words import percent as plain_percent

_TWINS = '… without doubles of training pictures'
_BY = dict(people='Compared with what people say', fer2013='Compared with FER2013’s labels')

def report() -> dict[str, Any] | None:
    "What was measured on PrivateTest when the weights were made"
    path = files('fer_nb')/'weights'/'test_metrics.json'
    return json.loads(path.read_text()) if path.is_file() else None

def main(report: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    "The truth and the scores of what the page shows unless told otherwise: one view, people if they were asked"
    truths = report['truths']
    truth = next(t for t in _BY if t in truths)
    return truth, truths[truth].get('default', truths[truth])['single']

def _sets(report): # (name, scores), people first
    truths = report['truths']
    if people := truths.get('people'):
        default = people.get('default', people)
        yield 'What most of ten people say', default
        if default.get('twin_free'): yield _TWINS, default['twin_free']
        if default is not people: yield '… prior: everyday', people
    yield 'FER2013’s own label', truths['fer2013']
    if truths['fer2013'].get('twin_free'): yield _TWINS, truths['fer2013']['twin_free']

def _cells(scores):
    low, high = (100*v for v in scores['interval']['accuracy'])
    accuracy = f'{scores["accuracy"]:.1%}<br><small>{low:.1f} to {high:.1f}</small>'
    return f'<td>{accuracy}</td><td>{scores["macro_f1"]:.3f}</td>'

def figures_html(report: dict[str, Any]) -> str:
    "How often predictions are right on pictures that training never saw"
    def row(name, r):
        scores = _cells(r['single']) + _cells(r['flip_tta'])
        return f'<tr><th scope="row">{name}</th><td>{r["n"]:,}</td>{scores}</tr>'
    body = ''.join(row(name, r) for name, r in _sets(report))
    heads = 'right by', 'pictures', 'one view', 'F1', 'with mirrored view', 'F1'
    return _table('Accuracy', 'Predictions that agree, with 95% intervals, and macro-F1', heads, body)

def _table(label, caption, heads, body):
    head = ''.join(f'<th scope="col">{h}</th>' for h in heads)
    return (f'<div class="scroll" role="region" aria-label="{label}" tabindex="0"><table><caption>{caption}</caption>'
            f'<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>')

def confusion_html(scores: dict[str, Any]) -> str:
    "Of the faces with one label, the fraction that got each prediction"
    def cell(n, total, hit):
        tint = f'color-mix(in srgb, #3a8fb7 {60*n/max(total, 1):.0f}%, transparent)'
        return f'<td{" class=hit"*hit} style="background:{tint}">{percent(n/max(total, 1))}</td>'
    def row(i, c, counts):
        cells = ''.join(cell(n, sum(counts), i == j) for j, n in enumerate(counts))
        return f'<tr><th scope="row">{c}</th><td>{sum(counts):,}</td>{cells}</tr>'
    body = ''.join(row(i, c, counts) for i, (c, counts) in enumerate(zip(CLASSES, scores['confusion'])))
    caption = 'What is taken for what: a row for each true expression, a column for each prediction'
    return _table('Confusion matrix', caption, ('is', 'pictures', *CLASSES), body)

def in_words(scores: dict[str, Any], truth: str) -> str:
    "The confusion matrix of one truth in a sentence"
    per = scores['per_class']
    best, worst = (f(CLASSES, key=lambda c: per[c]['recall']) for f in (max, min))
    row = scores['confusion'][CLASSES.index(worst)]
    other = max((c for c in CLASSES if c != worst), key=lambda c: row[CLASSES.index(c)])
    high, low = (plain_percent(per[c]['recall']) for c in (best, worst))
    return (f'{_BY[truth]}, it recognises **{best}** best ({high} of them) and **{worst}** worst ({low}), '
            f'which it most often takes for {other}.')
