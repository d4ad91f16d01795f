"""The plugin of the task ``seq2seq``."""
