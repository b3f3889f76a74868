"""The rules of the house (CONTRIBUTING.md), each a function that yields one sentence a fault. `.ci/check` runs them.

    python tools/house.py            # all of them, in a few seconds
"""
import ast
import functools
import importlib.metadata
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from configparser import ConfigParser
from pathlib import Path

root = Path(__file__).resolve().parents[1]
LOWER = 'train', 'lab', 'apps' # the rooms below the ones that serve; none knows of those after it
LIGHT = {'numpy', 'PIL', 'onnxruntime', 'fer_nb'} # what the rooms that serve may import at the top
MAX_NAMES, MAX_LINES, MAX_CHARS = 60, 40, 1600
MAX_PACKAGES, MAX_MB = 10, 200 # of the base install, pip among them
LIGHT_CLOSURE = {
    'numpy',
    'pillow',
    'onnxruntime',
    'flatbuffers',
    'packaging',
    'protobuf',  # and before onnxruntime 1.24:
    'coloredlogs',
    'humanfriendly',
    'sympy',
    'mpmath',
}

def name(path): return path.relative_to(root).as_posix()

def modules():
    "Each module of the package as its dotted name and its tree; what is no Python is somebody else's fault to report"
    for path in sorted((root/'fer_nb').rglob('*.py')):
        if path.name == '_modidx.py': continue
        dotted = '.'.join(path.relative_to(root).with_suffix('').parts).removesuffix('.__init__')
        try: yield dotted, path, parsed(path)
        except SyntaxError: continue

@functools.cache
def parsed(path): return ast.parse(path.read_text(encoding='utf-8'))

def floor(dotted):
    "0 for the rooms that serve, 1 for train, 2 for lab, 3 for apps"
    room = (dotted.split('.') + [''])[1]
    return LOWER.index(room) + 1 if room in LOWER else 0

def imports(dotted, path, tree):
    "What a module imports, as (dotted name, line, whether at the top, whether for type checkers only)"
    package = dotted if path.name == '__init__.py' else dotted.rpartition('.')[0]
    def walk(node, top, types):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                for alias in child.names: yield alias.name, child.lineno, top, types
            elif isinstance(child, ast.ImportFrom):
                base = package.rsplit('.', child.level - 1)[0] + '.' if child.level else ''
                target = (base + (child.module or '')).rstrip('.')
                yield target, child.lineno, top, types
                for alias in child.names: yield f'{target}.{alias.name}', child.lineno, top, types
            else:
                inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
                typed = isinstance(child, ast.If) and 'TYPE_CHECKING' in ast.unparse(child.test)
                yield from walk(child, top and not inside, types or typed)
    yield from walk(tree, True, False)

def import_rules():
    "Imports run downward, and the rooms that serve begin with the base install alone."
    known, edges = {d for d, *_ in modules()}, defaultdict(set)
    for dotted, path, tree in modules():
        for target, line, top, types in imports(dotted, path, tree):
            if target in known and target != dotted:
                if floor(target) > floor(dotted):
                    yield (f'{name(path)}:{line} imports {target}, a room below it: move what it needs up, or the '
                           f'caller down.')
                if not types and not path.name.startswith('__'): edges[dotted].add(target)
            first = target.partition('.')[0]
            if top and not types and floor(dotted) == 0 and first not in LIGHT | sys.stdlib_module_names:
                yield (f'{name(path)}:{line} imports {first} at the top: the base install has not got it. Import it '
                       f'in the function that needs it.')
    yield from circles(edges)

def circles(edges):
    "Modules that import each other, in a function or not"
    seen, said = set(), set()
    def visit(node, way):
        if node in way:
            ring = way[way.index(node):]
            if (key := frozenset(ring)) not in said:
                said.add(key)
                yield f"{' → '.join([*ring, node])}: a circle of imports. Move what they share to a room of its own."
        elif node not in seen:
            for after in sorted(edges[node]): yield from visit(after, [*way, node])
            seen.add(node)
    for node in sorted(edges): yield from visit(node, [])

