"""The line between a network and the mean of runs that began at it: what each share of the runs scores and bears on PublicTest, and one network of it, published.

    python tools/mix.py FIRST RUN... --against REFERENCE             # a weights file, folders of runs or their last weights; writes nbs/study/mix.json
    python tools/mix.py FIRST RUN... --confirm REFERENCE             # the share that it says and REFERENCE, on every face
    python tools/mix.py FIRST RUN... --publish runs/mixed/weights    # mixes by that share if it is to ship, publishes, and notes PrivateTest there

The share taken is the largest that costs nothing on whole pictures: its sum of accuracy and macro-F1 with flip TTA is at most a quarter
of a point below FIRST's, share 0, and its agreement with the majority of FER+ not lower. It is to ship if on all of PublicTest damage
takes a quarter less from it than from REFERENCE. The scan judges damage on every fourth face. Both go without landmarks: to look for
them anew on each damaged picture takes longer than all the rest, and they decide next to nothing. --results names another file.
What was judged already is not judged again. FER2013_HOME must be set.
"""
import argparse
import hashlib
import json
from pathlib import Path

root = Path(__file__).resolve().parents[1]
mixed = root/'runs/mixed/best.safetensors'
SHARES = 0, .3, .4, .5, .6, 1
TOLERANCE = .0025 # of the sum; two such networks differ by more from chance alone
CUT = .25 # of the reference's mean drop

def mixture(first, runs, share):
    "Write the network that has `share` of the runs' mean; returns its file, `first` itself if that is nothing"
    from fer_nb.train.average import mix
    if not share: return first
    mixed.parent.mkdir(parents=True, exist_ok=True)
    return mix([first, *map(end, runs)], mixed, [1-share] + [share/len(runs)]*len(runs))

def end(run):
    "Weights at the end of a run, given as its folder or as the file itself"
    return Path(run)/'last.safetensors' if Path(run).is_dir() else Path(run)

def read():
    "The faces with their landmarks, and the votes of FER+"
    from fer_nb.landmarks import LandmarkExtractor
    from fer_nb.train.audit import read_ferplus
    from fer_nb.train.prepare import prepare
    arrays = prepare(extract=LandmarkExtractor())
    return arrays, read_ferplus(arrays)

def judge(weights, arrays, votes, every=4):
    "Scores of a network on PublicTest, by labels and by the majority of FER+, its mean drop under damage, and how often another frame changes its answer, these two on each `every`th face"
    import torch
    from fer_nb.lab.robustness import framing, robustness
    from fer_nb.train.evaluation import evaluate
    from fer_nb.train.model import load_weights
    from fer_nb.train.recipe import half_precision
    net, some = (load_weights(weights)[0].to(memory_format=torch.channels_last), {}), arrays.subset('PublicTest')[::every]
    with half_precision():
        report = evaluate(*net, arrays, 'PublicTest', votes)
        bears, moved = robustness([net], some, None, progress=False)[0], framing([net], some, None)[0]
    one, two = report['single'], report['flip_tta']
    return dict(accuracy=one['accuracy'], macro_f1=one['macro_f1'], accuracy_tta=two['accuracy'], macro_f1_tta=two['macro_f1'],
                people_tta=report['ferplus']['flip_tta']['accuracy'], faces=bears['n'], clean=bears['clean'], drop=bears['drop'], frame=moved['mean'])

def digest(weights):
    "SHA-256 of the tensors alone: safetensors writes its header in any order"
    from safetensors.torch import load_file
    return hashlib.sha256(b''.join(t.numpy().tobytes() for _,t in sorted(load_file(weights).items()))).hexdigest()

def note(out, name, weights, arrays, votes, **how):
    "Judge under a name, unless these very weights were"
    which = digest(weights)
    if out.get(name, {}).get('weights')!=which: out[name] = judge(weights, arrays, votes, **how) | dict(weights=which)
    print(name, out[name], flush=True)

def scan(first, runs, against, results):
    "Judge every share, and the network that is to be beaten"
    arrays, votes, out = *read(), json.loads(results.read_text()) if results.exists() else {}
    for name in ('against', *map(str, SHARES)):
        note(out, name, against if name=='against' else mixture(first, runs, float(name)), arrays, votes)
        results.write_text(json.dumps(out, indent=1) + '\n')
    # forget what was said of every face, or of PrivateTest, about a mixture that is none of these
    out['all'] = {k:r for k,r in out.get('all', {}).items() if r['weights']==out[k]['weights']}
    if 'PrivateTest' in out and str(out['PrivateTest']['share']) not in out['all']: del out['PrivateTest']
    results.write_text(json.dumps(out, indent=1) + '\n')

def chosen(said):
    "The largest share that costs nothing on whole pictures; `said` is what `scan` wrote"
    each = {s:said[str(s)] for s in SHARES}
    total = lambda r: r['accuracy_tta'] + r['macro_f1_tta']
    return max(s for s,r in each.items() if total(r) >= total(each[0]) - TOLERANCE and r['people_tta'] >= each[0]['people_tta'])

def confirm(first, runs, against, results):
    "Judge the chosen share and the network that is to be beaten on every face"
    arrays, votes, said = *read(), json.loads(results.read_text())
    for name,weights in (('against', against), (str(share := chosen(said)), mixture(first, runs, share))):
        note(said.setdefault('all', {}), name, weights, arrays, votes, every=1)
        results.write_text(json.dumps(said, indent=1) + '\n')

def ships(said):
    "Does damage take enough less from the chosen share? `said` is what `confirm` wrote"
    return said['all'][str(chosen(said))]['drop'] <= (1-CUT)*said['all']['against']['drop']

def publish(first, runs, to, results):
    "Mix by the chosen share, calibrate on PublicTest, open PrivateTest once, write weights and figures"
    from fer_nb.train.release import _brief, publish
    from fer_nb.train.training import _sha256, about_run
    arrays, votes, said = *read(), json.loads(results.read_text())
    if not ships(said): raise SystemExit(f'damage does not take {CUT:.0%} less from it')
    share, each = chosen(said), [about_run(r) for r in runs]
    about = each[0] | dict(hours=round(sum(a['hours'] for a in each), 2),
                           mix=dict(share=share, seeds=[a['recipe']['seed'] for a in each], first=_sha256(first), runs=[_sha256(end(r)) for r in runs]))
    for file in publish(mixture(first, runs, share), arrays, to, about, votes): print(f'wrote {file}')
    private = json.loads((Path(to)/'test_metrics.json').read_text())
    results.write_text(json.dumps(said | dict(PrivateTest=dict(share=share, **_brief(private))), indent=1) + '\n')

if __name__ == '__main__':
    p = argparse.ArgumentParser(description=__doc__.split('\n\n')[0])
    p.add_argument('first', metavar='FIRST'); p.add_argument('runs', metavar='RUN', nargs='+')
    p.add_argument('--against', metavar='REFERENCE'); p.add_argument('--confirm', metavar='REFERENCE'); p.add_argument('--publish', metavar='FOLDER')
    p.add_argument('--results', metavar='FILE', type=Path, default=root/'nbs/study/mix.json')
    args = p.parse_args()
    if not (args.against or args.confirm or args.publish): p.error('give --against, --confirm or --publish')
    if args.publish and not all(Path(r).is_dir() for r in args.runs): p.error("--publish tells of the runs as well: give their folders")
    if args.against: scan(args.first, args.runs, args.against, args.results)
    if args.confirm: confirm(args.first, args.runs, args.confirm, args.results)
    if args.publish: publish(args.first, args.runs, args.publish, args.results)
