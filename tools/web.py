"""The page that needs no server, into _docs/live/: web/, the package's constants and networks, and ONNX Runtime's.

    make web                # installs what web/package-lock.json names, then runs this
    python tools/web.py [FOLDER]
"""
import argparse
import hashlib
import inspect
import json
import shutil
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any
from fer_nb import core, faces, framing, inference, landmarks, network, quality, whole_photo
from fer_nb.apps.page import words

root = Path(__file__).resolve().parents[1]
WEB, RUNTIME = root/'web', root/'web/node_modules/onnxruntime-web'
ORT = 'ort.wasm.bundle.min.mjs', 'ort-wasm-simd-threaded.wasm'
MODELS = ('emotion.onnx', 'mtcnn/pnet.onnx', 'mtcnn/rnet.onnx', 'mtcnn/onet.onnx', 'facemesh/detector.onnx',
          'facemesh/mesh.onnx')
MOST = 30e6 # bytes in all

def named(room: Any, names: str) -> dict[str, Any]:
    "Constants of a room; the names of private ones lose the underscore"
    return {name.lstrip('_'): getattr(room, name) for name in names.split()}

def default(function: Any, name: str) -> Any: return inspect.signature(function).parameters[name].default

def constants() -> dict[str, Any]:
    "What the package says, for the browser"
    meta = network.OnnxNet(network.find_weights(), 1).meta
    detector = {f.name: f.default for f in fields(faces.FaceDetector) if f.name != 'threads'}
    extractor = landmarks.LandmarkExtractor()
    return (
        named(core, 'CLASSES TRUTHS VOTES COLORS VOTE_OF')
        | named(framing, 'BOX_WIDTH BOX_HEIGHT BOX_X BOX_Y POINTS_SIZE POINTS_X POINTS_Y LEVEL')
        | named(faces, '_SMALLER _WINDOWS _CERTAIN _SURE _BETTER') | detector
        | named(landmarks, 'CONTOURS _EYES _CHEEKS _UPRIGHT _STRAIGHT') | dict(MIRROR=landmarks.MIRROR.tolist())
        | dict(extractor=extractor.settings, views=extractor.views, fill=default(landmarks.canvas, 'fill'))
        | named(quality, 'LIMITS MASKED NOT_A_FACE WEAK_SCORE') | named(network, '_NAMED')
        | dict(photo={n: default(whole_photo.photo_landmarks, n) for n in ('confidence', 'most', 'max_side')})
        | dict(within=default(inference.second_look, 'within'))
        | dict(dark=default(faces.stretch_dark, 'below'), min_size=default(inference.EmotionRecognizer, 'min_size'))
        | dict(words=named(words, 'TRUTHS PRIORS HELP REFUSED'))
        | dict(header={k: meta[k] for k in ('classes', 'votes', 'calibration')})
    )

def list_files(folder: Path, files: list[Path]):
    "Write files.js: what the service worker keeps, and a name for this build"
    digest = hashlib.sha256(b''.join(f.read_bytes() for f in files)).hexdigest()[:16]
    kept = ['./', *(f.relative_to(folder).as_posix() for f in files if f.name not in ('sw.js', 'LICENSE'))]
    (folder/'files.js').write_text(f'const BUILD = "fer_nb {digest}", FILES = {json.dumps(kept)}\n')

def build(folder: Path) -> float: # megabytes
    "Write the page"
    if not RUNTIME.is_dir(): sys.exit('web/node_modules is missing. Run: make web')
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(WEB, folder, ignore=shutil.ignore_patterns('node_modules', 'package*.json', '.*'))
    (folder/'constants.json').write_text(json.dumps(constants(), separators=(',', ':')))
    weights = network.find_weights().parent
    for source, names, part in (weights, MODELS, 'models'), (RUNTIME/'dist', ORT, 'ort'):
        for name in names:
            (folder/part/name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source/name, folder/part/name)
    shutil.copy(weights/'facemesh/LICENSE', folder/'models/facemesh/LICENSE')
    shutil.copy(root/'fer_nb/apps/page/icon.png', folder)
    files = sorted(f for f in folder.rglob('*') if f.is_file())
    list_files(folder, files)
    size = sum(f.stat().st_size for f in files)
    if size > MOST: sys.exit(f'{folder} holds {size/1e6:.1f} MB, more than {MOST/1e6:.0f}.')
    return size/1e6

if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('folder', nargs='?', type=Path, default=root/'_docs/live')
    folder = parser.parse_args().folder
    print(f'{folder}: {build(folder):.1f} MB')