def public_names():
    "The rooms that serve show few names."
    count = {}
    for dotted, path, tree in modules():
        if floor(dotted) or path.name.startswith('__'): continue
        for node in tree.body:
            if isinstance(node, ast.Assign) and getattr(node.targets[0], 'id', '') == '__all__':
                count[dotted.removeprefix('fer_nb.')] = len(ast.literal_eval(node.value))
    if sum(count.values()) > MAX_NAMES:
        each = ', '.join(f'{k} {v}' for k, v in sorted(count.items(), key=lambda kv: -kv[1]) if v)
        yield (f'The rooms that serve show {sum(count.values())} names, at most {MAX_NAMES} are wanted ({each}): `#| '
               f'exporti` hides a helper.')


def exported(nb):
    for cell in nb['cells']:
        source = ''.join(cell['source'])
        if cell['cell_type'] == 'code' and re.match(r'#\s*\|\s*exporti?\b', source): yield cell.get('id'), source

def cell_sizes(books):
    "An exported cell holds one idea."
    for path, nb in books.items():
        for cell, source in exported(nb):
            lines, chars = len(source.strip().splitlines()), len(source.strip())
            if lines > MAX_LINES or chars > MAX_CHARS:
                yield (f'{name(path)}, cell {cell} exports {lines} lines, {chars} characters (at most {MAX_LINES} '
                       f'and {MAX_CHARS:,}): make two of it.')


def cell_report(books):
    "How large exported cells are, in words"
    sizes = sorted(len(s.strip()) for nb in books.values() for _, s in exported(nb))
    large = sum(n > 1200 for n in sizes)
    return (
        f'{len(sizes)} exported cells, the median {sizes[len(sizes) // 2]} characters, {large} over 1,200'
        if sizes
        else 'no exported cells'
    )


def settings(key):
    config = ConfigParser(delimiters=['='])
    config.read(root/'settings.ini', encoding='utf-8')
    return config['DEFAULT'][key].split()

def key(text): return re.sub(r'[-_.]+', '-', text).lower()

def closure(*keys):
    "The installed distributions that these requirements of settings.ini bring, by name"
    from packaging.requirements import Requirement
    found, todo = {}, [Requirement(r) for k in keys for r in settings(k)]
    while todo:
        r = todo.pop()
        if key(r.name) in found: continue
        try: found[key(r.name)] = dist = importlib.metadata.distribution(r.name)
        except importlib.metadata.PackageNotFoundError: continue
        wanted = map(Requirement, dist.requires or [])
        todo += [w for w in wanted if w.marker is None or any(w.marker.evaluate({'extra': e}) for e in {'', *r.extras})]
    return dict(sorted(found.items()))

def base_closure():
    "The base install is small. Sizes are of what is installed here; `pip` counts as one."
    found = closure('requirements')
    if extra := set(found) - LIGHT_CLOSURE:
        yield (f"The base install brings {', '.join(sorted(extra))}: settings.ini has it in `requirements`; an extra "
               f"is the place.")
    if len(found) + 2 > MAX_PACKAGES:
        yield f'The base install is {len(found) + 2} packages, fer_nb and pip among them; at most {MAX_PACKAGES}.'
    size = sum(f.locate().stat().st_size for d in found.values() for f in d.files or [] if f.locate().is_file())/2**20
    size += (
        sum(p.stat().st_size for p in (root / 'fer_nb').rglob('*') if p.is_file() and '__pycache__' not in p.parts)
        / 2**20
    )
    if size > MAX_MB: yield f'The base install takes {size:.0f} MB; at most {MAX_MB}.'

@functools.cache
def source_of(path):
    "The notebook that a module is exported from"
    head = (root/path).read_text(encoding='utf-8')[:400] if (root/path).exists() else ''
    found = re.search(r'File to edit: (?:\.\./)+(nbs/\S+\.ipynb)', head)
    return found[1] if found else path

