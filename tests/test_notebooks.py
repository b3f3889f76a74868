"Running notebooks, and knowing which outputs are older than what they were made from"
import itertools
import json
import sys
from pathlib import Path
import pytest

pytest.importorskip('execnb')

root = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(root/'tools'))
import notebooks

numbers = itertools.count()

def cell(source, kind='code', outputs=()):
    c = dict(cell_type=kind, id=f'c{next(numbers)}', metadata={}, source=source.splitlines(True))
    return c | dict(outputs=list(outputs), execution_count=None) if kind == 'code' else c

def book(*cells): return dict(cells=list(cells), metadata={}, nbformat=4, nbformat_minor=5)

@pytest.fixture
def tree(tmp_path, monkeypatch):
    "A small repository: one notebook that uses one module and one file of results"
    for folder in ('nbs/study', 'fer_nb', 'fer_nb/weights'): (tmp_path/folder).mkdir(parents=True)
    (tmp_path/'fer_nb/data.py').write_text('"doc"\n# a remark\nx = 1\n')
    (tmp_path/'nbs/study/a.csv').write_text('1,2\n')
    for name, value in dict(root=tmp_path, nbs=tmp_path / 'nbs', notes=tmp_path / 'nbs/.outputs').items():
        monkeypatch.setattr(notebooks, name, value)
    path = tmp_path/'nbs/01_a.ipynb'
    path.write_text(json.dumps(book(cell('# Title', 'markdown'), cell('1+1'), cell('#| eval: false\n2+2'))))
    notebooks.note(path, json.loads(path.read_text()), ['fer_nb/data.py', 'nbs/study/a.csv'], True, 3.1)
    return tmp_path, path

def old(path): return notebooks.outdated(path, json.loads(path.read_text()))

def rewrite(path, was, now):
    text = path.read_text()
    assert was in text
    path.write_text(text.replace(was, now))

def test_fresh_outputs_stay_fresh(tree):
    top, path = tree
    assert old(path) == ([], [])
    rewrite(path, '# Title', '# Another title')                     # prose shows nothing new
    rewrite(path, '2+2', '3+3')                                      # nor does a cell that is not run
    rewrite(top/'fer_nb/data.py', '# a remark', '# another remark')
    assert old(path) == ([], [])

@pytest.mark.parametrize(
    'file,was,now,said',
    [
        ('nbs/01_a.ipynb', '1+1', '1+2', (['its code'], [])),
        ('nbs/study/a.csv', '1', '3', (['nbs/study/a.csv'], [])),
        ('fer_nb/data.py', 'x = 1', 'x = 2', ([], ['fer_nb/data.py'])),
    ],
)
def test_what_makes_outputs_old(tree, file, was, now, said):
    top, path = tree
    rewrite(top/file, was, now)
    assert old(path) == ([f'{w} changed after its outputs were stored' for w in said[0]], said[1])

def test_gone_and_never_run(tree):
    top, path = tree
    (top/'nbs/study/a.csv').unlink()
    assert old(path) == (['nbs/study/a.csv changed after its outputs were stored'], [])
    (top/'nbs/.outputs/01_a.json').unlink()
    assert old(path)[0] == ['no run of it is noted']

def test_a_how_to_has_a_note_of_its_own(tree):
    top, path = tree
    (top/'nbs/howto').mkdir()
    how = top/'nbs/howto/01_a.ipynb'
    how.write_text(json.dumps(book(cell('# Title', 'markdown'), cell('2+2'))))
    assert notebooks.all_books() == [path, how] and old(how)[0] == ['no run of it is noted']
    notebooks.note(how, json.loads(how.read_text()), [], True, 1)
    assert old(how) == ([], []) == old(path) and notebooks.note_of(how) == top/'nbs/.outputs/howto/01_a.json'

def test_files_that_are_opened_are_noticed(tree):
    top, _ = tree
    seen = notebooks.watch_files()
    (top/'nbs/study/a.csv').read_text(); (top/'fer_nb/data.py').read_text()
    assert seen == {'nbs/study/a.csv'}

@pytest.mark.parametrize(
    'output,what',
    [
        (dict(output_type='error', ename='E', evalue='', traceback=[]), 'an error'),
        (dict(output_type='stream', name='stderr', text='hm'), 'text from stderr'),
        (dict(output_type='stream', name='stdout', text='saved in /home/me/x'), 'a path of one machine'),
        (dict(output_type='display_data', data={'text/plain': 'UserWarning: x'}), 'a warning'),
        (dict(output_type='display_data', data={'text/html': ['<b>50%|'], 'text/plain': ''}), 'a progress bar'),
        (
            dict(output_type='display_data', data={'application/vnd.jupyter.widget-view+json': {}, 'text/plain': ''}),
            'a widget',
        ),
    ],
)
def test_outputs_that_no_reader_should_see(output, what):
    assert [w for _,w in notebooks.unfit(book(cell('x', outputs=[output])))] == [what]

def test_fit_outputs():
    fine = [
        dict(output_type='stream', name='stdout', text='see nbs/data and https://example.com/home/x'),
        dict(output_type='display_data', data={'text/plain': '50%', 'image/png': 'abc'}),
    ]
    assert not list(notebooks.unfit(book(cell('x', outputs=fine))))

@pytest.mark.parametrize('source,stored', [('print(6*7)', '42'), ('1/0', None), ("print('/home/me/x')", None)])
def test_a_run_stores_or_stops(tree, source, stored, monkeypatch):
    top, path = tree
    path.write_text(json.dumps(book(cell(source))))
    before = path.read_text()
    monkeypatch.chdir(top)
    if stored is None:
        with pytest.raises(SystemExit): notebooks.run(path)
        assert path.read_text() == before and old(path)[0] == ['its code changed after its outputs were stored']
    else:
        notebooks.run(path)
        assert stored in path.read_text() and old(path) == ([], [])
