"""The plugin module."""

from harness.plugins import EncoderSpec, hookimpl

HARNESS_API = 1


@hookimpl
def harness_encoders():
    """One searcher."""
    return [
        EncoderSpec(
            name="overlap",
            kind="searcher",
            factory="overlap_search:Overlap",
            training_datasets=(),
            summary="passages that share most words with the question",
        )
    ]
