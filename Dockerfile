# The page in a container:  docker build -t fer_nb . && docker run --rm -p 8501:8501 fer_nb
# Then http://localhost:8501; health at /_stcore/health. `python tools/container.py` runs these steps without Docker.
# Everything in it has wheels for x86-64 and for arm64. The service for programs instead of the page:
#   docker run --rm -p 8000:8000 --no-healthcheck fer_nb fer_nb serve --host 0.0.0.0
# The same image again a year later: `docker buildx imagetools inspect python:3.12-slim` prints its digest, for
#   docker build --build-arg BASE=python:3.12-slim@sha256:… -t fer_nb .
ARG BASE=python:3.12-slim
FROM ${BASE}
ENV ORT_DISABLE_TELEMETRY=1
RUN useradd --create-home page
WORKDIR /home/page/app
COPY requirements.txt ./
RUN pip install --no-cache-dir --require-hashes -r requirements.txt
COPY settings.ini setup.py pyproject.toml MANIFEST.in README.md LICENSE NOTICE streamlit_app.py ./
COPY fer_nb fer_nb
RUN pip install --no-cache-dir --no-deps .
COPY .streamlit .streamlit
USER page
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8501/_stcore/health')"]
CMD ["python", "-m", "streamlit", "run", "streamlit_app.py", "--server.address=0.0.0.0", "--server.port=8501", "--server.headless=true", "--server.fileWatcherType=none"]
