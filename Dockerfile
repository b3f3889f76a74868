# The page in a container:  docker build -t fer_nb . && docker run --rm -p 8501:8501 fer_nb
# Then http://localhost:8501; health at /_stcore/health. `python tools/container.py` runs these steps without Docker.
FROM python:3.11-slim
ENV ORT_DISABLE_TELEMETRY=1
RUN apt-get update && apt-get install -y --no-install-recommends libgl1 libglib2.0-0 && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home page
WORKDIR /home/page/app
COPY requirements.txt requirements.lock ./
RUN pip install --no-cache-dir -r requirements.txt
COPY streamlit_app.py ./
COPY .streamlit .streamlit
COPY fer_nb fer_nb
RUN python -m compileall -q fer_nb streamlit_app.py
USER page
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8501/_stcore/health')"]
CMD ["python", "-m", "streamlit", "run", "streamlit_app.py", "--server.address=0.0.0.0", "--server.port=8501", "--server.headless=true", "--server.fileWatcherType=none"]
