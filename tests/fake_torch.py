"""As much of torch as an environment's proof calls: what is computed is not the matter of those tests."""

from __future__ import annotations

SOURCE = """
__version__ = "2.8.0"
class Tensor:
    def __getattr__(self, name): return self
    def __call__(self, *args, **kwargs): return self
    def __mod__(self, other): return self
    def __gt__(self, other): return True
    def __iter__(self): return iter([self])
    def __bool__(self): return True
it = Tensor()
nn = randn = arange = manual_seed = isfinite = it
class cuda:
    device_count = staticmethod(lambda: 0)
class backends: pass
"""