def grouped(findings, tool):
    "One fault for each rule and file: where it first is, how often, where to mend it"
    first, often = {}, Counter()
    for path, line, rule, text in findings:
        first.setdefault((path, rule), (line, text)); often[path, rule] += 1
    for (path, rule), (line, text) in sorted(first.items()):
        times = f' ({often[path, rule]} times)' if often[path, rule] > 1 else ''
        yield f'{path}:{line} {text} [{tool} {rule}]{times}: mend {source_of(path)}.'

def ruff():
    """Ruff, on what the notebooks export, the page, tools and tests. The page's and the modules' line numbers are
    theirs.
    """
    command = [
        Path(sys.executable).with_name('ruff'),
        'check',
        '--output-format',
        'json',
        '--no-cache',
        'fer_nb',
        'streamlit_app.py',
        'tools',
        'tests',
        'setup.py',
        '.ci/check',
    ]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    if done.returncode not in (0, 1): yield f'ruff fails: {done.stderr.strip()[-300:]}'; return
    found = [
        (name(Path(f['filename'])), f['location']['row'], f['code'] or 'syntax', f['message'].rstrip('.'))
        for f in json.loads(done.stdout)
        if not by_nbdev(Path(f['filename']), f['location']['row'])
    ]
    yield from grouped(found, 'ruff')

def by_nbdev(path, row):
    "Lines that nbdev wrote by itself: its index, and what stands above a module's first cell"
    if path.name == '_modidx.py': return True
    above = path.read_text(encoding='utf-8').split('\n# %% ../')[0] if 'fer_nb' in path.parts else ''
    return above.startswith('\"\"\"') and 1 < row <= above.count('\n') + 1

def pyright():
    "Pyright's basic mode, on the rooms that serve and on the Python that README shows"
    import tomllib

    blocks = (
        re.findall(r'(?ms)^```python\n(.*?)^```', (root / 'README.md').read_text(encoding='utf-8'))
        if (root / 'README.md').exists()
        else []
    )
    about = tomllib.loads((root/'pyproject.toml').read_text())['tool']['basedpyright']
    with tempfile.TemporaryDirectory() as tmp:
        shown = Path(tmp)/'README.py'
        shown.write_text('\n'.join(blocks), encoding='utf-8')
        about |= {k: [str(root/p) if not p.startswith('**') else p for p in about[k]] for k in ('include', 'exclude')}
        about['include'] += [str(shown)]
        (Path(tmp)/'pyrightconfig.json').write_text(json.dumps(about | dict(extraPaths=[str(root)])))
        command = [
            Path(sys.executable).with_name('basedpyright'),
            '-p',
            tmp,
            '--outputjson',
            '--level',
            'error',
            '--pythonpath',
            sys.executable,
        ]
        done = subprocess.run(command, cwd=root, capture_output=True, text=True)
        try: said = json.loads(done.stdout)['generalDiagnostics']
        except ValueError: yield f'basedpyright fails: {(done.stderr or done.stdout).strip()[-300:]}'; return
        def where(f): return 'README.md' if f == str(shown) else name(Path(f)) if f.startswith(str(root)) else f

        found = [
            (where(d['file']), d['range']['start']['line'] + 1, d.get('rule', 'syntax'), d['message'].splitlines()[0])
            for d in said
        ]
    yield from grouped(found, 'pyright')

def main():
    books = {p: json.loads(p.read_text(encoding='utf-8')) for p in sorted((root/'nbs').glob('[!_.]*.ipynb'))}
    faults = [*import_rules(), *public_names(), *cell_sizes(books), *base_closure(), *ruff(), *pyright()]
    print(*faults, sep='\n')
    print(cell_report(books))
    sys.exit(bool(faults))

if __name__ == '__main__':
    os.environ.setdefault('ORT_DISABLE_TELEMETRY', '1')
    main()
