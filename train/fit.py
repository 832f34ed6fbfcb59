"""Fine-tuning the network with transformers' Trainer.

The development score that picks the best epoch is the served tagger's own, so nothing is chosen by another path.
"""

import math
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import AdamW
from transformers import (
    EarlyStoppingCallback,
    PreTrainedModel,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
    set_seed,
)
from transformers.trainer_utils import get_last_checkpoint

from labels.record import AnnotatedSentence
from serve.cascade import Cascade
from serve.encode import Encoder
from serve.model_folder import Decision
from serve.network import StanceNetwork
from serve.records import ModelInfo
from serve.tagger import Tagger
from serve.torch_forward import TorchForward
from train.augment import Augmenter
from train.base import Base
from train.config import Config, ConfigError, TrainingConfig
from train.data import class_weights
from train.examples import IGNORED, Collator, to_examples
from train.metrics import evaluate, true_roles

_SCORE = "eval_macro_f1"


@dataclass(frozen=True)
class Fitted:
    """The network of the best epoch."""

    network: StanceNetwork
    encoder: Encoder
    best_epoch: float
    development_macro_f1: float

    def tagger(self, decision: Decision, info: ModelInfo, cascade: Cascade | None = None) -> Tagger:
        """A tagger around this network."""
        device = next(self.network.parameters()).device
        return Tagger(self.encoder, TorchForward(self.network, device), decision, info, cascade)


def fit(
    config: Config,
    base: Base,
    train: list[AnnotatedSentence],
    development: list[AnnotatedSentence],
    checkpoints: Path,
    resume: bool,
) -> Fitted:
    """Fine-tune `base` on `train` until the development macro-F1 stops rising.

    With `resume`, go on from the last checkpoint in `checkpoints`, to the same result as if never interrupted.

    Raises:
        ConfigError: there is nothing to resume.
    """
    last = _last_checkpoint(checkpoints) if resume else None
    if resume and last is None:
        raise ConfigError(f"nothing to resume in {checkpoints}; run without --resume")
    set_seed(config.training.seed)
    _freeze(base.encoder, config.model.frozen_layers)
    network = StanceNetwork(base.encoder, config.model.dropout)
    encoder = Encoder(base.tokenizer, config.model.max_length)
    trainer = _StanceTrainer(
        config,
        network,
        encoder,
        development,
        weights=class_weights(train, config.training.class_weight_power),
        optimizers=(_optimizer(network, config.training), None),
        args=_arguments(config, checkpoints),
        train_dataset=to_examples(train, encoder),
        # Never read, for evaluation goes through the tagger; the Trainer wants one wherever it is to evaluate.
        eval_dataset=to_examples(development[:1], encoder),
        data_collator=Collator(encoder, Augmenter(config.augmentation, train)),
        callbacks=[EarlyStoppingCallback(config.training.patience), _EpochLines()],
    )
    # It prints raw dictionaries where there is no progress bar; the epoch's line says the same.
    trainer.remove_callback(PrinterCallback)
    trainer.train(resume_from_checkpoint=last)
    # Takes off the wrapper that multiplies in bfloat16: from here on the network computes as it will be served.
    trainer.accelerator.unwrap_model(network, keep_fp32_wrapper=False)
    best = trainer.state.best_metric
    epochs = [entry["epoch"] for entry in trainer.state.log_history if entry.get(_SCORE) == best]
    return Fitted(network, encoder, float(epochs[0]), float(best or 0.0))


def _freeze(encoder: PreTrainedModel, layers: int) -> None:
    """Keep the lowest `layers` of `encoder` as they are, the embeddings being the first.

    Raises:
        ConfigError: it is not built of `embeddings` and `encoder.layer`, or has fewer.
    """
    if not layers:
        return
    stack = getattr(getattr(encoder, "encoder", None), "layer", None)
    if stack is None or not hasattr(encoder, "embeddings"):
        raise ConfigError("model.frozen_layers: this base is not built of embeddings and encoder.layer; set it to 0")
    if layers > len(stack):
        raise ConfigError(
            f"model.frozen_layers: {layers} of {1 + len(stack)} would leave too little to train; lower it"
        )
    for part in [encoder.embeddings, *stack[: layers - 1]]:
        part.requires_grad_(False)


def _optimizer(network: StanceNetwork, settings: TrainingConfig) -> AdamW:
    """AdamW with a rate of their own for the heads, which start from nothing, and no decay of biases and norms."""
    groups = []
    for parts, rate in (
        ([network.encoder], settings.learning_rate),
        ([network.stance_head, network.role_head], settings.head_learning_rate or settings.learning_rate),
    ):
        parameters = [parameter for part in parts for parameter in part.parameters() if parameter.requires_grad]
        matrices = [parameter for parameter in parameters if parameter.dim() > 1]
        vectors = [parameter for parameter in parameters if parameter.dim() <= 1]
        groups.append({"params": matrices, "lr": rate, "weight_decay": settings.weight_decay})
        groups.append({"params": vectors, "lr": rate, "weight_decay": 0.0})
    return AdamW(groups, fused=True)


