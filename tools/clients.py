"""Many clients of `fer_nb serve` at once, good, bad and slow ones: is anything mixed or lost, and how fast is it?

    python tools/clients.py                           # fifty clients of a service of its own; wants an idle machine
    python tools/clients.py --clients 10 --rounds 1   # a short form
    python tools/clients.py --least .9                # fails below .9 of what `predict_batch` reaches

Every client sends a photo that nobody else sends, every other one with its name, so that a mixed-up answer shows.
"""
import argparse
import base64
import http.client
import io
import json
import signal
import socket
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
import load
import psutil
from PIL import Image
from skimage.data import astronaut
from fer_nb.inference import EmotionRecognizer

KINDS = ('good',)*7 + ('slow', 'bad', 'rude') # of ten clients; a rude one hangs up in the middle
SLOW = 3                                      # seconds over which a slow client sends its photo

def portrait(i: int) -> bytes:
    "A face that stands in its own place"
    at = 100 - 3*(i % 10), 30 - 3*(i//10 % 10)
    f = io.BytesIO()
    Image.fromarray(astronaut()).crop((*at, at[0]+300, at[1]+300)).resize((512, 512)).save(f, 'PNG')
    return f.getvalue()

class Service:
    "`fer_nb serve` in a process of its own"
    def __init__(self, *options: str):
        with socket.socket() as s: s.bind(('127.0.0.1', 0)); self.port = s.getsockname()[1]
        command = [sys.executable, '-m', 'fer_nb', 'serve', f'--port={self.port}', *options]
        self.log = tempfile.TemporaryFile('w+')
        self.process = subprocess.Popen(command, cwd=load.root, stderr=self.log)
        for _ in range(1200):
            if self.process.poll() is not None: sys.exit('the service has stopped')
            try: self.ask('GET', '/health'); return
            except OSError: time.sleep(.1)
        self.process.kill(); sys.exit('the service does not answer')

    def ask(self, method: str, path: str, body: Any = None, kind: str = 'image/png') -> tuple[int, Any, str]:
        "Status, JSON and Retry-After of one request"
        line = http.client.HTTPConnection('127.0.0.1', self.port, timeout=300)
        try:
            length = {} if body is None or isinstance(body, bytes) else {'Content-Length': str(body.size)}
            line.request(method, path, body, {'Content-Type': kind} | length)
            answer = line.getresponse()
            return answer.status, json.loads(answer.read()), answer.headers.get('Retry-After', '')
        finally: line.close()

    def patiently(self, body: Any, kind: str = 'image/png') -> tuple[int, Any]:
        "Again, as often as the service says that it is full"
        while True:
            status, said, after = self.ask('POST', '/predict', body, kind)
            if status != 429: return status, said
            time.sleep(float(after))

    def hang_up(self, data: bytes):
        "Send half a photo, and leave"
        line = http.client.HTTPConnection('127.0.0.1', self.port, timeout=60)
        line.putrequest('POST', '/predict')
        line.putheader('Content-Type', 'image/png'); line.putheader('Content-Length', str(len(data)))
        line.endheaders(data[:len(data)//2])
        line.close()

    def tracebacks(self) -> int:
        self.log.seek(0)
        return self.log.read().count('Traceback')

    def memory(self) -> float: return psutil.Process(self.process.pid).memory_info().rss/2**20 # MiB

class Trickle:
    "A body that takes its time"
    def __init__(self, data: bytes): self.data, self.size = data, len(data)
    def __iter__(self):
        step = -(-self.size//20)
        for i in range(0, self.size, step):
            time.sleep(SLOW/20)
            yield self.data[i:i+step]

BAD = ((b'no picture', 'image/png', 200), (b'', 'image/png', 400), (b'hello', 'text/plain', 415),
       (b'{"photos', 'application/json', 400), (bytes(20_000_001), 'image/png', 413))

def same(row, p, name='') -> bool:
    "Is it the answer for this photo?"
    near = max(abs(a-b) for a, b in zip(row['box'] or [1e9], p.box)) < .1
    return row['source'] == name and near and row['emotion'] == p.emotion

def named(name: str, data: bytes) -> bytes:
    return json.dumps(dict(photos=[dict(name=name, data=base64.b64encode(data).decode())])).encode()

def client(service: Service, i: int, photos, expected) -> tuple[int, int, float]:
    "Photos answered, faults, and when the last was answered; the photos are its own"
    kind, faults = KINDS[i % len(KINDS)], 0
    for n, (data, wanted) in enumerate(zip(photos, expected)):
        if kind == 'rude': service.hang_up(data)
        elif kind == 'bad':
            body, type_, code = BAD[(i+n) % len(BAD)]
            try: status, said = service.patiently(body, type_)
            except ConnectionError: status, said = 413, None # it need not read what is too large
            faults += status != code or (code == 200 and said[0]['status'] != 'unreadable')
        else:
            name = f'{i}-{n}.png' if kind == 'good' and i % 2 else ''
            if name: status, said = service.patiently(named(name, data), 'application/json')
            else: status, said = service.patiently(Trickle(data) if kind == 'slow' else data)
            faults += status != 200 or not same(said[0], wanted, name)
    return len(photos) if kind == 'good' else 0, faults, time.perf_counter()

def batch_speed(recognizer, photos) -> tuple[float, list]:
    "Photos a second by `predict_batch`, and what it says"
    recognizer.predict(photos[0])
    start = time.perf_counter()
    found = [faces[0] for faces in recognizer.predict_batch(photos)]
    return len(photos)/(time.perf_counter()-start), found

def stop(service: Service, photos, expected) -> dict[str, Any]:
    "SIGTERM while photos are at work: are they answered, and how does it end?"
    with ThreadPoolExecutor(len(photos)) as pool:
        asked = [pool.submit(service.ask, 'POST', '/predict', data) for data in photos]
        time.sleep(.3)
        service.process.send_signal(signal.SIGTERM)
        said = [a.result() for a in asked]
    right = sum(status == 200 and same(rows[0], p) for (status, rows, _), p in zip(said, expected))
    return dict(at_stop=len(photos), answered_at_stop=right, exit=service.process.wait(60))

def measure(clients: int = 50, rounds: int = 4) -> dict[str, Any]:
    "All of it, in figures"
    photos = [portrait(i) for i in range(clients)]
    speed, expected = batch_speed(EmotionRecognizer.from_pretrained(), photos*max(1, 100//clients))
    expected = expected[:clients]
    service = Service()
    def turn(n):
        with ThreadPoolExecutor(clients) as pool:
            return list(pool.map(lambda i: client(service, i, [photos[i]]*n, [expected[i]]*n), range(clients)))
    try:
        faults = sum(f for _, f, _ in turn(1)) # warm-up: every kind once
        before, start = service.memory(), time.perf_counter()
        done = turn(rounds)
        took = max(end for good, _, end in done if good)-start
        after = service.memory()
        stopped = stop(service, photos[:4], expected[:4])
    finally: service.process.kill()
    faults += service.tracebacks()
    good = sum(n for n, *_ in done)
    figures = dict(clients=clients, good_photos=good, faults=faults+sum(f for _, f, _ in done))
    figures |= dict(photos_a_second=round(good/took, 2), predict_batch=round(speed, 2))
    return figures | dict(ratio=round(good/took/speed, 3), mib_before=round(before), mib_after=round(after)) | stopped

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--clients', type=int, default=50)
    parser.add_argument('--rounds', type=int, default=4, help='photos that each sends')
    parser.add_argument('--least', type=float, default=0, help='fail below this share of predict_batch')
    args = parser.parse_args()
    figures = measure(args.clients, args.rounds)
    for k, v in figures.items(): print(f'{k.replace("_", " "):20}{v}')
    lost = figures['at_stop'] - figures['answered_at_stop']
    sys.exit(bool(figures['faults'] or lost or figures['ratio'] < args.least))

if __name__ == '__main__': main()
