"`python -m fer_nb` is the command `fer_nb`"
import sys
from fer_nb.apps.cli import main

if __name__ == '__main__': sys.exit(main())
