"""A training run from recipe to folder.

1. Resolve the objectives, read and check the data; nothing below can fail on bad input.
2. Hold some translations out; build the backbone; let the objectives attach what they need.
3. If the run was begun before, go on from its last state.
4. At every step draw a batch from each stream, compute the gradients (`step`), move the weights (`optimizing`); now
   and then log, evaluate, save the state.
5. Write the folder beside its final place, load it again, measure it, and rename it onto its place.

Seed, recipe, data and library versions decide the outcome, on one kind of processor to the bit: interrupted and
resumed or not.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import torch
from torch import nn

from harness.errors import HarnessError, UsageError
from harness_lamir.backbones.base import Backbone
from harness_lamir.backbones.building import build_backbone, load_backbone
from harness_lamir.data.loading import Streams, load_streams
from harness_lamir.data.rows import Translation
from harness_lamir.objectives.blaming import blamed
from harness_lamir.objectives.resolving import Resolved, build, resolve
from harness_lamir.recipe import Recipe
from harness_lamir.training.card import CardFacts, model_card, resolved_recipe
from harness_lamir.training.distributed import Group, launched_rank, open_group
from harness_lamir.training.evaluating import Evaluator
from harness_lamir.training.heldout import HeldOut, hold_out, translation_accuracy
from harness_lamir.training.logs import Log, check_tensorboard
from harness_lamir.training.modes import interruptible, reproducible
from harness_lamir.training.optimizing import gradient_norm, make_optimizer, rate_factor
from harness_lamir.training.output import check_output, draft_of
from harness_lamir.training.reporting import Outcome, Reporter, Step
from harness_lamir.training.seeds import generator, seed_of
from harness_lamir.training.state import Scored, State, check_recipe, identity_of, snapshot
from harness_lamir.training.step import Losses, Member, gradients, own_parameters
from harness_lamir.training.unfinished import EVALUATION, clear, copy_logs, held, newest, state_folder

if TYPE_CHECKING:
    from harness.plugins.manager import Registry

__all__ = ["members_of", "train"]


def train(
    recipe: Recipe,
    data: Path,
    output: Path,
    *,
    command: str,
    overwrite: bool = False,
    restart: bool = False,
    tensorboard: bool = False,
    reporter: Reporter | None = None,
    registry: Registry | None = None,
) -> Outcome:
    """Train a model and write it to a folder; go on where an earlier call with the same arguments was interrupted.

    Under `accelerate launch` every process calls this, with the same arguments and the same folders.

    Args:
        recipe: what to do.
        data: the folder that the recipe's paths start from.
        output: the folder to write: what `Backbone.save` writes, `recipe.json`, `log.jsonl` and the model card.
        command: what the user typed, for the model card.
        overwrite: replace a folder that exists and is not empty.
        restart: drop the state of an unfinished run.
        tensorboard: write TensorBoard's event files too.
        reporter: what to call while it goes on; only in the first process.
        registry: where objectives are looked up.

    Raises:
        UsageError: the recipe, the data, the output folder or an unfinished run there cannot be used.
        HarnessError: a loss or the gradient ceased to be finite, an evaluation or an objective failed, or something
            cannot be written.
        KeyboardInterrupt: Ctrl-C or SIGTERM; the state is saved.
    """
    check_output(output, overwrite)
    resolved = resolve(recipe, registry)
    saved = None if restart else newest(state_folder(output))
    if saved is not None:
        check_recipe(saved, recipe)
    if tensorboard:
        check_tensorboard()
    with ExitStack() as stack:
        if launched_rank() == 0:
            stack.enter_context(held(output))
        group = open_group(recipe.runtime)
        shown = reporter or Reporter()
        run = _Run(recipe, data, output, resolved, group, shown if group.main else Reporter())
        stack.enter_context(reproducible(recipe.runtime.threads, group.device))
        run.prepare(stack)
        run.begin(stack, restart=restart, tensorboard=tensorboard)
        run.optimise()
        return run.finish(command)


def members_of(resolved: Sequence[Resolved], seed: int) -> list[Member]:
    """Build the objectives; the second of one name is called name-2, and so on."""
    counts: dict[str, int] = {}
    members = []
    for one in resolved:
        counts[one.entry.use] = counts.get(one.entry.use, 0) + 1
        number = counts[one.entry.use]
        name = one.entry.use if number == 1 else f"{one.entry.use}-{number}"
        torch.manual_seed(seed_of(seed, "objective", name))
        members.append(Member(name, build(one), one.entry.weight, one.streams, generator(seed, "objective", name)))
    return members


class _Run:
    """One run, from `prepare` to `finish`."""

    def __init__(
        self, recipe: Recipe, data: Path, output: Path, resolved: list[Resolved], group: Group, reporter: Reporter
    ) -> None:
        self.recipe, self.data, self.output = recipe, data, output
        self.resolved, self.group, self.reporter = resolved, group, reporter
        self.work = state_folder(output)
        self.log: Log | None = None
        self.evaluator: Evaluator | None = None
        self.state: State

    def prepare(self, stack: ExitStack) -> None:
        """Read the data and build what is trained."""
        recipe, group = self.recipe, self.group
        if not self.data.is_dir():
            raise UsageError(f"data folder {self.data}: no such folder", hint="Name it with --data DIR.")
        digests: dict[str, dict[str, str]] = {}
        if recipe.evaluation is not None and group.main:
            place = self.work / EVALUATION
            self.evaluator = stack.enter_context(Evaluator(recipe.evaluation, self.data, recipe.name, place))
            digests["evaluation"] = self.evaluator.check()
        self.reporter.stage("reading the training text")
        self.streams: Streams = load_streams(recipe, self.data)
        self.heldout: list[Translation] = hold_out(self.streams, recipe)
        self.reporter.stage("building the backbone")
        self.backbone: Backbone = build_backbone(
            recipe.backbone,
            lambda count: self.streams.sample_texts(count, generator(recipe.seed, "vocabulary")),
            seed=recipe.seed,
            rows=self.streams.rows,
        ).to(group.device)
        if recipe.runtime.gradient_checkpointing:
            _checkpoint_gradients(self.backbone)
        group.share(self.backbone)
        self.members = members_of(self.resolved, recipe.seed)
        for member in self.members:
            torch.manual_seed(seed_of(recipe.seed, "attach", member.name))
            with blamed(member.name, "attach"):
                member.objective.attach(self.backbone)
            member.objective.to(group.device)
            group.share(member.objective)
        own = [p for member in self.members for p in own_parameters(member.objective, self.backbone)]
        self.parameters = [p for p in self.backbone.parameters() if p.requires_grad] + _distinct(own)
        if not self.parameters:
            raise UsageError("the backbone has nothing to train", hint="Lower `frozen_layers`.")
        self.rngs = {name: generator(recipe.seed, "stream", name) for name in self.streams.by_name}
        digests["data"] = {f"{file.stream}:{file.path}": file.sha256 for file in self.streams.files}
        digests["objectives"] = {
            f"{member.name}:{what}": digest
            for member in self.members
            for what, digest in member.objective.reads().items()
        }
        self.state = State(
            identity_of(recipe, **digests),
            self.backbone,
            [member.objective for member in self.members],
            make_optimizer(self.parameters, recipe.optimizer),
            self._generators(),
        )

    def begin(self, stack: ExitStack, *, restart: bool, tensorboard: bool) -> None:
        """Take up the unfinished run, if there is one."""
        if restart and self.group.main:
            clear(self.work)
        self.group.wait()
        saved = newest(self.work)
        if saved is not None:
            self.state.load(saved)
            self.reporter.resumed(self.state.progress.step)
        else:
            self.state.progress.before = translation_accuracy(self.backbone, self.heldout) if self.heldout else None
        self.group.wait()  # nobody removes a state that another still reads
        if self.group.main:
            progress = self.state.progress
            self.log = Log(self.work, position=progress.log_bytes, step=progress.step, tensorboard=tensorboard)
            stack.callback(self.log.close)

    def optimise(self) -> None:
        """Make all steps that are left, or stop early."""
        recipe, progress = self.recipe, self.state.progress
        self.reporter.stage("training")
        self.backbone.train()
        for member in self.members:
            member.objective.train()
        before, started, texts, since = progress.seconds, time.monotonic(), 0, time.monotonic()
        with interruptible() as interruption:
            while progress.step < recipe.steps and not self._stalled():
                done = self._step(progress.step + 1)
                progress.step, progress.losses, progress.total = done.number, done.losses, done.total
                progress.seconds = before + time.monotonic() - started
                texts += done.texts
                last = done.number == recipe.steps
                if self.log is not None and (done.number % recipe.runtime.log_every == 0 or last or done.number == 1):
                    now = time.monotonic()
                    self.log.step(
                        done.number,
                        done.losses,
                        total=done.total,
                        learning_rate=done.learning_rate,
                        gradient_norm=done.gradient_norm,
                        texts_per_second=texts / max(now - since, 1e-9),
                        elapsed=progress.seconds,
                    )
                    texts, since = 0, now
                self.reporter.step(done)
                if recipe.evaluation is not None and (done.number % recipe.evaluation.every == 0 or last):
                    self._evaluate(recipe.evaluation.keep_best)
                stop = self.group.any(interruption.asked)
                if stop or (recipe.runtime.save_every and done.number % recipe.runtime.save_every == 0):
                    self._save()
                if stop:
                    raise KeyboardInterrupt

    def finish(self, command: str) -> Outcome:
        """Write the folder, and remove the state."""
        self.reporter.stage("writing")
        if self.state.best:
            self.backbone.load_state_dict(self.state.best)
        self.backbone.eval()
        heldout: HeldOut | None = None
        if self.group.main:
            try:
                heldout = self._write(command)
            except BaseException:
                self._keep()
                raise
            clear(self.work)
        self.group.wait()
        return Outcome(self.output, self.state.progress, heldout)

    def _write(self, command: str) -> HeldOut | None:
        """Write the folder, and return what the model that was written finds of the held-out translations."""
        heldout: HeldOut | None = None
        with draft_of(self.output) as draft:
            self.backbone.save(draft)
            written = load_backbone(draft).to(self.group.device)  # what is published is known to load
            if self.heldout:
                after = translation_accuracy(written, self.heldout)
                heldout = HeldOut(len(self.heldout), self.state.progress.before or 0.0, after)
            content = json.dumps(resolved_recipe(self.recipe), ensure_ascii=False, indent=1)
            (draft / "recipe.json").write_text(content + "\n", encoding="utf-8")
            (draft / "README.md").write_text(model_card(self._facts(command, heldout, draft)), encoding="utf-8")
            if self.log is not None:
                self.log.settle()
            copy_logs(self.work, draft)
        return heldout

    def _keep(self) -> None:
        """Save the state of a run that is done but for its folder, so that hours of training do not go with a write."""
        step = self.state.progress.step
        saved = newest(self.work)
        if step and (saved is None or saved.name != self.state.name):
            with suppress(HarnessError):
                self._save_alone()
                self.reporter.stage("the state of the run is saved: the same command goes on from there")

    def _step(self, number: int) -> Step:
        """Make one step.

        Raises:
            HarnessError: a loss or the norm of the gradient is not finite; the weights were not touched.
        """
        recipe, optimizer = self.recipe, self.state.optimizer
        optimizer.zero_grad()
        rows = {name: stream.draw(self.rngs[name], stream.batch_size) for name, stream in self.streams.by_name.items()}
        seed = seed_of(recipe.seed, "step", number)
        losses = gradients(self.backbone, self.members, rows, seed=seed, chunk=recipe.runtime.chunk, group=self.group)
        _check_finite(losses, number)
        norm = float(gradient_norm(self.parameters, recipe.optimizer.clip))
        if not math.isfinite(norm):
            raise HarnessError(
                f"the norm of the gradient is {norm} at step {number}",
                hint="Lower `learning_rate`, raise `temperature`, or train in fp32.",
            )
        rate = recipe.optimizer.learning_rate * rate_factor(number, recipe.steps, recipe.optimizer)
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.step()
        for member in self.members:
            with blamed(member.name, "after_step"):
                member.objective.after_step(self.backbone)
        return Step(number, losses.by_name, losses.total, rate, norm, losses.texts)

    def _evaluate(self, keep_best: bool) -> None:
        """Measure in the first process; all get to know the scores, which decide when to stop."""
        progress = self.state.progress
        scored = Scored(progress.step, 0.0, {})
        if self.evaluator is not None:
            scored = self.evaluator(self.backbone, progress.step)
        scored = replace(scored, mean=self.group.broadcast(scored.mean))
        progress.scores.append(scored)
        if keep_best and progress.best is scored:
            self.state.best = snapshot(self.backbone)
        if self.log is not None:
            self.log.evaluation(scored.step, scored.subsets, scored.mean, progress.seconds)
        self.reporter.scored(scored)

    def _stalled(self) -> bool:
        """Whether the scores have not risen for as many evaluations as the recipe has patience for."""
        settings = self.recipe.evaluation
        return bool(settings and settings.patience and self.state.progress.since_best >= settings.patience)

    def _save(self) -> None:
        self._save_alone()
        self.group.wait()

    def _save_alone(self) -> None:
        """Save the state, in the first process."""
        if self.log is not None:
            self.state.progress.log_bytes = self.log.settle()
            self.state.save(self.work)

    def _generators(self) -> dict[str, Random]:
        """Every random generator that the state has to hold, by name."""
        streams = {f"stream {name}": rng for name, rng in self.rngs.items()}
        return streams | {f"objective {member.name}": member.rng for member in self.members}

    def _facts(self, command: str, heldout: HeldOut | None, draft: Path) -> CardFacts:
        """What the card tells."""
        modules = draft / "modules.json"
        kinds = {stream.kind for stream in self.streams.by_name.values()}
        spoken = {code for s in self.streams.by_name.values() for name in s.languages for code in name.split("+")}
        if kinds & {"parallel", "triplet"}:
            spoken.add("en")
        return CardFacts(
            recipe=self.recipe,
            files=self.streams.files,
            languages=sorted(spoken),
            progress=self.state.progress,
            heldout=heldout,
            command=command,
            dim=self.backbone.dim,
            parameters=sum(p.numel() for p in self.backbone.parameters()),
            sentence_transformers=modules.is_file(),
            own_module=modules.is_file() and "harness_lamir." in modules.read_text(encoding="utf-8"),
            processes=self.group.size,
        )


def _check_finite(losses: Losses, number: int) -> None:
    """Raise HarnessError for a loss that is not finite, before it reaches the weights."""
    for name, value in [*losses.by_name.items(), ("total", losses.total)]:
        if not math.isfinite(value):
            raise HarnessError(
                f"the loss is {value} at step {number} (objective {name})",
                hint="Lower `learning_rate`, or raise `temperature`.",
            )


def _checkpoint_gradients(backbone: Backbone) -> None:
    """Have the backbone recompute its activations in the backward pass."""
    enable = getattr(backbone, "gradient_checkpointing_enable", None)
    if enable is None:
        raise UsageError(
            "gradient_checkpointing: this backbone has no layers that can be computed again",
            hint="Set runtime.gradient_checkpointing to false; runtime.chunk bounds the memory of any backbone.",
        )
    enable()


def _distinct(parameters: Sequence[nn.Parameter]) -> list[nn.Parameter]:
    """Every parameter once, in order."""
    return list({id(parameter): parameter for parameter in parameters}.values())
