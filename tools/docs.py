"""Build the documentation site from the notebooks and the outputs stored in them.

    python tools/docs.py            # the site in _docs/ (`make docs`): MkDocs, nothing from the network, links checked
    python tools/docs.py --quarto   # what Quarto renders, in _proc/quarto; then `quarto render _proc/quarto`
    python tools/docs.py --serve    # build, then show it on http://127.0.0.1:8000

Both ways start from the same pages, made by nbdev's processors, but `show_doc` asks the exported module, so that no
cell has to run, and exported code stays in sight. What stands in the sidebar is read from _quarto.yml alone.
"""
import argparse
import ast
import importlib
import inspect
import io
import logging
import os
import posixpath
import re
import shutil
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import get_args
from urllib.parse import unquote, urlsplit
import yaml
from execnb.nbio import mk_cell, read_nb, write_nb
from fastcore.docments import docments
from nbdev.config import get_config
from nbdev.doclinks import _nbpath2html
from nbdev.process import Processor
from nbdev.processors import FilterDefaults
from nbdev.showdoc import showdoc_nm

root = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(root), str(root/'tools')]
from readme import as_markdown, fix_links

# API entries

def plain(text):
    "Text of a comment or docstring as Markdown: it holds no HTML"
    return re.sub(r'(`[^`]*`)|<', lambda m: m[1] or '&lt;', text)

def returned(source):
    "The comment after the parenthesis that closes a signature: what docments leaves out where `->` is missing"
    found = re.search(r'(?m)^\s*\)\s*:\s*#\s*(.+)$', source)
    return found and found[1].strip()

def table(obj, source):
    "Parameters of `obj` and what it returns, one a line, as a Markdown table; '' if it says nothing about them"
    empty = inspect.Parameter.empty
    def cell(v): return plain(str(v or '')).replace('|', r'\|').replace('\n', ' ')
    def kind(anno):
        if anno in (empty, None, type(None)): return ''
        return anno.__name__ if inspect.isclass(anno) and not get_args(anno) else re.sub(r'(\w+\.)+', '', str(anno))
    try: said = docments(obj, full=True)
    except (TypeError, ValueError): return ''
    end = said.pop('return', {})
    says = end.get('docment') or (inspect.isfunction(obj) and returned(source))
    rows = [['Parameter', 'Type', 'Default', 'Details']]
    for name, p in said.items():
        if name in ('self', 'cls'): continue
        value = p['default']
        default = (
            ''
            if value is empty
            else f'`{value:.4g}`' if isinstance(value, float)
            else f"`{getattr(value, '__name__', None) or repr(value)}`"
        )
        rows.append([f'`{name}`', kind(p['anno']), default, p['docment']])
    if says: rows.append(['**returns**', kind(end.get('anno')), '', says])
    used = [j for j in range(4) if any(r[j] for r in rows[1:])]
    def line(values): return '| ' + ' | '.join(values) + ' |'
    head, *rest = [[cell(r[j]) for j in used] for r in rows]
    return '\n'.join(map(line, [head, ['---']*len(used), *rest])) if len(used) > 1 else ''

def entry(obj, name, module, cfg):
    "The page's entry for one object: heading, link to its source, docstring, parameters"
    bare = inspect.unwrap(next((f for a in ('__func__', 'fget', 'func') if (f := getattr(obj, a, None))), obj))
    try: lines, start = inspect.getsourcelines(bare)
    except (OSError, TypeError): lines, start = [], 1
    at = f"{cfg.git_url}/blob/{cfg.branch}/{module.__name__.replace('.', '/')}.py#L{max(start, 1)}"
    says = inspect.getdoc(bare) or ''
    if inspect.isclass(bare) and says.startswith(f'{bare.__name__}('):
        says = ''  # what `dataclass` writes where there is none
    parts = [f'### `{name}`', f'[source]({at}){{.source}}', plain(says), table(bare, ''.join(lines))]
    return '\n\n'.join(p for p in parts if p)

# Notebooks to pages

