"""The command line: ``python -m hesslib derive FILE`` decides every displayed formula of a document."""

import sys

from hesslib.derivations.reading.report import main

if __name__ == "__main__":
    sys.exit(main())
