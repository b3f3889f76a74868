"""FER2013's faces as photos through the whole serving path, with and without the second look, for the table of 21_inference.

    python tools/serving.py [SPLIT ...]     # PublicTest and PrivateTest; FER2013_HOME; some two minutes a line on a quiet core

Everything was chosen on PublicTest and Training; PrivateTest is there to be read once.
"""
import json, sys
from pathlib import Path
from fer_nb.train.data import prepare
from fer_nb.inference import EmotionRecognizer, serve_faces
from fer_nb.landmarks import LandmarkExtractor

table = Path(__file__).resolve().parents[1]/'nbs/study/serving.json'

def main(splits):
    arrays = prepare(None, LandmarkExtractor(), progress=False)
    rows = {(r['split'], r['second look']):r for r in (json.loads(table.read_text()) if table.exists() else [])}
    for split in splits:
        for second in (False, True):
            recognizer = EmotionRecognizer.from_pretrained(threads=1, second=second)
            rows[split, second] = {'split':split, 'second look':second} | serve_faces(recognizer, arrays.subset(split))
            print({k:round(v, 4) if isinstance(v, float) else v for k,v in rows[split, second].items()}, flush=True)
            table.write_text(json.dumps(list(rows.values()), indent=1) + '\n')

if __name__=='__main__': main(sys.argv[1:] or ['PublicTest', 'PrivateTest'])
