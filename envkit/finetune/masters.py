"""Float32 weights behind a model that computes in less: the optimizer moves these, the model gets them rounded."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from envkit.finetune.embeddings import narrow_embedding

if TYPE_CHECKING:
    from collections.abc import Iterable

    from envkit.finetune.embeddings import NarrowEmbedding

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}

# Of float16's loss scale, as torch.amp.GradScaler has them.
_FIRST_SCALE = 2.0**16
_STEPS_TO_GROW = 2000


class Masters:
    """The trained weights of a model in float32, by name: for a float32 model its own, else copies of them.

    Where ``pieces`` says which pieces the batches may hold, the word embedding's master has the rows of
    these alone; the gradient of the others, which is 0, is then neither made nor followed.

    An update of a bfloat16 weight by less than 1/256 of it would be lost; on float32 masters it is not.
    In less than float32 the model's own weights, the frozen ones too, are turned in place into the
    precision's numbers; ``restore`` gives it back its float32 ones. With float16 the loss is scaled up, so
    that small gradients do not vanish, and down after a step whose gradients were too large.
    """

    def __init__(
        self, model: torch.nn.Module, precision: str, *, pieces: Iterable[int] | None = None
    ) -> None:
        self._dtype = DTYPES[precision]
        self._low: dict[str, torch.nn.Parameter] = {}
        self._frozen: dict[str, torch.Tensor] = {}
        self._model = model
        self._scale = _FIRST_SCALE if self._dtype == torch.float16 else 1.0
        self._good_steps = 0
        self._kept: dict[str, torch.Tensor] = {}
        self._hooks: list[Any] = []
        trained = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
        self.weights: dict[str, torch.Tensor] = dict(trained)
        self._narrow: NarrowEmbedding | None = None if pieces is None else narrow_embedding(model, pieces)
        if self._narrow is not None:
            self.weights[self._narrow.name] = self._narrow.take_rows().requires_grad_()
            del trained[self._narrow.name]
        if self._dtype == torch.float32:
            return
        for name, weight in model.named_parameters():
            if weight.is_floating_point():
                whole = weight.detach().float()
                if name in trained:
                    self._low[name] = weight
                    self._hooks.append(weight.register_post_accumulate_grad_hook(partial(self._take, name)))
                    self.weights[name] = whole.clone().requires_grad_()
                else:
                    self._frozen[name] = whole  # the rows of a narrow embedding that stay, too
                weight.data = whole.to(self._dtype)

    def backward(self, loss: torch.Tensor) -> None:
        """Add the gradients of the loss, a scalar, to those of the masters."""
        (loss * self._scale if self._scale != 1.0 else loss).backward()
        if self._narrow is not None:
            gradient = self._narrow.take_gradient()
            if gradient is not None:
                self._add(self._narrow.name, gradient)

    def _take(self, name: str, weight: torch.Tensor) -> None:
        # As soon as it is there: it is still in the processor's cache, and its memory serves for the next.
        assert weight.grad is not None
        self._add(name, weight.grad)
        weight.grad = None

    def _add(self, name: str, gradient: torch.Tensor) -> None:
        master = self.weights[name]
        if master.grad is not None:
            master.grad += gradient
            return
        # The memory of the step before: the system would have to empty new pages for it at every step.
        if name not in self._kept:
            self._kept[name] = torch.empty_like(master, requires_grad=False)
        master.grad = self._kept[name].copy_(gradient)

    def unscale(self) -> bool:
        """Take the scale off the gradients; tell whether they are sound, and adapt the scale."""
        if self._dtype != torch.float16:
            return True
        gradients = [weight.grad for weight in self.weights.values() if weight.grad is not None]
        torch._foreach_mul_(gradients, 1.0 / self._scale)
        if not all(bool(gradient.isfinite().all()) for gradient in gradients):
            self._scale, self._good_steps = self._scale / 2, 0
            return False
        self._good_steps += 1
        if self._good_steps == _STEPS_TO_GROW:
            self._scale, self._good_steps = self._scale * 2, 0
        return True

    def write_back(self) -> None:
        """Give the model the masters' weights, rounded to its own numbers."""
        if self._low:
            with torch.no_grad():
                torch._foreach_copy_(list(self._low.values()), [self.weights[name] for name in self._low])
        if self._narrow is not None:
            self._narrow.put_rows(self.weights[self._narrow.name])

    @property
    def narrow(self) -> NarrowEmbedding | None:
        """Return the embedding of which these have some rows alone, None where there is none."""
        return self._narrow

    def restore(self) -> None:
        """Give the model float32 weights again: the masters', and the frozen ones as they were."""
        for hook in self._hooks:
            hook.remove()
        for name, weight in self._model.named_parameters():
            if name in self._low:
                weight.data = self.weights[name].detach()
            elif name in self._frozen:
                weight.data = self._frozen[name]
        if self._narrow is not None:
            self._narrow.put_rows(self.weights[self._narrow.name])
            self._narrow.widen()

    def scale_state(self) -> dict[str, Any]:
        """Return where the loss scale stands."""
        return {"scale": self._scale, "good_steps": self._good_steps}

    def set_scale_state(self, state: dict[str, Any]) -> None:
        """Set the loss scale to where it stood."""
        self._scale, self._good_steps = state["scale"], state["good_steps"]
