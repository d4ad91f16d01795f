"""Bring ``index.json`` up to date with what the package index tells of torch: ``python -m envkit.torchbuild.refresh``."""
