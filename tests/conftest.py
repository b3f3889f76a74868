"The files that take longest come first, so that the processes of `make test` end together."
LONG = [f'test_{name}.py' for name in ('browser', 'docs', 'web', 'explorer_browser', 'limits')]

def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: LONG.index(item.path.name) if item.path.name in LONG else len(LONG))
