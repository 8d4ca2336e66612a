"""Any HTTP endpoint that speaks OpenAI's embeddings API, as an encoder of lamir-harness."""
