"Packaging: everything it says is read from settings.ini, so that nbdev and pip tell the same story."
import re
from configparser import ConfigParser
from pathlib import Path
from setuptools import find_packages, setup

here = Path(__file__).parent
config = ConfigParser(delimiters=['='])
config.read(here/'settings.ini', encoding='utf-8')
cfg = config['DEFAULT']
rooms = 'app', 'api', 'video', 'batch', 'ray', 'notebook', 'train'
extras = {name: cfg[f'{name}_requirements'].split() for name in (*rooms, 'kaggle', 'dev')}
extras['train'] = [f'{r} ; python_version < "3.13"' for r in extras['train']] # mediapipe has no wheel for a later one
extras['dev'] += [r for name in rooms for r in extras[name]]
extras['all'] = extras['dev'] + extras['kaggle']

def long_description():
    "README.md with its relative links and pictures made absolute: PyPI has no repository to look them up in."
    readme = here/'README.md'
    if not readme.exists(): return ''  # `make readme`, which writes it, installs the package first
    blob, raw = (f'{cfg["git_url"]}/{kind}/{cfg["branch"]}/' for kind in ('blob', 'raw'))
    code, link = r'(```.*?```|`[^`\n]*`)', r'(!?)(\[[^][]*\]\()(?!\w+:|#)'
    def absolute(m): return m[1] or f'{m[2]}{m[3]}{raw if m[2] else blob}'
    return re.sub(f'{code}|{link}', absolute, readme.read_text(encoding='utf-8'), flags=re.S)

setup(
    name=cfg['lib_name'],
    version=cfg['version'],
    description=cfg['description'],
    long_description=long_description(),
    long_description_content_type='text/markdown',
    author=cfg['author'],
    author_email=cfg['author_email'],
    url=cfg['git_url'],
    license=cfg['license'].upper(),
    license_files=['LICENSE', 'NOTICE'],
    keywords=cfg['keywords'].split(),
    classifiers=['Development Status :: 3 - Alpha', f'Intended Audience :: {cfg["audience"]}',
                 'Intended Audience :: Science/Research', 'Framework :: Jupyter', 'Operating System :: OS Independent',
                 *(f'Programming Language :: Python :: {v}' for v in ('3', '3.11', '3.12', '3.13', '3.14')),
                 'Topic :: Scientific/Engineering :: Image Recognition', 'Typing :: Typed'],
    project_urls={'Documentation': cfg['doc_host'] + cfg['doc_baseurl'], 'Issues': f'{cfg["git_url"]}/issues',
                  'Changelog': f'{cfg["git_url"]}/blob/{cfg["branch"]}/CHANGELOG.md'},
    packages=find_packages(include=[cfg['lib_path'], cfg['lib_path'] + '.*']),
    package_data={cfg['lib_path']: ['py.typed', 'weights/**', 'configs/*', 'apps/page/*']},
    py_modules=['streamlit_app'],  # the page travels with the package: `fer_nb app` finds it by its module name
    python_requires=f'>={cfg["min_python"]},<{cfg["max_python"]}',
    install_requires=cfg['requirements'].split(),
    extras_require=extras,
    entry_points={'console_scripts': cfg['console_scripts'].split('\n'),
                  'nbdev': [f'{cfg["lib_path"]}={cfg["lib_path"]}._modidx:d']},
    zip_safe=False,
)
