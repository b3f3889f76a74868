"The parts of the page that `streamlit_app.py` lays out: words, HTML, readings, films, figures."
