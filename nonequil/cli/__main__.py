"""`python -m nonequil.cli`."""

import sys

from ._main import main

sys.exit(main())
