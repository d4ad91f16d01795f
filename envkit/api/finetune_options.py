"""The options of a loop that is written with the parts of ``envkit.finetune``."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from envkit.api.options import Meta, Options


class FinetuneOptions(Options, frozen=True, kw_only=True):
    """What ``envkit.finetune`` can be told; a plugin whose loop uses it subclasses this instead of Options.

    ``dev_metrics`` are the metrics that the plugin's evaluations may have, without their split: where a
    plugin names them, another ``--metric`` is refused before anything is done.
    """

    dev_metrics: ClassVar[tuple[str, ...]] = ()

    tokens_per_step: (
        Annotated[
            int,
            Meta("Instead of --batch-size: tokens per optimizer step, padding included.", ge=1),
        ]
        | None
    ) = None
    micro_batch_tokens: (
        Annotated[
            int,
            Meta(
                "Tokens computed at once, padding included; a larger step is accumulated. Default: what memory "
                "holds.",
                ge=1,
            ),
        ]
        | None
    ) = None
    optimizer: Annotated[
        Literal["adamw", "sgd", "adafactor"], Meta("What moves the weights; sgd has momentum 0.9.")
    ] = "adamw"
    schedule: Annotated[
        Literal["linear", "cosine", "constant"], Meta("How the learning rate falls after the warm-up.")
    ] = "linear"
    warmup: Annotated[float, Meta("Share of the steps in which the learning rate rises.", ge=0, le=1)] = 0.1
    weight_decay: Annotated[float, Meta("Decay of the weights, biases and norms excepted.", ge=0)] = 0.01
    layer_decay: Annotated[
        float, Meta("Learning rate of each layer as a share of that of the layer above.", gt=0, le=1)
    ] = 1.0
    clip_norm: Annotated[float, Meta("Largest norm of a step's gradients; 0 clips nothing.", ge=0)] = 1.0
    freeze: Annotated[
        str,
        Meta(
            "What is not trained: none, embeddings, all-but-head, or a number of layers from below, embeddings "
            "included.",
            pattern=r"^(none|embeddings|all-but-head|[1-9]\d*)$",
        ),
    ] = "none"
    peft: Annotated[
        Literal["none", "lora", "adalora", "ia3"],
        Meta("Train a small adapter and the head instead of the model."),
    ] = "none"
    peft_rank: Annotated[int, Meta("Rank of the matrices of lora and adalora.", ge=1)] = 8
    merge: Annotated[bool, Meta("Save the adapter merged into the model, as one model.")] = False
    precision: Annotated[
        Literal["auto", "float32", "bfloat16", "float16"],
        Meta("Numbers to compute in; auto tries a step and takes what is fast and sound."),
    ] = "auto"
    eval_every: (
        Annotated[int, Meta("Score on dev after this many steps. Default: after each epoch.", ge=1)] | None
    ) = None
    metric: (
        Annotated[
            str, Meta("Metric of dev that chooses the best state, such as dev/loss. Default: the task's own.")
        ]
        | None
    ) = None
    patience: (
        Annotated[int, Meta("Stop after this many scores on dev that are no better than the best.", ge=1)]
        | None
    ) = None
    checkpoint_every: (
        Annotated[int, Meta("Save a checkpoint after this many steps. Default: once a minute.", ge=1)] | None
    ) = None

    def __post_init__(self) -> None:
        """Refuse options that contradict each other. Raises: ValueError."""
        super().__post_init__()
        if self.batch_size is not None and self.tokens_per_step is not None:
            raise ValueError(
                "--batch-size and --tokens-per-step both say how large a step is: give one or the other"
            )
        names = [f"dev/{name}" for name in self.dev_metrics]
        if self.metric is not None and names and self.metric not in (*names, *self.dev_metrics):
            raise ValueError(f"--metric is {self.metric!r}, expected one of {', '.join(names)}")
        if self.merge and self.peft == "none":
            raise ValueError("--merge needs an adapter: give --peft lora, adalora or ia3")
