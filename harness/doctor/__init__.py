"""What `harness doctor` finds out: the environment, the packages in it, the plugins, the caches, the settings.

Each module gathers the facts of one group and gives them as `Finding`s. Nothing is imported that a run would need,
nothing is fetched, and nothing is changed.
"""

from harness.doctor.examine import examine
from harness.doctor.finding import Finding, Status, worst

__all__ = ["Finding", "Status", "examine", "worst"]
