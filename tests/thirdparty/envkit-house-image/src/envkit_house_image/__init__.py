"""A template of images for the cluster of a house."""
