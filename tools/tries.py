"""What unlike networks, their committee and their student know of both truths, on PublicTest.

    python tools/tries.py shipped=fer_nb/weights/emotion.safetensors trunk=runs/people/trunk/last.safetensors \\
                          student=runs/people/student/last.safetensors --mean shipped trunk .7

Writes nbs/study/people.json, which the report shows, or what `--out` names. FER2013_HOME must be set. `--mean A B W`
adds the committee in which A's log-probabilities weigh W and B's the rest; it may be given several times. `--damage 8`
adds what damaged pictures and other frames do to the first two networks, on every eighth face with a majority. Other
entries of the file (what was written by hand: rules, what was chosen) stay.
"""
import argparse
import json
from dataclasses import replace
from pathlib import Path
import numpy as np
from fer_nb.core import VOTE_OF, VOTES
from fer_nb.lab import trunk  # noqa: F401  registers its branch
from fer_nb.lab.robustness import framing, robustness
from fer_nb.landmarks import LandmarkExtractor
from fer_nb.network import HeadCalibration, OnnxNet, find_weights, softmax
from fer_nb.train.audit import ferplus_majority, read_ferplus
from fer_nb.train.data import SPLITS
from fer_nb.train.evaluation import ferplus8, predict_logits, share_error
from fer_nb.train.prepare import prepare
from fer_nb.train.scores import confusion, macro_f1
from fer_nb.train.weights import TorchNet, load_weights

FILE = Path(__file__).resolve().parents[1]/'nbs/study/people.json'
PRIORS = 0, .25, .5, .6, .75, 1

def figures(labels, shares, prior, faces, votes):
    """Figures of log-probabilities of labels (N, 7) and of votes (N, 10). Their score: accuracy at prior 0, mean of
    accuracy and macro-recall at the best tenth of the prior, half of the label accuracy"""
    majority, eight = ferplus_majority(votes), ferplus8(votes)
    of = majority>=0
    def at(c):
        table = confusion(majority[of], (shares[:, VOTE_OF] - c*np.log(prior))[of].argmax(1), 7)
        recall = table.diagonal()/table.sum(1)
        return dict(accuracy=table.trace()/table.sum(), macro_f1=float(macro_f1(table)),
                    macro_recall=float(recall.mean()), recall=recall.round(4).tolist())
    people, right = {f'{c:g}': at(c) for c in PRIORS}, float((labels.argmax(1)==faces.labels).mean())
    best = max((r['accuracy'] + r['macro_recall'])/2 for r in map(at, np.arange(11)/10))
    said = np.exp(shares)/np.exp(shares).sum(1, keepdims=True)
    return dict(
        people=people, fer2013=dict(accuracy=right), score=people['0']['accuracy'] + best + right/2,
        ferplus8=dict(n=int((eight>=0).sum()), accuracy=float((shares[:, :8].argmax(1)==eight)[eight>=0].mean())),
        share_error=share_error(said, votes))

def drift(network, arrays, votes):
    "Mean shares stated and voted, on each tenth Training face and on PublicTest: log ratio, and in standard errors"
    out = {}
    for split, step in (('Training', 10), ('PublicTest', 1)):
        rows = np.flatnonzero(arrays.split==SPLITS.index(split))[::step]
        stated = softmax(predict_logits(network, arrays[rows], tta=True)[:, 7:])
        voted = votes[rows]/np.maximum(votes[rows].sum(1, keepdims=True), 1)
        off = voted-stated
        out[split] = {k: dict(stated=p, voted=v, log_ratio=np.log(v/p), errors=e) for k, p, v, e in zip(
            VOTES, stated.mean(0), voted.mean(0), off.mean(0)/(off.std(0)/len(off)**.5))}
    return out

def damage(nets, public, votes, step):
    "What damage and other frames do to the networks, by people with the votes as they are"
    majority = ferplus_majority(votes)
    rows = np.flatnonzero(majority>=0)[::step]
    faces = public[rows]
    faces.labels = majority[rows]
    for net in nets.values(): net.calibration = replace(net.calibration, people=HeadCalibration())
    asked = [of(list(nets.values()), faces, LandmarkExtractor(), truth='people') for of in (robustness, framing)]
    return {name: dict(robustness=r, framing=f) for name, r, f in zip(nets, *asked)}

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('networks', nargs='+', metavar='NAME=WEIGHTS')
    parser.add_argument('--drift', action='store_true', help='also what the first network states beside what was voted')
    parser.add_argument('--mean', nargs=3, action='append', default=[], metavar=('A', 'B', 'W'))
    parser.add_argument('--damage', type=int, metavar='STEP', help='also damaged pictures, on every STEPth face')
    parser.add_argument('--out', type=Path, default=FILE)
    args = parser.parse_args()
    arrays = prepare(extract=LandmarkExtractor(), progress=False)
    cast, public = read_ferplus(arrays), arrays.subset('PublicTest')
    votes = cast[arrays.split==SPLITS.index('PublicTest')]
    prior, nets, logits, tries = np.array(OnnxNet(find_weights()).calibration.people.prior), {}, {}, {}
    for name, file in (n.split('=', 1) for n in args.networks):
        nets[name] = net = OnnxNet(file) if file.endswith('.onnx') else TorchNet(*load_weights(file))
        logits[name] = predict_logits(net, public, tta=True)
    def heads(z): return [np.log(softmax(part).clip(1e-12)) for part in (z[:, :7], z[:, 7:])]
    for name, z in logits.items(): tries[name] = dict(flip_tta=figures(*heads(z), prior, public, votes))
    for a, b, w in args.mean:
        mixed = [float(w)*p + (1-float(w))*q for p, q in zip(heads(logits[a]), heads(logits[b]))]
        tries[f'{float(w):g} {a}, {1-float(w):g} {b}'] = dict(flip_tta=figures(*mixed, prior, public, votes))
    old = json.loads(args.out.read_text()) if args.out.exists() else {}
    majority = ferplus_majority(votes)
    said = [z[:, 7:][:, VOTE_OF].argmax(1)[majority>=0] for z in list(logits.values())[:2]]
    right = [s==majority[majority>=0] for s in said]
    between = dict(agree=float((said[0]==said[-1]).mean()), either_right=float((right[0] | right[-1]).mean()))
    notes = {k: dict(r, **{x: old['tries'][k][x] for x in ('what', 'minutes') if x in old.get('tries', {}).get(k, {})})
             for k, r in tries.items()}
    new = old | dict(split='PublicTest', n=int((majority>=0).sum()), tries=notes, between=between)
    if args.drift: new['drift'] = drift(next(iter(nets.values())), arrays, cast)
    if args.damage: new['damage'] = dict(step=args.damage, networks=damage(dict(list(nets.items())[:2]), public, votes,
                                                                            args.damage))
    args.out.write_text(json.dumps(new, indent=1, default=float) + '\n')
    for name, r in tries.items():
        f = r['flip_tta']
        print(f"{name:>24}:", ', '.join(f"prior {c} {100*v['accuracy']:.2f}/{v['macro_recall']:.3f}/{v['macro_f1']:.3f}"
                                         for c, v in f['people'].items()),
              f"labels {100*f['fer2013']['accuracy']:.2f}, FER+8 {100*f['ferplus8']['accuracy']:.2f}")

if __name__ == '__main__': main()
