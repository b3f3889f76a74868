"""Build the documentation site from the notebooks and the outputs stored in them.

    python tools/docs.py            # the site in _docs/ (`make docs`): MkDocs, nothing from the network, links checked
    python tools/docs.py --serve    # build, then show it on http://127.0.0.1:8000

nbdev's processors make the pages of the notebooks, in which exported code stays in sight; no cell is run. The reference
is made from the modules and the comments beside their parameters. mkdocs.yml says what stands where. `make web` puts
the live page into _docs/live, where a build leaves it.
"""
import argparse
import importlib
import inspect
import logging
import os
import posixpath
import re
import shutil
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import get_args
from urllib.parse import quote, unquote, urlsplit
import yaml
from execnb.nbio import mk_cell, read_nb
from fastcore.docments import docments
from nbdev.config import get_config
from nbdev.doclinks import _nbpath2html
from nbdev.process import Processor
from nbdev.processors import FilterDefaults

root = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(root), str(root/'tools')]
from notebooks import all_books, nbs
from readme import as_markdown, fix_links
import fer_nb

# The reference

EMPTY = inspect.Parameter.empty

def plain(text):
    "Text of a comment or docstring as Markdown: it holds no HTML"
    return re.sub(r'(`[^`]*`)|<', lambda m: m[1] or '&lt;', str(text or ''))

def returned(source):
    "The comment after the parenthesis that closes a signature: what docments leaves out where `->` is missing"
    found = re.search(r'(?m)^\s*\)\s*:\s*#\s*(.+)$', source)
    return found and found[1].strip()

def kind(anno):
    "A type as one writes it, without the modules it comes from"
    if anno is None or anno is type(None): return 'None'
    return anno.__name__ if inspect.isclass(anno) and not get_args(anno) else re.sub(r'(\w+\.)+', '', str(anno))

def value(v):
    if isinstance(v, float): return f'{v:.4g}'
    return getattr(v, '__name__', None) or repr(v)

def shown(constant):
    text = ' '.join(repr(constant).split())
    return text if len(text) < 300 else f'{text[:200]} …'

def signature(obj, name):
    "How `obj` is called, types and defaults included: one line, or one a parameter"
    try: sig = inspect.signature(obj)
    except (TypeError, ValueError): return name
    parts, keyword = [], False
    for p in list(sig.parameters.values()):
        if p.name in ('self', 'cls') and not parts: continue
        if p.kind is p.KEYWORD_ONLY and not keyword: parts.append('*')
        keyword |= p.kind in (p.KEYWORD_ONLY, p.VAR_POSITIONAL)
        star = {p.VAR_POSITIONAL: '*', p.VAR_KEYWORD: '**'}.get(p.kind, '')
        text = star + p.name + (f': {kind(p.annotation)}' if p.annotation is not EMPTY else '')
        parts.append(text + ('' if p.default is EMPTY else f' = {value(p.default)}'))
    end = '' if sig.return_annotation is EMPTY or inspect.isclass(obj) else f' -> {kind(sig.return_annotation)}'
    line = f"{name}({', '.join(parts)}){end}"
    return line if len(line) <= 80 else '\n'.join([f'{name}(', *(f'    {p},' for p in parts), f'){end}'])

def details(obj, source):
    "What the comments beside parameters say, as a Markdown table; '' if they say nothing"
    try: said = docments(obj, full=True)
    except (TypeError, ValueError): return ''
    end = said.pop('return', {})
    rows = [(f'`{n}`', p['docment']) for n, p in said.items() if n not in ('self', 'cls') and p['docment']]
    if says := end.get('docment') or (inspect.isfunction(obj) and returned(source)): rows.append(('**returns**', says))
    lines = [f"| {n} | {plain(d).replace('|', chr(92) + '|')} |".replace('\n', ' ') for n, d in rows]
    return '\n'.join(['| | |', '|---|---|', *lines]) if rows else ''

