"""From result files to what people read. Nothing here sees an encoder or a source: boards are a function of results."""