def defined(cell):
    """What a cell defines for others, in order: functions, classes, their methods that have a docstring or are
    patched or assigned
    """
    for node in cell.parsed_() or []:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and 'export' in cell.directives_:
            if not node.name.startswith('_') or node.name.startswith('__'): yield showdoc_nm(node)
        if isinstance(node, ast.ClassDef) and not node.name.startswith('_'):
            yield from (
                f'{node.name}.{f.name}'
                for f in node.body
                if isinstance(f, ast.FunctionDef) and not f.name.startswith('_') and ast.get_docstring(f)
            )
        if isinstance(node, ast.Assign):
            for target in node.targets:
                for t in getattr(target, 'elts', [target]):
                    if isinstance(t, ast.Attribute) and isinstance(t.value, ast.Name) and not t.attr.startswith('_'):
                        yield f'{t.value.id}.{t.attr}'


class Entries(Processor):
    "A `show_doc` cell for each definition of an exported cell, after it"
    def begin(self):
        cells = []
        for cell in self.nb.cells:
            cells.append(cell)
            said = set(getattr(cell, 'directives_', ()))
            if cell.cell_type == 'code' and said & {'export', 'exporti'} and 'hide' not in said:
                cells += [mk_cell(f'show_doc({name})') for name in defined(cell)]
        self.nb.cells = cells

class Describe(Processor):
    "Fills the `show_doc` cells, from the module that the notebook exports"
    def begin(self):
        names = [
            c.directives_['default_exp'][0] for c in self.nb.cells if 'default_exp' in getattr(c, 'directives_', {})
        ]
        self.module = importlib.import_module(f'{get_config().lib_name}.{names[0]}') if names else None
        self.nb.entries_ = set()
    def cell(self, cell):
        shown = cell.cell_type == 'code' and re.search(r'(?m)^show_doc\(([\w.]+)\)', cell.source)
        if not shown: return
        obj, name = self.module, shown[1]
        for part in name.split('.'): obj = inspect.getattr_static(obj, part)
        text = entry(obj, name, self.module, get_config())
        cell.outputs = [dict(output_type='display_data', metadata={}, data={'text/markdown': text, 'text/plain': ''})]
        self.nb.entries_.add(name.lower())

def keep_exports(cell):
    "Exported code stays; the cells that only name the module or are hidden go"
    if cell.directives_ and cell.directives_.keys() & {'hide', 'default_exp'}: del cell['source']

class Pages(FilterDefaults):
    "nbdev's processors, with these changes"
    def base_procs(self):
        swap = dict(add_show_docs=Entries, exec_show_docs=Describe, rm_export=keep_exports)
        return [swap.get(p.__name__, p) for p in super().base_procs()]

def split_title(nb):
    "nbdev takes the title's cell whole, with all that it says: the title and its promise get a cell of their own"
    for i, cell in enumerate(nb.cells):
        if cell.cell_type != 'markdown' or not cell.source.startswith('# '): continue
        head = re.match(r'# .*\n*(?:>.*\n*)*', cell.source)[0]
        rest = cell.source[len(head):]
        cell.source = head.strip()
        if rest.strip(): nb.cells.insert(i+1, mk_cell(rest, 'markdown'))
        return

class Book:
    "One notebook on its way to a page"
    def __init__(self, path):
        self.path, self.html, self.nb = path, _nbpath2html(path).name, read_nb(path)
        split_title(self.nb)
        Pages()(self.nb)
        self.about = getattr(self.nb, 'frontmatter_', {})
        self.title = self.about.get('title', path.stem)

    def write_notebook(self, folder):
        "For Quarto"
        write_nb(self.nb, folder/self.path.name)

    def write_markdown(self, folder, mend):
        "For MkDocs, with its pictures"
        stem, n = Path(self.html).stem, 0
        def keep(content, ext):
            nonlocal n; n += 1
            (folder/'images').mkdir(exist_ok=True)
            (folder/'images'/f'{stem}-out-{n}.{ext}').write_bytes(content)
            return f'images/{stem}-out-{n}.{ext}'

        head = [f'# {self.title}'] + (
            [f"<p class=\"promise\" markdown>{self.about['description']}</p>"] if 'description' in self.about else []
        )
        body = [
            b for blocks in as_markdown([c for c in self.nb.cells if c.cell_type != 'raw'], keep, mend) for b in blocks
        ]
        (folder/f'{stem}.md').write_text('\n\n'.join(head + body) + '\n', encoding='utf-8')

