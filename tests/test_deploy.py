"What a host reads to run the page. `python tools/container.py` runs the steps of the Dockerfile for real."
import re, subprocess, sys, tomllib
from pathlib import Path
import pytest

root = Path(__file__).resolve().parents[1]
docker = (root/'Dockerfile').read_text()

def test_settings_of_the_server():
    pytest.importorskip('streamlit')
    import streamlit_app as app
    config = tomllib.loads((root/'.streamlit/config.toml').read_text())
    assert config['server'] == dict(maxUploadSize=app.VIDEO_MB, enableXsrfProtection=True, showEmailPrompt=False)
    assert config['browser']['gatherUsageStats'] is False and app.MAX_MB < app.VIDEO_MB

def test_requirements_are_locked_and_without_torch():
    lines = [l for l in (root/'requirements.txt').read_text().splitlines() if l and not l.startswith('#')]
    locked = set(re.findall(r'(?m)^([\w.-]+)==', (root/'requirements.lock').read_text()))
    assert lines[0] == '-c requirements.lock' and set(lines[1:]) <= locked and not {'torch', 'torchvision', 'facenet-pytorch'} & set(lines)

def test_container_has_what_a_host_installs():
    "Debian packages as in packages.txt, a user of its own, a health check at Streamlit's address, and every copied thing is there"
    assert set(re.search(r'--no-install-recommends (.*?) &&', docker)[1].split()) == set((root/'packages.txt').read_text().split())
    assert re.search(r'(?m)^USER (?!root)', docker) and '/_stcore/health' in re.search(r'(?m)^HEALTHCHECK.*', docker)[0]
    allowed = {l[1:] for l in (root/'.dockerignore').read_text().splitlines() if l.startswith('!')}
    copied = {s for line in re.findall(r'(?m)^COPY (.*)', docker) for s in line.split()[:-1]}
    assert copied == allowed and all((root/s).exists() for s in copied)

def test_page_runs_without_torch():
    "The page, a picture's answer and its heat map, with PyTorch and its friends made unimportable"
    code = '''import sys; sys.modules.update(dict.fromkeys(['torch', 'torchvision', 'facenet_pytorch', 'safetensors', 'skimage']))
import streamlit_app as app
pic = app.read(*app.sample())
[p] = pic.faces((False, True))
print(p.emotion, len(app.heat_view(pic, 1, p))>1000)'''
    done = subprocess.run([sys.executable, '-c', code], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.split() == ['neutral', 'True'], done.stderr
