"""The command line: one module for each verb. A verb parses, calls the API and prints; it holds no logic."""
