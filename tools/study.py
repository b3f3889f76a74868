"""The short runs behind the report's ablations: every row below with every seed, judged on PublicTest.

    python tools/study.py [--seeds 3] [--only WORD ...]   # rows whose name holds a word; FER2013_HOME must be set
    python tools/study.py --jobs 2                        # so many runs side by side, a thread each
    python tools/study.py --keep runs/reference           # note a long run, finished or not, for the report
    python tools/study.py --together runs/reference runs/teacher   # what networks say alone and together
    python tools/study.py --memory runs/reference         # what teachers remember of the faces they learned from
    python tools/study.py --views                         # the shipped network, asked about a face in several views
    python tools/study.py --truths                        # label, majority and prediction, counted together

Each short run is the recipe `ablation` with changes, in a process of its own, in runs/study, continued if it was
stopped. Its result becomes one line of nbs/study/ablations.csv; lines that are there are not run again. A long
run becomes nbs/study/NAME.json: recipe, commit, cost and log. What several say together becomes together.json, what
they remember memory.json, what several views are worth views.json.
"""
import argparse
import csv
import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

root = Path(__file__).resolve().parents[1]
results = root/'nbs/study'
COLUMNS = ('row', 'seed', 'accuracy', 'macro_f1', 'accuracy_tta', 'macro_f1_tta', 'disgust', 'fear', 'ece',
           'train_accuracy', 'minutes')

AUGMENTATIONS = 'scale', 'shift', 'rotate', 'flip', 'brightness', 'contrast', 'erase', 'jitter'
NETS = 'distances', 'attention', 'graph'

# name: what it changes. The first word says which table of the report it belongs to.
ROWS = {
    'all: as it is': [],
    'branches: image only': ['model.branches=image'],
    'branches: landmarks only': ['model.branches=landmarks'],
    'branches: concatenated': ['model.fusion=concat'],
    'branches: added without a gate': ['model.fusion=add'],
    'branches: no loss on pixels alone': ['pixel_loss=0'],
    'targets: no votes': ['votes_loss=0', 'model.n_votes=0'],
    'targets: half of the loss on votes': ['votes_loss=0.5'],
    'targets: no label smoothing': ['label_smoothing=0'],
    'classes: natural frequencies': ['sampler_power=0'],
    'classes: square-root sampler': ['sampler_power=0.5'],
    'classes: balanced sampler': ['sampler_power=1'],
    'classes: logit adjustment 0.5': ['sampler_power=0'],
    'classes: logit adjustment 1': ['sampler_power=0'],
    'weights: no averaging': ['ema=0'],
    'weights: SAM 0.05 in the last fifth': ['sam=0.05'],
    'weights: SAM 0.1 in the last fifth': ['sam=0.1'],
    'augmentation: none': [f'augment.{k}=0' for k in AUGMENTATIONS],
    'augmentation: no zoom': ['augment.scale=0'],
    'augmentation: no shift': ['augment.shift=0'],
    'augmentation: no rotation': ['augment.rotate=0'],
    'augmentation: no mirroring': ['augment.flip=0'],
    'augmentation: no light': ['augment.brightness=0', 'augment.contrast=0'],
    'augmentation: no erasing': ['augment.erase=0'],
    'augmentation: no noise on landmarks': ['augment.jitter=0'],
    **{f'landmarks: {k}, with the pixels':[f'model.landmark_net={k}'] for k in NETS},
    **{f'landmarks: {k}, alone':['model.branches=landmarks', f'model.landmark_net={k}'] for k in NETS},
    'landmarks: never withheld': ['model.branch_dropout=0'],
    'labels: generalized cross-entropy 0.3': [],
    'labels: generalized cross-entropy 0.7': [],
    'labels: without the tenth least believed': [],
    'input size: 40': ['model.input_size=40'],
    'input size: 64': ['model.input_size=64'],
    'input size: 96': ['model.input_size=96'],
    'input size: 128': ['model.input_size=128'],
}

def read_results(file=results/'ablations.csv'):
    "Lines of earlier runs, as dicts of strings"
    if not file.exists(): return []
    with open(file, newline='') as f: return list(csv.DictReader(f))

def write_results(rows, file=results/'ablations.csv'):
    "All lines, in the order of ROWS, then of seeds"
    names = list(ROWS)
    with open(file, 'w', newline='') as f:
        out = csv.DictWriter(f, COLUMNS, lineterminator='\n')
        out.writeheader(); out.writerows(sorted(rows, key=lambda r: (names.index(r['row']), int(r['seed']))))

