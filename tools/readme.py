"""Write README.md and MODEL_CARD.md from their notebooks and the outputs stored there.

`nbdev_readme` needs the Quarto binary, which no package index carries; this needs nothing. Hidden cells stay hidden,
pictures go to nbs/images/readme-N.png, and links that are relative to nbs/ become relative to the root.
"""
import base64
import json
import posixpath
import re
from itertools import takewhile
from pathlib import Path

root = Path(__file__).resolve().parents[1]
PAGES = {'README.md': 'nbs/index.ipynb', 'MODEL_CARD.md': 'nbs/51_card.ipynb'}

def fix_links(text, fix):
    "Markdown with `fix` applied to every relative link; code is left alone."
    def one(m):
        code, start, url = m.groups()
        return m[0] if code or re.match(r'\w+:|#|/', url) else start + fix(url)
    return re.sub(r'(```.*?```|`[^`\n]*`)|(\]\(|(?:src|href)=")([^)"\s]+)', one, text, flags=re.S)

def from_root(text):
    "Markdown whose relative links start at nbs/, with the links starting at the root."
    return fix_links(text, lambda url: posixpath.normpath('nbs/' + url))

def split_directives(source):
    "A cell's `#|` lines, as a dict, and its code without them."
    lines = source.splitlines()
    head = list(takewhile(lambda line: re.match(r'#\s*\|', line), lines))
    pairs = (re.sub(r'#\s*\|\s*', '', line, count=1).partition(':') for line in head)
    return {k.strip(): v.strip() for k,_,v in pairs}, '\n'.join(lines[len(head):]).strip('\n')

def show(output, alt, keep, mend):
    """One stored output as Markdown; `keep(content, extension)` puts a picture somewhere and says where, `mend`
    adapts text.
    """
    if output['output_type'] == 'error': raise ValueError('it stores an error')
    data = output.get('data') or {'text/plain': output['text']}
    for mime, ext in (('image/png', 'png'), ('image/jpeg', 'jpg'), ('image/svg+xml', 'svg')):
        if mime not in data: continue
        content = ''.join(data[mime])
        return f"![{alt}]({keep(content.encode() if ext == 'svg' else base64.b64decode(content), ext)})"
    for mime in ('text/markdown', 'text/html'):
        if mime in data: return mend(''.join(data[mime])).strip()
    return '```text\n' + ''.join(data['text/plain']).rstrip() + '\n```'

def as_markdown(cells, keep, mend):
    "What a reader sees of `cells`, each as a list of Markdown blocks."
    for cell in cells:
        source = ''.join(cell['source'])
        if cell['cell_type'] == 'markdown': yield [mend(source).strip()]
        if cell['cell_type'] != 'code': continue
        says, code = split_directives(source)
        if 'hide' in says or says.get('include') == 'false': continue
        shown = code and says.get('echo') != 'false' and 'hide_input' not in says
        parts = [f'```python\n{code}\n```'] if shown else []
        alt = says.get('fig-alt', says.get('fig-cap', 'What the code above shows')).strip('"\'')
        silent = says.get('output') == 'false' or 'hide_output' in says
        yield parts + ([] if silent else [show(o, alt, keep, mend) for o in cell['outputs']])

def render(page):
    """Every file that a page of `PAGES` consists of, as {path from the root: bytes}: its text, and the pictures it
    shows.
    """
    notebook, stem, pictures = PAGES[page], Path(page).stem.lower(), {}
    def keep(content, ext):
        name = f'nbs/images/{stem}-{len(pictures)+1}.{ext}'
        pictures[name] = content
        return name
    parts = [f'<!-- Made from {notebook} by `make readme`: change the notebook, not this file. -->']
    for blocks in as_markdown(json.loads((root / notebook).read_text(encoding='utf-8'))['cells'], keep, from_root):
        parts += blocks
    return {page: ('\n\n'.join(parts) + '\n').encode()} | pictures

def stale(page, files):
    "Pictures of an earlier state of the page"
    return {
        p.relative_to(root).as_posix() for p in (root / 'nbs/images').glob(f'{Path(page).stem.lower()}-[0-9]*')
    } - set(files)


if __name__ == '__main__':
    for page in PAGES:
        files = render(page)
        for name in stale(page, files): (root/name).unlink()
        for name, content in files.items():
            (root/name).parent.mkdir(exist_ok=True)
            (root/name).write_bytes(content)