def mender(books, cfg, suffix):
    "A function that makes links fit the site: to notebooks, to API entries, to files of the repository"
    pages = {b.path.name: Path(b.html).with_suffix(suffix).name if suffix else b.path.name for b in books}
    entries = {b.html: b.nb.entries_ for b in books}
    target = {b.html: pages[b.path.name] for b in books}
    def relative(url):
        name, _, anchor = url.partition('#')
        name = name if name in pages else re.sub(r'\.html$', '.ipynb', name)
        if name in pages: return pages[name] + (f'#{anchor}' if anchor else '')
        if not url.startswith('../'): return url
        if not (root/name[3:]).exists(): raise ValueError(f'a link leads to {name}, which is not there')
        return f'{cfg.git_url}/blob/{cfg.branch}/{name[3:]}'
    def own(m):
        html, anchor = m.groups()
        if html not in target: return m[0]
        return target[html] + (f'#{anchor}' if anchor and anchor.lower() in entries[html] else '')
    home = re.escape(f'{cfg.doc_host}{cfg.doc_baseurl}/')
    def mend(text):
        text = re.sub(home + r'([\w.-]+\.html)(?:#([\w.]+))?', own, fix_links(text, relative))
        text = re.sub(r'<style scoped>.*?</style>', '', text, flags=re.S).replace(' border="1" class="dataframe"', '')
        text = re.sub(r'(```.*?```)|(?m:^)# ', lambda m: m[1] or '## ', text, flags=re.S)  # a page has one title
        return re.sub(
            r'(?m)^(?![-*]\s|\d+\.\s|\s|\|)(.+)\n(?=[-*] )', r'\1\n\n', text
        )  # a list needs an empty line before it

    return mend

def read_books(cfg):
    "Every notebook, its code described and its hidden cells gone"
    return [Book(p) for p in sorted(cfg.nbs_path.glob('[!_.]*.ipynb'))]

# The two builders

def sidebar(): return yaml.safe_load((root/'_quarto.yml').read_text(encoding='utf-8'))['website']['sidebar']['contents']

def navigation(contents, books):
    "The sidebar as MkDocs wants it; a notebook that is not there yet is left out"
    by_name, nav = {b.path.name: b for b in books}, []
    for item in contents:
        if isinstance(item, str):
            if item in by_name:
                nav.append(
                    {
                        'Overview' if item == 'index.ipynb' else by_name[item].title: Path(by_name[item].html)
                        .with_suffix('.md')
                        .name
                    }
                )
        elif inner := navigation(item['contents'], books): nav.append({item['section']: inner})
    return nav

def slug(text, separator):
    return re.sub(r'\s', separator, re.sub(r'[^\w\s.-]', '', text.lower()).strip())  # as Pandoc makes them


def palette(scheme, media, icon, says):
    return dict(
        scheme=scheme,
        media=f'(prefers-color-scheme: {media})',
        primary='custom',
        accent='custom',
        toggle=dict(icon=icon, name=says),
    )