def more(name, arrays, votes):
    "What else a row changes: faces, votes, and what `fit` is told"
    import numpy as np
    from fer_nb.lab.branches import generalized_cross_entropy, logit_adjusted
    what, _, number = name.rpartition(' ')
    if what == 'classes: logit adjustment':
        return arrays, votes, dict(loss=logit_adjusted(arrays.counts()[0], float(number)))
    if what == 'labels: generalized cross-entropy':
        return arrays, votes, dict(loss=generalized_cross_entropy(float(number)))
    if name == 'labels: without the tenth least believed':
        kept = ~np.isin(arrays.row, np.loadtxt(results/'doubted.txt', dtype=int))
        return arrays[kept], votes[kept], {}
    return arrays, votes, {}

def folder_of(name, seed): return root/'runs/study'/f"{re.sub(r'[^a-z0-9.]+', '-', name.lower())}-{seed}"

def recipe_of(name, seed=0):
    "The recipe of a row"
    import fer_nb.lab.branches  # noqa: F401 (registers the branches that rows name)
    from fer_nb.apps.commands import parse_changes, recipe
    return recipe('ablation', parse_changes([*ROWS[name], f'seed={seed}']))

def run_one(name, seed):
    "Run one row with one seed, in this process"
    from fer_nb.landmarks import LandmarkExtractor
    from fer_nb.train.audit import read_ferplus
    from fer_nb.train.prepare import prepare
    from fer_nb.train.training import fit
    arrays = prepare(extract=LandmarkExtractor())
    arrays, votes, kw = more(name, arrays, read_ferplus(arrays))
    fit(arrays, recipe_of(name, seed), folder_of(name, seed), votes, progress=False, **kw)

def train(name, seed, alone=True):
    "Run one row with one seed in a process of its own, on one thread if not alone; returns its folder"
    folder = folder_of(name, seed)
    folder.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, __file__, '--run', name, str(seed)]
    threads = {} if alone else dict(OMP_NUM_THREADS='1')
    with open(f'{folder}.log', 'w') as log:
        subprocess.run(command, check=True, cwd=root, env=os.environ | threads, stdout=log, stderr=log)
    return folder

def judge(folder, public):
    "Scores of a finished run on PublicTest"
    from fer_nb.network import softmax, unsmooth
    from fer_nb.train.evaluation import predict_logits
    from fer_nb.train.run_folder import read_log
    from fer_nb.train.scores import ece, fit_temperature, score
    from fer_nb.train.weights import TorchNet, load_weights
    net = TorchNet(*load_weights(folder/'best.safetensors'))
    one, two = (predict_logits(net, public, tta)[:, :7] for tta in (False, True))
    plain = unsmooth(one, net.calibration.fer2013.smoothing)
    single, both, log = score(public.labels, softmax(one)), score(public.labels, softmax(two)), read_log(folder)
    return dict(accuracy=single['accuracy'], macro_f1=single['macro_f1'], accuracy_tta=both['accuracy'],
                macro_f1_tta=both['macro_f1'],
                **{k:single['per_class'][k]['recall'] for k in ('disgust', 'fear')},
                ece=round(ece(public.labels, softmax(plain, fit_temperature(public.labels, plain))), 4),
                train_accuracy=round(log[-1]['train_accuracy'], 4), minutes=round(sum(r['seconds'] for r in log)/60, 1))

def keep(folder):
    "Note a long run for the report"
    from fer_nb.train.run_folder import about_run
    file = results/f'{Path(folder).name}.json'
    file.write_text(json.dumps(about_run(folder), indent=1) + '\n')
    print(file)

def together(folders):
    """Note the scores on PublicTest of each network, and of the mean of the probabilities of two or more, with the
    fraction of faces on which these agree; notes of others stay
    """
    from itertools import combinations
    import numpy as np
    from fer_nb.landmarks import LandmarkExtractor
    from fer_nb.network import softmax
    from fer_nb.train.evaluation import predict_logits
    from fer_nb.train.prepare import prepare
    from fer_nb.train.scores import score
    from fer_nb.train.weights import load_weights
    file = results/'together.json'
    public, said = prepare(extract=LandmarkExtractor()).subset('PublicTest'), {}
    out = json.loads(file.read_text()) if file.exists() else {}
    for folder in map(Path, folders):
        model, _ = load_weights(folder/'best.safetensors')
        said[folder.name] = [softmax(predict_logits(model, public, tta=tta)[:, :7]) for tta in (False, True)]
    for names in (c for n in range(1, len(said)+1) for c in combinations(said, n)):
        name, views = ' and '.join(names), np.mean([said[k] for k in names], 0)
        one, two = (score(public.labels, p) for p in views)
        out[name] = dict(accuracy=one['accuracy'], macro_f1=one['macro_f1'], accuracy_tta=two['accuracy'],
                         macro_f1_tta=two['macro_f1'])
        if len(names)>1:
            out[name]['agree_tta'] = round(float((np.ptp([said[k][1].argmax(1) for k in names], axis=0)==0).mean()), 4)
        print(name, out[name], flush=True)
        file.write_text(json.dumps(out, indent=1) + '\n')

