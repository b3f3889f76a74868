"The worst pictures that the page accepts, by format: what one of them costs, in a process of its own."
import io
import json
import struct
import subprocess
import sys
import zlib
from pathlib import Path
import pytest
from PIL import Image

pytest.importorskip('streamlit')
from fer_nb.apps.page.reading import MAX_MB, MAX_PIXELS, MAX_SIDE, read

root = Path(__file__).resolve().parents[1]
SECONDS, MEGABYTES = 5, 600 # of CPU, and beyond what the process holds anyway
SIDE = int(MAX_PIXELS**.5)
READ = '''import json, sys, time
from fer_nb.apps.page import reading
model = reading.recognizer()
def held(key):
    return next(int(l.split()[1])/1024 for l in open('/proc/self/status') if l.startswith(key))
data = sys.stdin.buffer.read()
before, start = held('VmHWM'), time.process_time()
found = reading.read('x', data)
print(json.dumps(dict(status=found.status, seconds=time.process_time()-start, megabytes=held('VmHWM')-before)))'''

def saved(im, format, **options):
    f = io.BytesIO()
    im.save(f, format, **options)
    return f.getvalue()

def png(depth, colour, samples, interlaced):
    "A PNG of zeros, written row by row: Pillow writes neither 16 bits a colour nor interlaced"
    def chunk(kind, data): return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind+data))
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    pack, body = zlib.compressobj(6), []
    for x, y, dx, dy in passes if interlaced else [(0, 0, 1, 1)]:
        row = bytes(1 + -(-(SIDE-x)//dx)*samples*depth//8)
        body += [pack.compress(row) for _ in range(-(-(SIDE-y)//dy))]
    head = struct.pack('>IIBBBBB', SIDE, SIDE, depth, colour, 0, 0, interlaced)
    pixels = b''.join([*body, pack.flush()])
    return b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', head) + chunk(b'IDAT', pixels) + chunk(b'IEND', b'')

def scans():
    "A progressive JPEG with as many scans as its size may have"
    data = saved(Image.new('RGB', (SIDE, SIDE), 'gray'), 'JPEG', progressive=True)
    scan = data[data.rindex(b'\xff\xda'):-2]
    n = min(2_000_000_000//SIDE**2 - 10, (MAX_MB*2**20 - len(data))//len(scan))
    return data[:-2] + max(0, n)*scan + data[-2:]

def turned():
    exif = Image.Exif()
    exif[0x0112] = 5
    return saved(Image.new('RGB', (SIDE, SIDE), 'gray'), 'JPEG', exif=exif)

WORST = {'16-bit png': lambda: png(16, 6, 4, 0), 'interlaced png': lambda: png(8, 6, 4, 1), 'scans': scans,
         'cmyk': lambda: saved(Image.new('CMYK', (SIDE, SIDE), 'gray'), 'JPEG'), 'turned jpeg': turned,
         'webp': lambda: saved(Image.new('RGBA', (16383, MAX_PIXELS//16383), (9, 9, 9, 9)), 'WEBP', method=0),
         'long': lambda: saved(Image.new('RGB', (MAX_SIDE, MAX_PIXELS//MAX_SIDE)), 'PNG')}

@pytest.mark.slow
@pytest.mark.skipif(sys.platform != 'linux', reason='Linux alone says how much memory was held')
@pytest.mark.parametrize('kind', WORST)
def test_no_picture_costs_more_than_it_may(kind):
    data = WORST[kind]()
    assert len(data) <= MAX_MB*2**20
    done = subprocess.run([sys.executable, '-c', READ], input=data, cwd=root, capture_output=True)
    said = json.loads(done.stdout or b'{}')
    assert done.returncode == 0 and said['status'] == 'no_face', done.stderr.decode()[-500:] # it was read, not refused
    assert said['seconds'] <= SECONDS and said['megabytes'] <= MEGABYTES, said

def test_a_longer_one_is_refused():
    assert read('x', saved(Image.new('RGB', (MAX_SIDE+1, 9)), 'PNG')).status == 'too_large'
