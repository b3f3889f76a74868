"""`python -m fer_nb` is the command `fer_nb`, opened by its name as the script that pip installs opens it: what serves
imports none of the rooms below."""
import sys
from importlib import import_module

if __name__ == '__main__': sys.exit(import_module('fer_nb.apps.cli').main())