def _last_checkpoint(folder: Path) -> str | None:
    found: str | None = get_last_checkpoint(str(folder)) if folder.is_dir() else None  # type: ignore[no-untyped-call]
    return found


def _fast_bf16() -> bool:
    """Whether bfloat16 is faster: on GPUs that have it, and on CPUs that multiply tiles of it (AMX)."""
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.cpu.get_capabilities().get("amx_bf16", False))


def _arguments(config: Config, checkpoints: Path) -> TrainingArguments:
    settings = config.training
    return TrainingArguments(
        output_dir=str(checkpoints),
        num_train_epochs=settings.epochs,
        per_device_train_batch_size=settings.batch_size,
        # Below 1 it is a share of the steps, however many processes share them.
        warmup_steps=settings.warmup,
        # Batches of equal length spare the padding: worth more speed than any other setting.
        train_sampling_strategy="group_by_length",
        length_column_name="length",
        remove_unused_columns=False,
        use_cpu=not torch.cuda.is_available(),
        bf16=_fast_bf16() if settings.bf16 == "auto" else settings.bf16,
        eval_strategy="epoch",
        save_strategy="epoch",
        save_total_limit=1,
        load_best_model_at_end=True,
        # The count of passes without progress goes on where it was, so that a resumed run stops where the first would.
        restore_callback_states_from_checkpoint=True,
        metric_for_best_model=_SCORE,
        greater_is_better=True,
        logging_strategy="epoch",
        dataloader_pin_memory=torch.cuda.is_available(),
        ddp_find_unused_parameters=False,
        disable_tqdm=not sys.stderr.isatty(),
        report_to="none",
        seed=settings.seed,
        data_seed=settings.seed,
    )


class _StanceTrainer(Trainer):
    """A Trainer of both heads, scored on development sentences by the tagger."""

    def __init__(
        self,
        config: Config,
        network: StanceNetwork,
        encoder: Encoder,
        development: list[AnnotatedSentence],
        weights: list[float],
        **arguments: Any,
    ) -> None:
        super().__init__(model=network, **arguments)
        self._config = config
        self._network = network
        self._encoder = encoder
        self._development = development
        self._weights = torch.tensor(weights, device=self.args.device)

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Tensor],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Any:
        stance_logits, role_logits = model(inputs["input_ids"], inputs["attention_mask"])
        settings = self._config.training
        loss = functional.cross_entropy(
            stance_logits.float(), inputs["stance"], weight=self._weights, label_smoothing=settings.label_smoothing
        )
        # Summed and divided by hand, for a batch without any act has no role to average over.
        role_loss = functional.cross_entropy(
            role_logits.float().flatten(0, 1), inputs["role_tags"].flatten(), ignore_index=IGNORED, reduction="sum"
        ) / (inputs["role_tags"] != IGNORED).sum().clamp(min=1)
        loss = loss + settings.role_weight * role_loss
        return (loss, (stance_logits, role_logits)) if return_outputs else loss

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        info = ModelInfo(name=self._config.output.name, version="in training", digest="")
        tagger = Tagger(self._encoder, TorchForward(self._network, self.args.device), Decision(), info)
        predictions = tagger.predict([sentence.text for sentence in self._development])
        measured = evaluate(
            [sentence.label for sentence in self._development],
            [true_roles(sentence) for sentence in self._development],
            predictions,
        )
        metrics = {_SCORE: measured.macro_f1}
        metrics |= {f"eval_{role}_overlap_f1": scores["overlap"]["f1"] for role, scores in measured.roles.items()}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics


class _EpochLines(TrainerCallback):
    """One line an epoch, for a log or a pipe has no progress bar."""

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self._start, self._first_step = time.monotonic(), state.global_step
        self._loss = math.nan

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **arguments: Any) -> None:
        self._loss = arguments["logs"].get("loss", self._loss)

    def on_evaluate(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **arguments: Any
    ) -> None:
        if not state.is_world_process_zero:
            return
        elapsed = time.monotonic() - self._start
        steps = state.global_step - self._first_step
        rate = steps * args.train_batch_size * args.world_size / elapsed
        left = elapsed / max(steps, 1) * (state.max_steps - state.global_step)
        print(
            f"epoch {state.epoch:.0f} of {state.num_train_epochs}: loss {float(self._loss):.3f}, "
            f"development macro-F1 {arguments['metrics'][_SCORE]:.3f}, {rate:.0f} sentences/s, "
            f"at most {left / 60:.1f} min left",
            flush=True,
        )
