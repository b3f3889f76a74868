"What a host reads to run the page. `python tools/container.py` runs the steps of the Dockerfile for real."
import re
import shlex
import tomllib
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

def test_container_has_what_a_host_installs():
    """The locked packages, then the package; a user of its own, a health check at Streamlit's address, and every
    copied thing is there
    """
    assert (
        'pip install --no-cache-dir --require-hashes -r requirements.txt' in docker
        and 'ORT_DISABLE_TELEMETRY=1' in docker
    )
    assert re.search(r'(?m)^USER (?!root)', docker) and '/_stcore/health' in re.search(r'(?m)^HEALTHCHECK.*', docker)[0]
    allowed = {l[1:] for l in (root/'.dockerignore').read_text().splitlines() if l.startswith('!')}
    copied = {s for line in re.findall(r'(?m)^COPY (.*)', docker) for s in shlex.split(line)[:-1]}
    assert copied == allowed and all((root/s).exists() for s in copied)
