"""For all tests that are run from this checkout: no example of a property test has a deadline.

A busy machine is slow now and then, and that is no defect of what is tested.
"""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")
