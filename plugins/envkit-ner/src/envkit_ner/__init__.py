"""Named entity recognition for envkit."""
