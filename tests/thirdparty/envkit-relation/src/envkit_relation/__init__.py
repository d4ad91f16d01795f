"""The plugin of the task ``relation``."""
