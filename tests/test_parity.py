"""Our FaceMesh beside MediaPipe's own: the same faces, the same points.

On 1,000 of FER2013's faces instead of 100: FER_NB_PARITY=1000.
"""
import os
from functools import cache
import numpy as np
import pytest
from PIL import Image
from fer_nb.facemesh import FaceMesh
from fer_nb.landmarks import LandmarkExtractor, mirror
from fer_nb.whole_photo import photo_landmarks

cv2 = pytest.importorskip('cv2')
mediapipe = pytest.importorskip('mediapipe')
VIEWS = 'plain', 'mirrored', 'blurred'

@cache
def theirs(most, confidence):
    return mediapipe.solutions.face_mesh.FaceMesh(
        static_image_mode=True, max_num_faces=most, min_detection_confidence=confidence
    )


def reference(image, most=1, confidence=.1):
    found = theirs(most, confidence).process(np.ascontiguousarray(image)).multi_face_landmarks or []
    return [np.array([(p.x, p.y, p.z) for p in f.landmark], np.float32) for f in found]

def locate(face, view):
    "What MediaPipe finds in a face, prepared by OpenCV: points in crop coordinates, or None"
    if view == 'mirrored': face = face[:, ::-1]
    if view == 'blurred': face = cv2.GaussianBlur(face, (0, 0), max(face.shape)/48)
    face = cv2.resize(np.ascontiguousarray(face), (192, 192), interpolation=cv2.INTER_CUBIC)
    found = reference(np.stack([np.pad(face, 48, constant_values=128)]*3, 2))
    if not found: return None
    points = found[0]*1.5 - np.float32([.25, .25, 0])
    return mirror(points) if view == 'mirrored' else points

def whole(image, confidence, most=4, max_side=640):
    "What MediaPipe finds in a photo, prepared by OpenCV"
    (h, w), scale = image.shape[:2], min(1, max_side/max(image.shape[:2]))
    if scale < 1:
        image = cv2.resize(image, (max(1, round(w * scale)), max(1, round(h * scale))), interpolation=cv2.INTER_AREA)
    b = round(.25*min(image.shape[:2]))
    bordered = np.pad(image, ((b, b), (b, b), (0, 0)), constant_values=128)
    for name, view, border in (('plain', image, 0), ('mirrored', image[:, ::-1], 0), ('bordered', bordered, b)): # noqa: B007
        h, w = view.shape[:2]
        if faces := reference(view, most, confidence): break
    if name == 'mirrored': faces = [mirror(f) for f in faces]
    faces = [(f*[w, h, w] - [border, border, 0])/scale for f in faces]
    return sorted(faces, key=lambda f: -np.ptp(f[:, :2], 0).prod())

@pytest.fixture(scope='module')
def photos():
    "Two portraits and small faces, turned, in one photo each, and the same stretched"
    import matplotlib.cbook
    from skimage import data
    hopper = np.asarray(Image.open(matplotlib.cbook.get_sample_data('grace_hopper.jpg', asfileobj=False)))
    portrait, lfw = data.astronaut()[:300, 80:380], (data.lfw_subset()[:100]*255).astype(np.uint8)
    rng, out = (
        np.random.default_rng(0),
        [hopper, data.astronaut(), data.chelsea(), np.hstack([hopper[:300, 100:400], portrait])],
    )
    for _ in range(8):
        scene = Image.fromarray(rng.integers(60, 200, (3, 4, 3), dtype=np.uint8)).resize(
            (640, 480), Image.Resampling.NEAREST
        )
        small = [np.stack([lfw[i]]*3, 2) for i in rng.integers(0, 100, 2)]
        for i, face in enumerate((hopper[20:420, 60:460], portrait, *small)):
            side, turn = int(rng.integers(110, 200)), float(rng.uniform(-25, 25))
            face = (
                Image.fromarray(face)
                .resize((side, side), Image.Resampling.BICUBIC)
                .rotate(turn, fillcolor=(128, 128, 128))
            )
            scene.paste(face, (i % 2*320 + int(rng.integers(0, 320-side)), i//2*240 + int(rng.integers(0, 240-side))))
        large = scene.resize((int(rng.integers(700, 2200)), int(rng.integers(600, 1500))), Image.Resampling.BICUBIC)
        out += [np.asarray(scene), np.asarray(large)]
    return out

@pytest.mark.parametrize('confidence', [.1, .5])
def test_photos_show_the_same_faces(photos, confidence):
    n = 0
    for photo in photos:
        want, got = whole(photo, confidence), photo_landmarks(photo, confidence)
        assert len(got) == len(want)
        for a, b in zip(got, want): assert abs(a-b)[:, :2].max() < .5
        n += len(want)
    assert n > 20

@pytest.fixture(scope='module')
def faces():
    if not os.environ.get('FER2013_HOME'): pytest.skip('FER2013_HOME is not set')
    from fer_nb.train.prepare import prepare

    return (
        prepare(None, LandmarkExtractor(), progress=False)
        .subset('PublicTest')
        .faces[: int(os.environ.get('FER_NB_PARITY', 100))]
    )


@pytest.mark.parametrize('view', VIEWS)
def test_fer2013_faces_get_the_same_points(faces, view):
    extract = LandmarkExtractor()
    pairs = [(extract._locate(f, view), locate(f, view)) for f in np.asarray(faces)]
    assert [a is None for a, _ in pairs] == [b is None for _, b in pairs]
    off = np.array([np.linalg.norm((a-b)[:, :2], axis=1) for a, b in pairs if a is not None])*48
    assert off.mean(1).max() < .01 and off.max() < .02, (off.mean(1).max(), off.max())

def test_fer2013_faces_get_the_same_class(faces):
    from fer_nb.network import OnnxNet, find_weights
    net, extract = OnnxNet(find_weights(), 1), LandmarkExtractor()
    ours, others = [], []
    for f in np.asarray(faces):
        ours.append(extract(f))
        points = next((p for v in VIEWS if (p := locate(f, v)) is not None), None)
        others.append((np.zeros((468, 3), np.float32), False) if points is None else (points, True))
    answers = [net(np.asarray(faces), np.stack([p for p, _ in o]), np.array([v for _, v in o])) for o in (ours, others)]
    assert (answers[0][:, :7].argmax(1) == answers[1][:, :7].argmax(1)).all()

def test_a_gray_picture_is_its_rgb():
    face = np.random.default_rng(0).integers(0, 256, (99, 70), dtype=np.uint8)
    for a, b in zip(FaceMesh(4)(face), FaceMesh(4)(np.stack([face]*3, 2)), strict=True): assert (a == b).all()
