"""The line between two networks: what each share of the second scores and bears on PublicTest, and one network of it, published.

    python tools/mix.py FIRST SECOND --against REFERENCE             # weights files; writes nbs/study/mix.json
    python tools/mix.py FIRST SECOND --publish runs/mixed/weights    # mixes by what mix.json says, publishes, and notes PrivateTest there

SECOND is the end of a run that began at FIRST. The share to take is the least whose answers suffer from damaged pictures by
a quarter less than REFERENCE's do. Damage is judged on every fourth face, without landmarks: to look for them anew on each damaged
picture takes longer than all the rest, and they decide next to nothing. FER2013_HOME must be set.
"""
import argparse, json
from pathlib import Path

root = Path(__file__).resolve().parents[1]
results, mixed = root/'nbs/study/mix.json', root/'runs/mixed/best.safetensors'
SHARES = 0, .2, .4, .5, .6, .8, 1
CUT = .25 # of the reference's mean drop

def judge(weights, public):
    "Scores of a network on PublicTest, its mean drop under damage, and how often another frame changes its answer"
    from fer_nb.evaluation import predict_logits, score, softmax
    from fer_nb.model import load_weights
    from fer_nb.robustness import framing, robustness
    from fer_nb.training import half_precision
    net = load_weights(weights)[0], {}
    with half_precision():
        one, two = (score(public.labels, softmax(predict_logits(net[0], public, tta=tta))) for tta in (False, True))
        some = public[::4]
        bears, moved = robustness([net], some, None, progress=False)[0], framing([net], some, None)[0]
    return dict(accuracy=one['accuracy'], macro_f1=one['macro_f1'], accuracy_tta=two['accuracy'], macro_f1_tta=two['macro_f1'],
                faces=bears['n'], drop=bears['drop'], frame=moved['mean'])

def scan(first, second, against):
    "Judge every share, and the network that is to be beaten"
    from fer_nb.data import prepare
    from fer_nb.landmarks import LandmarkExtractor
    from fer_nb.training import mix
    public, out = prepare(extract=LandmarkExtractor()).subset('PublicTest'), {}
    mixed.parent.mkdir(parents=True, exist_ok=True)
    for name,file in [('against', against), *((str(s), None) for s in SHARES)]:
        out[name] = judge(file or mix(first, second, float(name), mixed), public)
        print(name, out[name], flush=True)
    results.write_text(json.dumps(out, indent=1) + '\n')

def chosen():
    "The least share that bears enough"
    said = json.loads(results.read_text())
    enough = [s for s in SHARES if said[str(s)]['drop'] <= (1-CUT)*said['against']['drop']]
    if not enough: raise SystemExit(f'no share suffers {CUT:.0%} less')
    return enough[0]

def publish(first, second, to):
    "Mix by the chosen share, calibrate on PublicTest with constants, open PrivateTest once, write weights and figures"
    from fer_nb.data import prepare, read_ferplus
    from fer_nb.evaluation import _brief, publish
    from fer_nb.landmarks import LandmarkExtractor
    from fer_nb.training import _sha256, about_run, mix
    arrays = prepare(extract=LandmarkExtractor())
    mixed.parent.mkdir(parents=True, exist_ok=True)
    about = about_run(Path(second).parent) | dict(mix=dict(share=chosen(), first=_sha256(first), second=_sha256(second)))
    for file in publish(mix(first, second, about['mix']['share'], mixed), arrays, to, about, read_ferplus(arrays), even=True): print(f'wrote {file}')
    private = json.loads((Path(to)/'test_metrics.json').read_text())
    results.write_text(json.dumps(json.loads(results.read_text()) | dict(PrivateTest=dict(share=about['mix']['share'], **_brief(private))), indent=1) + '\n')

if __name__ == '__main__':
    p = argparse.ArgumentParser(description=__doc__.split('\n\n')[0])
    p.add_argument('first'); p.add_argument('second')
    p.add_argument('--against', metavar='REFERENCE'); p.add_argument('--publish', metavar='FOLDER')
    args = p.parse_args()
    if not (args.against or args.publish): p.error('give --against or --publish')
    if args.against: scan(args.first, args.second, args.against)
    if args.publish: publish(args.first, args.second, args.publish)
