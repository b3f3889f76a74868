"What stands between visitors and Streamlit, without a browser; tools/load.py sends visitors to a real server."
import asyncio
import io
import time
from types import SimpleNamespace
import numpy as np
import pytest
from PIL import Image

pytest.importorskip('streamlit')
import streamlit_app as app
from fer_nb.apps.page import reading, server

class Runtime:
    "Streamlit's, as far as the guard and the sweep ask it"
    def __init__(self, active=(), files=()):
        self.active, self.closed = set(active), []
        self.uploaded_file_mgr = SimpleNamespace(file_storage={'me': {i: SimpleNamespace(data=d)
                                                                      for i, d in enumerate(files)}})
    def is_active_session(self, key): return key in self.active
    def close_session(self, key): self.closed.append(key)

@pytest.fixture
def runtime(monkeypatch):
    def be(**kwargs):
        fake = Runtime(**kwargs)
        monkeypatch.setattr(server, 'runtime', SimpleNamespace(get_instance=lambda: fake))
        return fake
    return be

def ask(path, parts=(b'',), method='GET'):
    "Status, headers and bytes that the application behind the guard got"
    from starlette.applications import Starlette
    from starlette.responses import Response
    from starlette.routing import Route
    got = []
    async def inner(request):
        async for part in request.stream(): got.append(part)
        return Response('fine')
    routes = [Route('/{path:path}', inner, methods=['GET', 'PUT'])]
    guarded = Starlette(routes=routes, middleware=[app.Middleware(server.Guard)])
    body = [dict(type='http.request', body=p, more_body=i < len(parts)-1) for i, p in enumerate(parts)]
    sent = []
    async def receive(): return body.pop(0)
    async def send(message): sent.append(message)
    scope = dict(type='http', method=method, path=path, raw_path=path.encode(), query_string=b'', headers=[],
                 root_path='', scheme='http', server=('x', 80), client=('y', 1), http_version='1.1')
    asyncio.run(guarded(scope, receive, send))
    return sent[0]['status'], {k.decode(): v.decode() for k, v in sent[0]['headers']}, b''.join(got)

def test_streamlit_serves_the_page_behind_the_guard():
    from pathlib import Path
    from streamlit.web.server.app_discovery import discover_asgi_app
    found = discover_asgi_app(Path(app.__file__))
    assert found.import_string == 'streamlit_app:app' and app.app.script_path == Path(app.__file__)
    assert [m.cls for m in app.app._user_middleware] == [server.Guard]

def test_every_answer_has_the_headers(monkeypatch):
    for path in '/', '/_stcore/health', '/_stcore/metrics':
        status, named, _ = ask(path)
        assert named['x-content-type-options'] == 'nosniff' and named['referrer-policy'] == 'no-referrer'
        assert named['content-security-policy'].endswith("frame-ancestors 'self'")
    monkeypatch.setenv('FER_NB_FRAMES', 'https://example.org')
    assert ask('/')[1]['content-security-policy'].endswith("frame-ancestors 'self' https://example.org")

def test_metrics_are_closed():
    for path in '/_stcore/metrics', '/below/_stcore/metrics': assert ask(path)[0] == 404
    assert ask('/_stcore/health')[0] == 200

def test_an_upload_passes_and_one_too_large_does_not(runtime):
    "Counted as it comes: a request need not name its length"
    runtime()
    assert ask('/_stcore/upload_file/me/1', [b'abc', b'de'], 'PUT')[::2] == (200, b'abcde')
    parts = [bytes(2**20)]*(server.VIDEO_MB+2)
    status, _, got = ask('/_stcore/upload_file/me/1', parts, 'PUT')
    assert status == 413 and len(got) <= server.VIDEO_MB*2**20

@pytest.mark.parametrize('files', [[b'']*server.MAX_FILES, [bytes(server.MAX_HELD)]], ids=['number', 'sum'])
def test_a_visitor_who_holds_enough_gets_no_more_in(runtime, files):
    runtime(files=files)
    assert ask('/_stcore/upload_file/me/1', [b'x'], 'PUT')[0] == 413
    assert ask('/_stcore/upload_file/you/1', [b'x'], 'PUT')[0] == 200

def test_who_left_is_swept_and_who_stays_is_not(runtime, monkeypatch):
    fake = runtime(active={'stays'})
    now = time.monotonic()
    monkeypatch.setattr(server, '_seen', dict(stays=now-500, left=now-server.PATIENCE-1, away=now-1))
    assert server.sweep(now) == 1 and fake.closed == ['left'] and set(server._seen) == {'stays', 'away'}
    fake.active.clear() # the first look after a visitor left begins the count
    assert server.sweep(now+1) == 0 and server.sweep(now+server.PATIENCE+2) == 2

def test_who_left_while_waiting_is_not_read(monkeypatch):
    "Streamlit ends a script where it next shows something: that is asked for when the turn has come"
    class Left(BaseException): pass
    def leave(): raise Left
    monkeypatch.setattr(reading, 'opened', lambda data: pytest.fail('read'))
    with pytest.raises(Left): reading.read('x.png', b'', leave)
    assert reading.turns('picture').acquire(blocking=False) # and the turn is free again
    reading.turns('picture').release()

def test_only_offered_formats_are_opened():
    "Told by content: a GIF is none of them, whatever it is called"
    for format, status in dict(GIF='unreadable', BMP='unreadable', PNG='no_face').items():
        f = io.BytesIO()
        Image.fromarray(np.full((64, 64, 3), 99, np.uint8)).save(f, format)
        assert reading.read('x.png', f.getvalue()).status == status