def memory(folders, batch=256):
    """Note what each network says, under views as a student of it gets them, of faces it learned from and of others,
    where FER+'s people see what the label says and where not; notes of others stay
    """
    import numpy as np
    import torch
    from fer_nb.landmarks import LandmarkExtractor, align
    from fer_nb.train.audit import ferplus_majority, read_ferplus
    from fer_nb.train.augment import augment
    from fer_nb.train.data import SPLITS
    from fer_nb.train.model import to_pixels
    from fer_nb.train.prepare import prepare
    from fer_nb.train.recipe import load_config
    from fer_nb.train.weights import load_weights
    file, views = results/'memory.json', load_config('polished').augment
    arrays, out = prepare(extract=LandmarkExtractor()), json.loads(file.read_text()) if file.exists() else {}
    people = ferplus_majority(read_ferplus(arrays))
    @torch.inference_mode()
    def ask(model, faces, generator):
        pixels, points = augment(to_pixels(faces.faces), torch.from_numpy(faces.landmarks), views, generator)
        return model(pixels, align(points), torch.from_numpy(faces.valid))[:, :7].softmax(1).numpy()
    for folder in map(Path, folders):
        model, _ = load_weights(folder/'best.safetensors')
        for s, split in enumerate(SPLITS[:2]):
            generator, faces, seen = torch.Generator().manual_seed(0), arrays.subset(split), people[arrays.split==s]
            p = np.concatenate([ask(model, faces[i:i+batch], generator) for i in range(0, len(faces), batch)])
            def believed(where, what, p=p): return round(float(p[where, what[where]].mean()), 4)
            same, other = (seen>=0) & (seen==faces.labels), (seen>=0) & (seen!=faces.labels)
            out.setdefault(folder.name,
                           {})[split] = dict(accuracy=round(float((p.argmax(1)==faces.labels).mean()), 4),
                                             agreed=int(same.sum()), agreed_label=believed(same, faces.labels),
                disputed=int(other.sum()), disputed_label=believed(other,
                                                                   faces.labels), disputed_people=believed(other, seen))
            print(folder.name, split, out[folder.name][split], flush=True)
        file.write_text(json.dumps(out, indent=1) + '\n')

def view(zoom=1., dx=0., dy=0., degrees=0., flip=False): return zoom, dx, dy, degrees, flip

def both(*views): return [v[:4] + (flip,) for v in views for flip in (False, True)]

CORNERS = (-1, -1), (-1, 1), (1, -1), (1, 1)
VIEWS = {
    'single view': [view()],
    'flip': both(view()),
    'shift by 1 pixel, four ways, and flip': both(view(),
                                                  *(view(dx=x/48, dy=y/48) for x,y in ((1,0),(-1,0),(0,1),(0,-1)))),
    'zoom .94, 1, 1.06, and flip': both(*(view(zoom=z) for z in (.94, 1, 1.06))),
    'turn by −6°, 0, 6°, and flip': both(*(view(degrees=a) for a in (-6, 0, 6))),
    'ten-crop: corners of 44 pixels, and flip': both(view(zoom=48/44),
                                                     *(view(zoom=48/44, dx=x/24, dy=y/24) for x,y in CORNERS)),
}

def logits_of(model, arrays, zoom, dx, dy, degrees, flip, batch=256):
    "Logits (N, 17) of each face under one view; dx and dy are fractions of the side"
    import numpy as np
    import torch
    from fer_nb.landmarks import align
    from fer_nb.train.augment import warp_landmarks, warp_pixels
    from fer_nb.train.model import to_pixels
    a, s = np.deg2rad(degrees), -1. if flip else 1.
    one = torch.tensor([[np.cos(a)*s, -np.sin(a)], [np.sin(a)*s, np.cos(a)]], dtype=torch.float32)/zoom
    out = []
    for i in range(0, len(arrays), batch):
        part = arrays[i:i+batch]; n = len(part)
        maps = one.expand(n, 2, 2), torch.tensor([2*dx, 2*dy]).expand(n, 2)
        points = warp_landmarks(torch.from_numpy(part.landmarks), *maps, torch.full((n,), zoom), torch.full((n,), flip))
        with torch.inference_mode():
            out.append(model(warp_pixels(to_pixels(part.faces), *maps), align(points), torch.from_numpy(part.valid)))
    return torch.cat(out).numpy()

