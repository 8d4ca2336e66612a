"""What is measured: tasks as declarations, one module for each family, and their selection by name and language."""

from harness.tasks.model import Average, Subset, Task
from harness.tasks.registry import all_tasks, families, task

__all__ = ["Average", "Subset", "Task", "all_tasks", "families", "task"]