def entry(obj, name, module, cfg):
    "What the reference says of one object: heading, link to its source, how it is called, docstring, parameters"
    bare = inspect.unwrap(next((f for a in ('__func__', 'fget', 'func') if (f := getattr(obj, a, None))), obj))
    try: lines, start = inspect.getsourcelines(bare)
    except (OSError, TypeError): lines, start = [], 1
    at = f"{cfg.git_url}/blob/{cfg.branch}/{module.__name__.replace('.', '/')}.py#L{max(start, 1)}"
    head = f'### `{name}` {{#{name.lower()}}}', f'[source]({at}){{.source}}'
    if not (inspect.isclass(bare) or callable(bare)):
        return '\n\n'.join([*head, f'```python\n{name} = {shown(obj)}\n```'])
    says = inspect.getdoc(bare) or ''
    if inspect.isclass(bare) and says.startswith(f'{bare.__name__}('): says = ''  # what `dataclass` writes
    called = signature(bare, name)
    if hasattr(obj, 'fget'): called = f'{name}: {kind(inspect.signature(bare).return_annotation)}'
    parts = [*head, f'```python\n{called}\n```', plain(says), details(bare, ''.join(lines))]
    return '\n\n'.join(p for p in parts if p)

def members(obj, name):
    "A class and its methods that say what they do, as (name, object) pairs; anything else alone"
    yield name, obj
    if not inspect.isclass(obj) or issubclass(obj, BaseException): return
    own = [c for c in obj.__mro__ if c is obj or c.__name__.startswith('_') and c.__module__.startswith('fer_nb.')]
    for attr, f in {k: v for c in reversed(own) for k, v in vars(c).items()}.items():
        bare = getattr(f, '__func__', None) or getattr(f, 'fget', None) or getattr(f, 'func', None) or f
        if not attr.startswith('_') and inspect.isfunction(bare) and bare.__doc__: yield f'{name}.{attr}', f

class Reference:
    "One page of the reference: the rooms whose notebooks are below `package`"
    def __init__(self, package, books, cfg):
        self.package, self.base, self.cfg = package, package == 'fer_nb', cfg
        self.page = 'api.md' if self.base else f"api_{package.rpartition('.')[2]}.md"
        def mine(m): return re.match(r'fer_nb\.(?!train|lab|apps)' if self.base else re.escape(f'{package}.'), m)
        self.books = [b for b in books if b.module and mine(b.module)]
        self.rooms = {b: self.entries(b) for b in self.books}
    def entries(self, book):
        "Names of a room's entries and what they stand for; those that `import fer_nb` offers come first"
        module = importlib.import_module(book.module)
        room = book.module.removeprefix('fer_nb.')
        offered = [n for n in fer_nb.__all__ if fer_nb._ROOM_OF[n] == room]
        names = [*offered, *(n for n in module.__all__ if n not in offered)]
        return {n: o for name in names if hasattr(module, name) for n, o in members(getattr(module, name), name)}
    def targets(self):
        "Where links of nbdev lead: {(page, anchor): page of the reference}"
        return {(b.html, n.lower()): self.page for b, found in self.rooms.items() for n in found}
    def index(self):
        "A table of the names that `import fer_nb` offers"
        rows = [(n, o) for found in self.rooms.values() for n, o in found.items() if n in fer_nb.__all__]
        def first(o):
            if not callable(o): return f'`{shown(o)}`'
            return plain((inspect.getdoc(o) or '').split('\n\n')[0].replace('\n', ' '))
        lines = [f'| [`{n}`](#{n.lower()}) | {first(o)} |' for n, o in sorted(rows, key=lambda r: r[0].lower())]
        return '\n'.join(['| name | |', '|---|---|', *lines])
    def markdown(self):
        title = f'# `{self.package}`'
        parts = [title]
        if self.base: parts += ['Each name of this table comes from `fer_nb` itself: `from fer_nb import load_image`. '
                                'The other names on this page come from their module.', self.index()]
        for book, found in self.rooms.items():
            if not found: continue
            module = importlib.import_module(book.module)
            parts += [f"## {book.module.removeprefix('fer_nb.')}"]
            parts += [f'*{plain(book.promise)}* The notebook: [{book.title}]({book.page}).']
            parts += [entry(obj, name, module, self.cfg) for name, obj in found.items()]
        return '\n\n'.join(parts) + '\n'