def build(site, work, cfg):
    "The site in folder `site`, by way of Markdown in folder `work`; returns its faults"
    from mkdocs.commands.build import build as mkdocs_build
    from mkdocs.config import load_config
    for folder in (site, work): shutil.rmtree(folder, ignore_errors=True)
    work.mkdir(parents=True)
    shutil.copytree(cfg.nbs_path/'images', work/'images')
    books = read_books(cfg)
    mend = mender(books, cfg, '.md')
    for book in books: book.write_markdown(work, mend)
    shutil.copy(root/'tools/docs.css', work/'docs.css')
    os.environ['NO_MKDOCS_2_WARNING'] = 'true'
    config = load_config(
        io.BytesIO(b''),
        config_file_path=str(root / 'mkdocs.yml'),
        site_name=cfg.title,
        docs_dir=str(work),
        site_dir=str(site),
        site_description=cfg.description,
        site_url=f'{cfg.doc_host}{cfg.doc_baseurl}/',
        copyright=f'© {cfg.copyright}',
        nav=navigation(sidebar(), books),
        use_directory_urls=False,
        strict=True,
        extra_css=['docs.css'],
        plugins=[dict(search=dict(separator=r'[\s\-,:!=\[\]()"/]+|\.(?!\d)'))],
        validation=dict(links=dict(anchors='warn', not_found='warn')),
        extra=dict(generator=False, social=[dict(icon='fontawesome/brands/github', link=cfg.git_url, name='Source')]),
        theme=dict(
            name='material',
            font=False,
            features=[
                'navigation.sections',
                'navigation.footer',
                'navigation.top',
                'content.code.copy',
                'search.highlight',
                'search.suggest',
                'toc.follow',
            ],
            palette=[
                palette('default', 'light', 'material/weather-night', 'Dark'),
                palette('slate', 'dark', 'material/weather-sunny', 'Light'),
            ],
        ),
        markdown_extensions=[
            'attr_list',
            'md_in_html',
            'tables',
            'sane_lists',
            'pymdownx.superfences',
            dict([('pymdownx.highlight', dict(pygments_lang_class=True))]),
            dict(toc=dict(slugify=slug, permalink=True, toc_depth=3)),
        ],
    )
    mkdocs_build(config)
    return check_links(site)

def prepare_quarto(folder, cfg):
    "Notebooks and configuration as `quarto render` takes them"
    from nbdev.quarto import refresh_quarto_yml
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    refresh_quarto_yml()
    for name in ('_quarto.yml', 'nbdev.yml'): shutil.copy(cfg.nbs_path/name, folder)
    shutil.copytree(cfg.nbs_path/'images', folder/'images')
    books = read_books(cfg)
    mend = mender(books, cfg, None)
    for book in books:
        for cell in book.nb.cells:
            if cell.cell_type == 'markdown': cell.source = mend(cell.source)
        book.write_notebook(folder)

# Checks

class Seen(HTMLParser):
    "The ids, links and loaded files of one page"
    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.loads = set(), [], []
        self.feed(text)
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
            if not (site/name).is_file(): faults.append(f'{page}: {url} is not there')
            elif where.fragment and name in pages and unquote(where.fragment) not in pages[name].ids | {'__skip'}:
                faults.append(f'{page}: {url} has no such place on the page')
    for css in site.rglob('*.css'):
        if re.search(r'(?:url\(|@import )["\']?(?:https?:)?//', css.read_text(encoding='utf-8')):
            faults.append(f'{css.relative_to(site)} loads something from the network')
    return sorted(set(faults))

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--quarto', action='store_true', help='write what Quarto renders')
    parser.add_argument('--serve', action='store_true', help='show the site when it is built')
    parser.add_argument('--out', default=root/'_docs', type=Path, help="the site's folder")
    args = parser.parse_args()
    os.chdir(root)
    logging.basicConfig(level=logging.WARNING, format='%(message)s')
    cfg = get_config()
    if args.quarto: return prepare_quarto(root/'_proc/quarto', cfg)
    if faults := build(args.out.resolve(), root / '_proc/mkdocs', cfg):
        sys.exit('\n'.join(f'- {f}' for f in faults) + f'\ndocs: {len(faults)} to mend')
    print(f'docs: {len(list(args.out.glob("*.html")))} pages in {args.out}, every link leads somewhere')
    if args.serve:
        from functools import partial
        from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
        print('http://127.0.0.1:8000')
        ThreadingHTTPServer(('127.0.0.1', 8000), partial(SimpleHTTPRequestHandler, directory=args.out)).serve_forever()

if __name__ == '__main__': main()
