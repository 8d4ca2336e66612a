"""How rankings become numbers: ranking metrics by trec_eval's rules, and XOR-Retrieve's answer recall."""

from harness.metrics.measures import COMMON, Measure, parse
from harness.metrics.score import Scores, score

__all__ = ["COMMON", "Measure", "Scores", "parse", "score"]
