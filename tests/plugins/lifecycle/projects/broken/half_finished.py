"""It needs a package that its pyproject.toml does not name."""

import a_package_that_nobody_has  # noqa: F401
