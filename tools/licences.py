"""LICENSES.md: what the base install and the extras `app` and `api` bring, under which licences, as their wheels say.

    python tools/licences.py            # writes it, of what is installed here
    python tools/licences.py --check    # says which packages or licences it does not name as they are
"""
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from house import closure

root = Path(__file__).resolve().parents[1]
page = root/'LICENSES.md'
HEAD = '''# Licences of what fer_nb brings

fer_nb is MIT ([LICENSE](LICENSE)); the networks and pictures inside it are named in [NOTICE](NOTICE). `pip` fetches the
packages below from their own authors, so a clone, a wheel or an sdist of fer_nb contains none of them. A container
image or an installer does, and whoever passes one on passes on these. `python tools/licences.py` writes this page.

**FFmpeg.** The wheel of PyAV (extras `app` and `video`) carries FFmpeg, which calls itself LGPL 3 or later, and beside
it libx264 and libx265, which are GPL 2 or later unless their owners have sold you another licence. An image with the
page in it therefore holds GPL binaries: pass on the source of FFmpeg, x264 and x265 with it, or a written offer of it,
and do not forbid what the GPL permits. The code of fer_nb stays MIT. H.264 and H.265 are also patented in some
countries. Without those duties: install without `app` and `video`, or build PyAV against an FFmpeg of your own
(`pip install --no-binary av av`). A photo needs none of it.
'''

def licence(dist):
    "What a distribution says of its licence, in a few words"
    about = dist.metadata
    if said := about.get('License-Expression'): return said
    classes = [c.split(' :: ')[-1] for c in about.get_all('Classifier') or [] if c.startswith('License ::')]
    named = [c for c in classes if c != 'OSI Approved']
    short = (about.get('License') or '').strip().splitlines()
    return '; '.join(named) or (short[0][:60] if short else 'not said')

def carried(dist):
    "Shared libraries of others inside the wheel, by name"
    inside = {re.split(r'[-.]', f.name)[0] for f in dist.files or [] if f.parts[0].endswith('.libs')}
    return ', '.join(sorted(inside, key=str.lower))

def rows():
    base, app = closure('requirements'), closure('requirements', 'app_requirements')
    for name, dist in closure('requirements', 'app_requirements', 'api_requirements').items():
        yield name, licence(dist), 'base' if name in base else 'app' if name in app else 'api', carried(dist)

def main():
    lines = [f'| {name} | {said} | {where} | {libs} |' for name, said, where, libs in rows()]
    if '--check' in sys.argv:
        there = page.read_text(encoding='utf-8').splitlines() if page.exists() else []
        short = {l.rsplit('|', 2)[0] for l in there}
        missing = [l for l in lines if l.rsplit('|', 2)[0] not in short] # libraries differ between systems
        for l in missing: print(f'LICENSES.md does not say: {l}. Run python tools/licences.py.')
        sys.exit(bool(missing))
    table = ['| package | licence | brought by | libraries inside its wheel (Linux) |', '|:--|:--|:--|:--|', *lines]
    page.write_text(HEAD + '\n' + '\n'.join(table) + '\n', encoding='utf-8')
    print(f'{page.name}: {len(lines)} packages')

if __name__ == '__main__': main()
