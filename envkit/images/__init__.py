"""Images: what is in them, how they are rendered, built and looked at, and runs in their containers."""
