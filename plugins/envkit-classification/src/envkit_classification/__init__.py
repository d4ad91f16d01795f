"""Text classification for envkit."""
