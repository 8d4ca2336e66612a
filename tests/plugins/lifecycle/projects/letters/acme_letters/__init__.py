"""The plugin module is the package itself."""

from harness.plugins import EncoderOptions, EncoderSpec, hookimpl


class LettersOptions(EncoderOptions):
    """One option."""

    pairs: bool = True


@hookimpl
def harness_encoders():
    """One encoder."""
    return [
        EncoderSpec(
            name="letters",
            factory="acme_letters.model:Letters",
            options=LettersOptions,
            training_datasets=(),
            summary="pairs of letters, counted",
        )
    ]