# Notebooks to pages

def keep_exports(cell):
    "Exported code stays; the cells that only name the module or are hidden go"
    if cell.directives_ and cell.directives_.keys() & {'hide', 'default_exp'}: del cell['source']

class Module(Processor):
    "The module that a notebook exports"
    def begin(self):
        said = [getattr(c, 'directives_', {}) for c in self.nb.cells]
        names = [d['default_exp'][0] for d in said if 'default_exp' in d]
        self.nb.module_ = f'{get_config().lib_name}.{names[0]}' if names else None

class Pages(FilterDefaults):
    "nbdev's processors, with these changes"
    def base_procs(self):
        swap = dict(add_show_docs=Module, exec_show_docs=None, rm_export=keep_exports)
        return [p for p in (swap.get(p.__name__, p) for p in super().base_procs()) if p]

def split_title(nb):
    "nbdev takes the title's cell whole, with all that it says: the title and its promise get a cell of their own"
    for i, cell in enumerate(nb.cells):
        if cell.cell_type != 'markdown' or not cell.source.startswith('# '): continue
        head = re.match(r'# .*\n*(?:>.*\n*)*', cell.source)[0]
        rest = cell.source[len(head):]
        cell.source = head.strip()
        if rest.strip(): nb.cells.insert(i+1, mk_cell(rest, 'markdown'))
        return

def page_name(path):
    "The page that a notebook becomes"
    own = {'howto/start': 'index', 'index': 'overview'}
    return own.get(path.relative_to(nbs).as_posix()[:-6], _nbpath2html(path).stem) + '.md'

class Book:
    "One notebook on its way to a page"
    def __init__(self, path):
        self.path, self.html, self.nb = path.relative_to(nbs).as_posix(), _nbpath2html(path).name, read_nb(path)
        self.page = page_name(path)
        split_title(self.nb)
        Pages()(self.nb)
        about = getattr(self.nb, 'frontmatter_', {})
        self.module, self.title = self.nb.module_, about.get('title', path.stem)
        self.promise = about.get('description', '')

    def run_links(self, cfg):
        "Where this notebook can be read and run"
        at, here = f'{cfg.user}/{cfg.repo}', f'nbs/{self.path}'
        links = [('notebook', f'{cfg.git_url}/blob/{cfg.branch}/{here}'),
                 ('Colab', f'https://colab.research.google.com/github/{at}/blob/{cfg.branch}/{here}'),
                 ('Binder', f'https://mybinder.org/v2/gh/{at}/{cfg.branch}?labpath={quote(here, safe="")}')]
        return '<p class="run" markdown>' + ' · '.join(f'[{name}]({url})' for name, url in links) + '</p>'

    def write(self, folder, mend):
        "The page, with its pictures"
        stem, n = Path(self.page).stem, 0
        def keep(content, ext):
            nonlocal n; n += 1
            (folder/'images').mkdir(exist_ok=True)
            (folder/'images'/f'{stem}-out-{n}.{ext}').write_bytes(content)
            return f'images/{stem}-out-{n}.{ext}'

        head = [f'# {self.title}'] + ([f'<p class="promise" markdown>{self.promise}</p>'] if self.promise else [])
        if self.page not in ('index.md', 'overview.md'): head.append(self.run_links(get_config()))
        cells = [c for c in self.nb.cells if c.cell_type != 'raw']
        body = [b for blocks in as_markdown(cells, keep, mend) for b in blocks]
        (folder/self.page).write_text('\n\n'.join(head + body) + '\n', encoding='utf-8')

