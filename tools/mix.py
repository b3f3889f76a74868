"""The line between a network and the mean of runs that began at it: what each share of the runs scores and bears on PublicTest, and one network of it, published.

    python tools/mix.py FIRST RUN... --against REFERENCE             # a weights file, folders of runs or their last weights; writes nbs/study/mix.json
    python tools/mix.py FIRST RUN... --publish runs/mixed/weights    # mixes by what mix.json says, publishes, and notes PrivateTest there

Of the shares whose answers suffer from damaged pictures by a quarter less than REFERENCE's do, the one is taken that has the highest
sum of accuracy and macro-F1 with flip TTA; whether it is to ship is told by comparing that sum with FIRST's, share 0. Damage is judged
on every fourth face, without landmarks: to look for them anew on each damaged picture takes longer than all the rest, and they decide
next to nothing. --results names another file. FER2013_HOME must be set.
"""
import argparse, json
from pathlib import Path

root = Path(__file__).resolve().parents[1]
mixed = root/'runs/mixed/best.safetensors'
SHARES = 0, .3, .4, .5, .6, 1
CUT = .25 # of the reference's mean drop

def mixture(first, runs, share):
    "Write the network that has `share` of the runs' mean; returns its file"
    from fer_nb.training import mix
    mixed.parent.mkdir(parents=True, exist_ok=True)
    return mix([first, *map(end, runs)], mixed, [1-share] + [share/len(runs)]*len(runs))

def end(run):
    "Weights at the end of a run, given as its folder or as the file itself"
    return Path(run)/'last.safetensors' if Path(run).is_dir() else Path(run)

def judge(weights, arrays, votes):
    "Scores of a network on PublicTest, by labels and by the majority of FER+, its mean drop under damage, and how often another frame changes its answer"
    import torch
    from fer_nb.evaluation import evaluate
    from fer_nb.model import load_weights
    from fer_nb.robustness import framing, robustness
    from fer_nb.training import half_precision
    net, some = (load_weights(weights)[0].to(memory_format=torch.channels_last), {}), arrays.subset('PublicTest')[::4]
    with half_precision():
        report = evaluate(*net, arrays, 'PublicTest', votes)
        bears, moved = robustness([net], some, None, progress=False)[0], framing([net], some, None)[0]
    one, two = report['single'], report['flip_tta']
    return dict(accuracy=one['accuracy'], macro_f1=one['macro_f1'], accuracy_tta=two['accuracy'], macro_f1_tta=two['macro_f1'],
                people_tta=report['ferplus']['flip_tta']['accuracy'], faces=bears['n'], clean=bears['clean'], drop=bears['drop'], frame=moved['mean'])

def scan(first, runs, against, results):
    "Judge every share, and the network that is to be beaten"
    from fer_nb.data import prepare, read_ferplus
    from fer_nb.landmarks import LandmarkExtractor
    arrays, out = prepare(extract=LandmarkExtractor()), {}
    votes = read_ferplus(arrays)
    for name in ('against', *map(str, SHARES)):
        out[name] = judge(against if name=='against' else mixture(first, runs, float(name)), arrays, votes)
        print(name, out[name], flush=True)
        results.write_text(json.dumps(out, indent=1) + '\n')

def chosen(said):
    "Of the shares that bear enough, the one with the highest scores; `said` is what `scan` wrote"
    enough = [s for s in map(str, SHARES) if said[s]['drop'] <= (1-CUT)*said['against']['drop']]
    if not enough: raise SystemExit(f'no share suffers {CUT:.0%} less')
    return float(max(enough, key=lambda s: said[s]['accuracy_tta'] + said[s]['macro_f1_tta']))

def publish(first, runs, to, results):
    "Mix by the chosen share, calibrate on PublicTest, open PrivateTest once, write weights and figures"
    from fer_nb.data import prepare, read_ferplus
    from fer_nb.evaluation import _brief, publish
    from fer_nb.landmarks import LandmarkExtractor
    from fer_nb.training import _sha256, about_run
    arrays, said = prepare(extract=LandmarkExtractor()), json.loads(results.read_text())
    share, each = chosen(said), [about_run(r) for r in runs]
    about = each[0] | dict(hours=round(sum(a['hours'] for a in each), 2),
                           mix=dict(share=share, seeds=[a['recipe']['seed'] for a in each], first=_sha256(first), runs=[_sha256(end(r)) for r in runs]))
    for file in publish(mixture(first, runs, share), arrays, to, about, read_ferplus(arrays)): print(f'wrote {file}')
    private = json.loads((Path(to)/'test_metrics.json').read_text())
    results.write_text(json.dumps(said | dict(PrivateTest=dict(share=share, **_brief(private))), indent=1) + '\n')

if __name__ == '__main__':
    p = argparse.ArgumentParser(description=__doc__.split('\n\n')[0])
    p.add_argument('first', metavar='FIRST'); p.add_argument('runs', metavar='RUN', nargs='+')
    p.add_argument('--against', metavar='REFERENCE'); p.add_argument('--publish', metavar='FOLDER')
    p.add_argument('--results', metavar='FILE', type=Path, default=root/'nbs/study/mix.json')
    args = p.parse_args()
    if not (args.against or args.publish): p.error('give --against or --publish')
    if args.publish and not all(Path(r).is_dir() for r in args.runs): p.error("--publish tells of the runs as well: give their folders")
    if args.against: scan(args.first, args.runs, args.against, args.results)
    if args.publish: publish(args.first, args.runs, args.publish, args.results)