def try_views():
    "Note the shipped network's scores on PublicTest for each kind of views; logits are averaged"
    import numpy as np
    from fer_nb.landmarks import LandmarkExtractor
    from fer_nb.network import find_weights
    from fer_nb.train.evaluation import predict_logits
    from fer_nb.train.prepare import prepare
    from fer_nb.train.scores import score
    from fer_nb.train.weights import TorchNet, load_weights
    public, known, out = prepare(extract=LandmarkExtractor()).subset('PublicTest'), {}, {}
    net = TorchNet(*load_weights(find_weights(suffix='.safetensors')))
    for name, views in VIEWS.items():
        for v in views:
            if v not in known: known[v] = logits_of(net.model, public, *v)
        s = score(public.labels,
                  net.calibration.probabilities(np.mean([known[v] for v in views], 0), 'fer2013', flip=len(views)>1), 2)
        out[name] = dict(views=len(views), accuracy=s['accuracy'], macro_f1=s['macro_f1'])
        print(name, out[name], flush=True)
    gap = np.abs(known[view()] - predict_logits(net, public)).max()
    assert gap<2e-3, 'the plain view is not what the network is asked elsewhere'
    (results/'views.json').write_text(json.dumps(out, indent=1) + '\n')

def count_truths(bins=15):
    """Count PublicTest faces by label, majority (the last: none) and the label head's prediction; and, over bins of
    the stated fraction and all ten votes, the mean of what is stated and of what the annotators said"""
    import numpy as np
    from fer_nb.landmarks import LandmarkExtractor
    from fer_nb.network import OnnxNet, find_weights
    from fer_nb.train.audit import ferplus_majority, read_ferplus
    from fer_nb.train.evaluation import predict_logits
    from fer_nb.train.prepare import prepare
    public, net = prepare(extract=LandmarkExtractor()).subset('PublicTest'), OnnxNet(find_weights())
    votes, logits = read_ferplus(public), predict_logits(net, public)
    counts, said = np.zeros((7, 8, 7), int), net.calibration.probabilities(logits, 'fer2013').argmax(1)
    np.add.at(counts, (public.labels, ferplus_majority(votes), said), 1) # a majority of -1 is the last row
    stated, of_ten = net.calibration.shares(logits).ravel(), (votes/np.maximum(votes.sum(1, keepdims=True), 1)).ravel()
    at = np.minimum((stated*bins).astype(int), bins-1); n = np.bincount(at, minlength=bins)
    mean = lambda v: (np.bincount(at, v, bins)/np.maximum(n, 1)).round(4).tolist()
    out = dict(counts=counts.tolist(), shares=dict(n=n.tolist(), stated=mean(stated), people=mean(of_ten)))
    (results/'truths.json').write_text(json.dumps(out) + '\n')

def run_all(seeds, only, jobs):
    "Every wanted row that has no line yet: all rows with one seed, then with the next"
    import torch
    from fer_nb.landmarks import LandmarkExtractor
    from fer_nb.train.prepare import prepare
    public = prepare(extract=LandmarkExtractor()).subset('PublicTest')
    if jobs>1: torch.set_num_threads(1) # threads that wait for each other while runs hold the cores cost minutes
    done = {(r['row'], r['seed']) for r in read_results()}
    names = [name for name in ROWS if not only or any(word in name for word in only)]
    wanted = [(name, seed) for seed in range(seeds) for name in names if (name, str(seed)) not in done]
    with ThreadPoolExecutor(jobs) as pool:
        running = {pool.submit(train, *run, jobs==1):run for run in wanted}
        for future in as_completed(running):
            name, seed = running[future]
            line = dict(row=name, seed=seed) | judge(future.result(), public)
            write_results(read_results() + [line])
            print(f"{name}, seed {seed}: {line['accuracy']}", flush=True)

if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--seeds', type=int, default=3)
    parser.add_argument('--only', nargs='*', default=[])
    parser.add_argument('--jobs', type=int, default=1)
    parser.add_argument('--run', nargs=2, metavar=('ROW', 'SEED'), help=argparse.SUPPRESS)
    parser.add_argument('--keep', metavar='FOLDER')
    parser.add_argument('--together', nargs='+', metavar='FOLDER')
    parser.add_argument('--memory', nargs='+', metavar='FOLDER')
    parser.add_argument('--views', action='store_true')
    parser.add_argument('--truths', action='store_true')
    args = parser.parse_args()
    results.mkdir(exist_ok=True)
    if args.run: run_one(args.run[0], int(args.run[1]))
    elif args.keep: keep(args.keep)
    elif args.together: together(args.together)
    elif args.memory: memory(args.memory)
    elif args.views: try_views()
    elif args.truths: count_truths()
    else: run_all(args.seeds, args.only, args.jobs)
