"""FER2013's faces as photos through the whole serving path, with and without the second look, for the table of
46_serving.

    python tools/serving.py [SPLIT ...]     # PublicTest and PrivateTest; FER2013_HOME; some two minutes a line on
    a quiet core

Everything was chosen on PublicTest and Training; PrivateTest is there to be read once.
"""
import json
import sys
from pathlib import Path
from fer_nb.inference import EmotionRecognizer
from fer_nb.lab.serving import serve_faces
from fer_nb.landmarks import LandmarkExtractor
from fer_nb.train.audit import ferplus_majority, read_ferplus
from fer_nb.train.prepare import prepare

table = Path(__file__).resolve().parents[1]/'nbs/study/serving.json'

def main(splits):
    arrays, rows = prepare(None, LandmarkExtractor(), progress=False), []
    for split in splits:
        faces = arrays.subset(split)
        right = dict(people=ferplus_majority(read_ferplus(faces)), fer2013=faces.labels)
        for second, truth in ((False, 'people'), (True, 'people'), (True, 'fer2013')):
            recognizer = EmotionRecognizer.from_pretrained(threads=1, second=second, truth=truth)
            rows.append(
                {'split': split, 'truth': truth, 'second look': second} | serve_faces(recognizer, faces, right[truth])
            )
            print({k:round(v, 4) if isinstance(v, float) else v for k,v in rows[-1].items()}, flush=True)
            table.write_text(json.dumps(rows, indent=1) + '\n')

if __name__=='__main__': main(sys.argv[1:] or ['PublicTest', 'PrivateTest'])
