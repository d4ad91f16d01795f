"""Name known troubles in the words that programs end with, and what mends them."""

from envkit.explain.explain import Explanation, explain_log, explain_stream
from envkit.explain.rules import Rule, Sign, load_rules

__all__ = ["Explanation", "Rule", "Sign", "explain_log", "explain_stream", "load_rules"]
