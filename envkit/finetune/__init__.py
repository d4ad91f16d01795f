"""Parts for fine-tuning loops; every module here may import torch, so only the worker loads them."""
