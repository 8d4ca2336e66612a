"""LAMIR: language agnostic multilingual information retrieval with contrastive learning.

A public implementation of the method of Hu et al., "Language Agnostic Multilingual Information
Retrieval with Contrastive Learning" (Findings of ACL 2023): three contrastive losses, one trainer,
and a small static encoder trained with them. Importing this package imports no torch; the modules
below it do.
"""

__version__ = "0.1.0"

__all__ = ["__version__"]
