"The committee: copies stay together, nobody judges a face that it has learned from, and our JPEG is Pillow's."
import io
import numpy as np
import pytest
import torch
from PIL import Image
from fer_nb.lab.committee import as_jpeg
from fer_nb.lab.teachers import folds, out_of_fold, train_teacher
from fer_nb.train.data import synthetic_faces
from fer_nb.train.model import EmotionNet, EmotionNetConfig, to_pixels

class Says(torch.nn.Module):
    "A teacher with one opinion"
    def __init__(self, what): super().__init__(); self.what = what
    def forward(self, pixels, points, valid): return torch.full((len(pixels), 17), float(self.what))

def test_copies_share_a_fold():
    faces = np.random.default_rng(0).integers(0, 256, (3000, 48, 48), dtype=np.uint8)
    fold = folds(faces)
    assert (fold == folds(faces[::-1])[::-1]).all() and (fold == folds(faces.copy(order='F'))).all()
    assert np.bincount(fold, minlength=3).min() > 900 and np.bincount(folds(faces, 5)).size == 5

def test_each_face_hears_the_teachers_of_its_own_fold():
    fold, teachers = torch.tensor([2, 0, 1, 1, 2, 0, 0]), [[Says(10*k + f) for f in range(3)] for k in range(2)]
    said = out_of_fold(teachers, fold, torch.rand(7, 1, 48, 48), torch.rand(7, 468, 3), torch.ones(7, dtype=bool))
    assert (said == torch.stack([fold, 10 + fold])[:, :, None]).all()

def test_a_teacher_never_meets_its_fold(tmp_path, monkeypatch):
    "`fit` gets all faces of PublicTest, and those of Training that are in another fold"
    import fer_nb.lab.teachers as teachers
    arrays = synthetic_faces(42)
    trunk = EmotionNet(EmotionNetConfig(branches='image', n_votes=10))
    met = {}
    def fit(arrays, config, out, votes, begin, **kw):
        met.update(arrays=arrays, votes=votes, config=config)
        (out/'last.safetensors').write_bytes(begin.read_bytes())
    monkeypatch.setattr(teachers, 'fit', fit)
    fold, votes = np.arange(42) % 3, np.arange(420).reshape(42, 10)
    train_teacher(arrays, votes, fold, 1, trunk, EmotionNet(), teachers.TEACHER, tmp_path/'run')
    kept = (fold != 1) | (arrays.split != 0)
    assert 0 < (~kept).sum() < 42 and (met['arrays'].row == arrays.row[kept]).all()
    assert (met['votes'] == votes[kept]).all() and met['config'].model.branches == 'fused'

@pytest.mark.parametrize('quality', [5, 10, 30, 50, 75, 95])
def test_jpeg_is_pillows(quality):
    faces = synthetic_faces(4).faces
    for face, ours in zip(faces, as_jpeg(to_pixels(faces), torch.full((len(faces),), float(quality)))):
        Image.fromarray(face).save(file := io.BytesIO(), 'JPEG', quality=quality)
        assert np.abs(255*ours[0].numpy() - np.array(Image.open(file))).mean() < .7
