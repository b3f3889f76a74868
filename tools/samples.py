"""The pictures that the page offers to try, into fer_nb/apps/page/: from NASA and the US Navy, and synthetic groups.

    python tools/samples.py         # needs the extra `train`, matplotlib and scikit-image
"""
from pathlib import Path
import numpy as np
from matplotlib.cbook import get_sample_data
from PIL import Image
from skimage.data import astronaut
from fer_nb.train.synthetic import draw_scene

folder = Path(__file__).resolve().parents[1]/'fer_nb/apps/page'
THREE = 'happy', 'surprise', 'neutral'
GROUP = ('happy', 'neutral', 'surprise', 'happy'), ('neutral', 'sad', 'happy', 'angry')

def group(seeds=(3, 8), size=(1200, 420)):
    "Two rows of synthetic people"
    return np.concatenate([draw_scene(row, seed, size)[0] for row, seed in zip(GROUP, seeds)])

def main():
    with get_sample_data('grace_hopper.jpg') as f: (folder/'sample.jpg').write_bytes(f.read())
    pictures = dict(smile=Image.fromarray(astronaut()), crowd=Image.fromarray(group()),
                    three=Image.fromarray(draw_scene(THREE, 11, (960, 512))[0]))
    for name, im in pictures.items():
        im.save(folder/f'{name}.jpg', quality=88, optimize=True)
        print(f'{name}.jpg {im.width}×{im.height} {(folder/f"{name}.jpg").stat().st_size/1024:.0f} kB')

if __name__ == '__main__': main()
