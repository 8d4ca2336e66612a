"""New plugins: what `harness new-plugin` writes, and the names it takes."""

from harness.scaffold.naming import Names, check_free, names_of
from harness.scaffold.write import Written, render, write_plugin

__all__ = ["Names", "Written", "check_free", "names_of", "render", "write_plugin"]
