"""Install every wheel of a folder into the running environment: what a shell's `pip install *.whl` does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

wheels = sorted(str(path) for path in Path(sys.argv[1]).glob("*.whl"))
sys.exit(subprocess.call([sys.executable, "-m", "pip", "install", *wheels]) if wheels else "no wheels to install")
