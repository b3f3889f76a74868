"""How fast the shipped network predicts on a CPU: the same weights, one remedy after another, each in its own process.

    python tools/speed.py     # writes nbs/study/speed.csv; wants an idle machine, takes two minutes

The input is noise: the time does not depend on what is seen. Each row adds to the one above it; the last takes one
thing back.
"""
import csv
import statistics
import subprocess
import sys
import time
from pathlib import Path

root = Path(__file__).resolve().parents[1]
ROWS = {
    'float32': {},
    'batch norms folded': dict(fold=True),
    'channels last': dict(fold=True, channels_last=True),
    'torch.compile': dict(fold=True, channels_last=True, compile=True),
    'bf16': dict(fold=True, channels_last=True, compile=True, bf16=True),
    'bf16, not compiled': dict(fold=True, channels_last=True, bf16=True),
}

def fold(module):
    "Every convolution that a batch norm follows takes over its scale and shift"
    from torch import nn
    from torch.nn.utils.fusion import fuse_conv_bn_eval
    for child in module.children(): fold(child)
    if not isinstance(module, nn.Sequential): return
    for i in range(len(module)-1):
        if isinstance(module[i], nn.Conv2d) and isinstance(module[i+1], nn.BatchNorm2d):
            module[i], module[i+1] = fuse_conv_bn_eval(module[i], module[i+1]), nn.Identity()

def median_seconds(net, batch, threads, calls, bf16):
    "Of a call with `batch` faces"
    import torch
    torch.set_num_threads(threads)
    face, times = (torch.rand(batch, 1, net.config.input_size, net.config.input_size), torch.randn(batch, 468, 3),
                   torch.ones(batch)), []
    with torch.inference_mode(), torch.autocast('cpu', torch.bfloat16, enabled=bf16):
        for _ in range(calls+10):
            start = time.perf_counter(); net(*face)
            times.append(time.perf_counter()-start)
    return statistics.median(times[10:])

def measure(row):
    "Milliseconds for one face on one thread, and faces a second in batches on two"
    import torch
    from fer_nb.network import find_weights
    from fer_nb.train.weights import load_weights
    how = ROWS[row]
    net, _ = load_weights(find_weights(suffix='.safetensors'))
    if how.get('fold'): fold(net)
    if how.get('channels_last'): net = net.to(memory_format=torch.channels_last)
    if how.get('compile'):
        import torch._inductor.config
        torch._inductor.config.freezing = True
        net.compile()
    one = median_seconds(net, 1, 1, 200, how.get('bf16', False))
    return round(1000*one, 2), round(128/median_seconds(net, 128, 2, 10, how.get('bf16', False)))

if __name__ == '__main__':
    if len(sys.argv)>1: print(*measure(sys.argv[1])); sys.exit()
    with open(root/'nbs/study/speed.csv', 'w', newline='') as f:
        out = csv.writer(f, lineterminator='\n')
        out.writerow(['row', 'milliseconds', 'faces_per_second'])
        for row in ROWS:
            done = subprocess.run([sys.executable, __file__, row], check=True, capture_output=True, text=True)
            out.writerow([row, *done.stdout.split()[-2:]]); print(row, done.stdout.strip(), flush=True)