def mender(book, books, targets, cfg):
    "A function that makes the links of a notebook fit the site: to notebooks, to the reference, to the repository"
    pages, html = {b.path: b.page for b in books}, {b.html: b.page for b in books}
    def relative(url):
        name, _, anchor = url.partition('#')
        name = posixpath.normpath(posixpath.join(posixpath.dirname(book.path), re.sub(r'\.html$', '.ipynb', name)))
        if name in pages: return pages[name] + (f'#{anchor}' if anchor else '')
        if not name.startswith('../'): return name
        if not (root/name[3:]).exists(): raise ValueError(f'{book.path}: a link leads to {name}, which is not there')
        return f'{cfg.git_url}/blob/{cfg.branch}/{name[3:]}'
    def own(m):
        page, anchor = m.groups()
        if (page, (anchor or '').lower()) in targets: return f'{targets[page, anchor.lower()]}#{anchor.lower()}'
        return html.get(page, m[0])
    home = re.escape(f'{cfg.doc_host}{cfg.doc_baseurl}/')
    def mend(text):
        # nbdev links a name of the library inside a link as well: the writer's link stays
        text = re.sub(r'\[([^\[\]]*)\[(`[^`\n]+`)\]\([^)\s]*\)([^\[\]]*)\]\(', r'[\1\2\3](', text)
        text = re.sub(home + r'([\w.-]+\.html)(?:#([\w.]+))?', own, fix_links(text, relative))
        text = re.sub(home + r'live/(?=[)"])', 'live/index.html', text)
        text = re.sub(r'<style scoped>.*?</style>', '', text, flags=re.S).replace(' border="1" class="dataframe"', '')
        text = re.sub(r'(```.*?```)|(?m:^)# ', lambda m: m[1] or '## ', text, flags=re.S)  # a page has one title
        return re.sub(
            r'(?m)^(?![-*]\s|\d+\.\s|\s|\|)(.+)\n(?=[-*] )', r'\1\n\n', text
        )  # a list needs an empty line before it

    return mend

# The site

def slug(text, separator):
    return re.sub(r'\s', separator, re.sub(r'[^\w\s.-]', '', text.lower()).strip())  # as GitHub and nbdev make them

def navigation(items, pages):
    "The navigation with pages for notebooks"
    if isinstance(items, dict): return {k: navigation(v, pages) for k, v in items.items()}
    return [navigation(i, pages) for i in items] if isinstance(items, list) else pages.get(items, items)

def on_page_context(context, page, config, nav):
    "MkDocs' hook: each page leads to the notebook that it was made from"
    page.edit_url = config.extra['edit'].get(page.file.src_uri)

def write_pages(work, cfg):
    "Markdown of every page in folder `work`; returns the notebooks"
    work.mkdir(parents=True)
    shutil.copytree(cfg.nbs_path/'images', work/'images')
    shutil.copy(root/'tools/docs.css', work/'docs.css')
    books, targets = [Book(p) for p in all_books()], {}
    for package in ('fer_nb', 'fer_nb.train', 'fer_nb.lab', 'fer_nb.apps'):
        reference = Reference(package, books, cfg)
        targets |= reference.targets()
        (work/reference.page).write_text(reference.markdown(), encoding='utf-8')
    for book in books: book.write(work, mender(book, books, targets, cfg))
    return books

def settings(work, site, books, cfg):
    "MkDocs' configuration: mkdocs.yml, and what settings.ini knows"
    from mkdocs.config import load_config
    os.environ['NO_MKDOCS_2_WARNING'] = 'true'
    file = root/'mkdocs.yml'
    said = yaml.safe_load(file.read_text(encoding='utf-8'))
    edit = {b.page: f'{cfg.git_url}/edit/{cfg.branch}/nbs/{b.path}' for b in books}
    toc = dict(toc=dict(slugify=slug, permalink=True, toc_depth=3))
    return load_config(
        str(file),
        site_name=cfg.title,
        site_description=cfg.description,
        site_url=f'{cfg.doc_host}{cfg.doc_baseurl}/',
        repo_url=cfg.git_url,
        repo_name=f'{cfg.title} {cfg.version}',
        copyright=f'{cfg.title} {cfg.version} · © {cfg.copyright}',
        docs_dir=str(work),
        site_dir=str(site),
        nav=navigation(said['nav'], {b.path: b.page for b in books}),
        extra=said['extra'] | dict(edit=edit),
        markdown_extensions=[*said['markdown_extensions'], toc],
    )

