"""Where a training step's time goes: the same step, one remedy after another, each in a process of its own.

    python tools/step.py [--config reference]     # writes nbs/study/step.csv; wants an idle machine, takes some minutes

Rows add up: each has what the rows above it have. The last two take something back, to show what it costs.
"""
import argparse
import csv
import statistics
import subprocess
import sys
import time
from pathlib import Path

root = Path(__file__).resolve().parents[1]
ROWS = {
    'float32': {},
    'bf16': dict(bf16=True),
    'channels last': dict(bf16=True, channels_last=True),
    'memory kept between steps': dict(bf16=True, channels_last=True, keep=True),
    'torch.compile': dict(bf16=True, channels_last=True, keep=True, compile=True),
    'compiled, memory given back': dict(bf16=True, channels_last=True, compile=True),
    'compiled, with a first layer at 48 px and gates in every stage': dict(bf16=True, channels_last=True, keep=True,
                                                                           compile=True, full=True),
}

def at_full_resolution(net):
    "This network's first version: two convolutions before 24 px, squeeze and excitation in the first stage too"
    from torch import nn
    from fer_nb.train.model import SqueezeExcite, conv
    n = net.config.widths[0]
    net.pixels.stem = nn.Sequential(conv(1, 32), nn.BatchNorm2d(32), nn.ReLU(inplace=True), conv(32, n, stride=2),
                                    nn.BatchNorm2d(n), nn.ReLU(inplace=True))
    for block in net.pixels.stages[0]: block.body.append(SqueezeExcite(n))

def measure(config, bf16=False, channels_last=False, keep=False, compile=False, full=False, steps=15, warm=6):
    "Median seconds of a step of `config` on random faces"
    import torch
    import torch.nn.functional as F
    from fer_nb.train.model import EmotionNet
    from fer_nb.train.recipe import load_config, make_optimizer
    from fer_nb.train.training import _keep_memory
    config = load_config(config)
    if keep: _keep_memory()
    net, n = EmotionNet(config.model), config.batch_size
    if full: at_full_resolution(net)
    if channels_last: net = net.to(memory_format=torch.channels_last)
    if compile: net.compile()
    optimizer, size, times = make_optimizer(net, config), config.model.input_size, []
    batch, y = (torch.rand(n, 1, size, size), torch.randn(n, 468, 3), torch.ones(n)), torch.randint(0, 7, (n,))
    for _ in range(warm+steps):
        start = time.perf_counter()
        with torch.autocast('cpu', torch.bfloat16, enabled=bf16): outputs = net(*batch, parts=True)
        sum(F.cross_entropy(o[:, :7].float(), y) for o in outputs).backward()
        optimizer.step(); optimizer.zero_grad()
        times.append(time.perf_counter()-start)
    return statistics.median(times[warm:])

if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--config', default='reference')
    parser.add_argument('--row', help='measure this one and print seconds')
    args = parser.parse_args()
    if args.row: print(measure(args.config, **ROWS[args.row])); sys.exit()
    command = [sys.executable, __file__, '--config', args.config, '--row']
    run = lambda row: subprocess.run([*command, row], check=True, capture_output=True, text=True).stdout
    one = lambda row: float(run(row).split()[-1])
    times = {row: one(row) for row in ROWS}
    file = root/'nbs/study/step.csv'
    with open(file, 'w', newline='') as f:
        out = csv.writer(f, lineterminator='\n')
        out.writerow(['row', 'milliseconds', 'share'])
        out.writerows([row, round(1000*t), round(t/times['float32'], 2)] for row,t in times.items())
    print(file.read_text())
