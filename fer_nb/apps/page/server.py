"What stands between visitors and Streamlit: headers, limits of uploads, and memory that leaves with a visitor."
import asyncio
import ctypes
import gc
import os
import re
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx
from .film import VIDEO_MB
from .reading import MAX_MB, MAX_PICTURES, MAX_SUM_MB

PATIENCE, STEP = 30, 5                   # seconds a visitor has to come back in; between two looks
MAX_FILES = MAX_PICTURES + 10            # of one visitor: the page reads 50 and says so of the rest
MAX_HELD = (MAX_SUM_MB + VIDEO_MB + 2*MAX_MB)*2**20 # bytes of one visitor: pictures, a video, a photo
_UPLOAD = re.compile(r'.*/_stcore/upload_file/([^/]+)/')

def headers() -> list[tuple[bytes, bytes]]:
    "Headers of every answer. FER_NB_FRAMES names who else may show the page in a frame, as `https://example.org`"
    frames = ' '.join(["'self'", os.environ.get('FER_NB_FRAMES', '')]).strip()
    # data: to connect, since Streamlit fetches the camera's picture as one
    policy = ["default-src 'self'", "script-src 'self' 'unsafe-inline'", "object-src 'none'",
              "style-src 'self' 'unsafe-inline'", "img-src 'self' data: blob:", "media-src 'self' data: blob:",
              "font-src 'self' data:", "connect-src 'self' ws: wss: data:", "worker-src 'self' blob:",
              "base-uri 'self'", "form-action 'self'", f'frame-ancestors {frames}']
    named = {'content-security-policy': '; '.join(policy), 'x-content-type-options': 'nosniff',
             'referrer-policy': 'no-referrer', 'permissions-policy': 'camera=(self), microphone=(), geolocation=()'}
    return [(k.encode(), v.encode()) for k, v in named.items()]

class Guard:
    "Middleware: sets the headers, closes what visitors need not see, and counts what they send"
    def __init__(self, app: ASGIApp):
        self.app, self.headers = app, headers()
        self.files: Counter[str] = Counter() # of each session: uploads on their way, and their bytes
        self.bytes: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope['type'] != 'http': return await self.app(scope, receive, send)
        async def answer(message: Message):
            if message['type'] == 'http.response.start':
                there = {k.lower() for k, _ in message['headers']}
                message['headers'] = [*message['headers'], *(h for h in self.headers if h[0] not in there)]
            await send(message)
        if scope['path'].endswith('/_stcore/metrics'): # how many visit, and for how long
            return await PlainTextResponse('Not Found', 404)(scope, receive, answer)
        found = _UPLOAD.match(scope['path'])
        if found and scope['method'] in ('PUT', 'POST'): return await self.upload(found[1], scope, receive, answer)
        await self.app(scope, receive, answer)

    async def upload(self, session: str, scope: Scope, receive: Receive, send: Send) -> None:
        "Pass an upload on, unless the session holds enough; with a length or without"
        came = 0
        files, size = held(session)
        if files + self.files[session] >= MAX_FILES:
            return await PlainTextResponse('Too many files', 413)(scope, receive, send)
        async def counted() -> Message:
            nonlocal came
            message = await receive()
            n = len(message.get('body', b''))
            came, self.bytes[session] = came+n, self.bytes[session]+n
            if came > VIDEO_MB*2**20 + 4096 or size + self.bytes[session] > MAX_HELD:
                raise HTTPException(413, 'Too large')
            return message
        self.files[session] += 1
        try: await self.app(scope, counted, send)
        finally:
            self.files[session], self.bytes[session] = self.files[session]-1, self.bytes[session]-came
            if not self.files[session]: del self.files[session], self.bytes[session]

def held(session: str) -> tuple[int, int]:
    "Files and bytes that the server holds for a session"
    files = runtime.get_instance().uploaded_file_mgr.file_storage.get(session, {}) # pyright: ignore
    return len(files), sum(len(f.data) for f in files.values())

# Visitors who have left

_seen: dict[str, float] = {} # session to when it was last connected, monotonic seconds

def arrived() -> None:
    "Told by the page at each run: this visitor's session has to be swept one day"
    if ctx := get_script_run_ctx(): _seen[ctx.session_id] = time.monotonic()

def sweep(now: float) -> int:
    "Close the sessions whose visitors left `PATIENCE` ago, with all they hold; how many"
    server, gone = runtime.get_instance(), 0
    for key, last in list(_seen.items()):
        if server.is_active_session(key): _seen[key] = now
        elif now - last > PATIENCE:
            server.close_session(key)
            del _seen[key]
            gone += 1
    return gone

def give_back() -> None:
    "Return what nobody uses to the system; glibc would keep it"
    gc.collect()
    try: ctypes.CDLL('libc.so.6').malloc_trim(0)
    except (OSError, AttributeError): pass # another system

@asynccontextmanager
async def lifespan(app: object) -> AsyncIterator[None]:
    "Sweeps while the server runs"
    async def often():
        while True:
            await asyncio.sleep(STEP)
            if sweep(time.monotonic()): await asyncio.to_thread(give_back)
    task = asyncio.create_task(often())
    try: yield
    finally: task.cancel()