def build(out, work, cfg):
    "The site in folder `out`, by way of Markdown in folder `work`; returns its faults"
    from mkdocs.commands.build import build as mkdocs_build
    shutil.rmtree(work, ignore_errors=True)
    books = write_pages(work/'pages', cfg)
    mkdocs_build(settings(work/'pages', work/'site', books, cfg))
    out.mkdir(parents=True, exist_ok=True)
    for old in out.iterdir():
        if old.name == 'live': continue
        shutil.rmtree(old) if old.is_dir() else old.unlink()
    shutil.copytree(work/'site', out, dirs_exist_ok=True)
    return check_links(out)

# Checks

class Seen(HTMLParser):
    "The ids, links and loaded files of one page"
    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.loads = set(), [], []
        self.feed(re.sub(r'</span>|<span(?![^>]* id=)[^>]*>', '', text))  # four of five tags only colour code
    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.ids |= {attrs[k] for k in ('id', 'name') if attrs.get(k)}
        if tag == 'a' and 'href' in attrs: self.links.append(attrs['href'] or '')
        if tag in ('img', 'script', 'source', 'iframe') and attrs.get('src'): self.loads.append(attrs['src'])
        if tag == 'link' and attrs.get('rel') != 'canonical': self.loads.append(attrs['href'])

def check_links(site):
    "One line for each link that leads nowhere and each file that would come from the network"
    pages = {p.relative_to(site).as_posix(): Seen(p.read_text(encoding='utf-8')) for p in site.rglob('*.html')}
    faults = []
    for page, seen in pages.items():
        if page == '404.html': continue
        for url in seen.links + seen.loads:
            where = urlsplit(url)
            if where.scheme == 'data': continue
            if where.scheme or where.netloc:
                if url in seen.loads:
                    faults.append(f'{page} loads {url} from the network')
                elif (
                    where.scheme not in ('https', 'mailto')
                    or re.search(r'[\s<>"{}|]', url)
                    or (where.scheme == 'https' and '.' not in where.netloc)
                ):
                    faults.append(f'{page}: {url!r} is not an address')
                continue
            name = (
                posixpath.normpath(posixpath.join(posixpath.dirname(page), unquote(where.path))) if where.path else page
            )
            if name == '.': name = 'index.html'
            if name == 'live/index.html' and not (site/'live').exists(): continue  # `make web` builds it
            if not (site/name).is_file(): faults.append(f'{page}: {url} is not there')
            elif where.fragment and name in pages and unquote(where.fragment) not in pages[name].ids | {'__skip'}:
                faults.append(f'{page}: {url} has no such place on the page')
    for css in site.rglob('*.css'):
        if re.search(r'(?:url\(|@import )["\']?(?:https?:)?//', css.read_text(encoding='utf-8')):
            faults.append(f'{css.relative_to(site)} loads something from the network')
    return sorted(set(faults))

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--serve', action='store_true', help='show the site when it is built')
    parser.add_argument('--out', default=root/'_docs', type=Path, help="the site's folder")
    args = parser.parse_args()
    os.chdir(root)
    logging.basicConfig(level=logging.WARNING, format='%(message)s')
    if faults := build(args.out.resolve(), root / '_proc', get_config()):
        sys.exit('\n'.join(f'- {f}' for f in faults) + f'\ndocs: {len(faults)} to mend')
    live = '' if (args.out/'live').exists() else '; `make web` adds the live page'
    print(f'docs: {len(list(args.out.glob("*.html")))} pages in {args.out}, every link leads somewhere{live}')
    if args.serve:
        from functools import partial
        from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
        print('http://127.0.0.1:8000')
        ThreadingHTTPServer(('127.0.0.1', 8000), partial(SimpleHTTPRequestHandler, directory=args.out)).serve_forever()

if __name__ == '__main__': main()
