"""`python -m scanner_project.up`."""

import sys

from scanner_project.up.runner import main

if __name__ == "__main__":
    sys.exit(main())
