"""From a bare machine to a fine-tuned language model in one command."""

__version__ = "0.1.0"
