"""A task through the whole loop by function calls, with the embedded model: for tests that define a
task of their own."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from inference.correction import Fix
from inference.fields import Value
from inference.media import load_media
from inference.registry import task as find_task
from inference.schema import PairPrediction, PairRequest
from inference.service import ModelService
from training.adapters.folders import adapter_folder
from training.adapters.promotion import in_use
from training.agreement.measures import agreement
from training.evaluation import run as evaluation
from training.exchange.exporting import export
from training.exchange.importing import import_file
from training.jobs import control as jobs
from training.jobs import processes
from training.jobs.settings import PRESETS
from training.jobs.supervisor import Supervisor
from training.proof.comparison import compare, promote
from training.snapshots.freezing import freeze
from training.snapshots.plan import plan_snapshot
from training.store.feedback import CaseFilter, Feedback
from training.store.home import Home, find_home

EMBEDDED = Path(__file__).resolve().parents[1] / "examples" / "models" / "sightline-tiny"
needs_model = pytest.mark.skipif(
    not (EMBEDDED / "model.safetensors").is_file(), reason="no embedded model"
)
TRAIN_S = 600


@dataclass
class Loop:
    """make: writes the media of a number into a folder; its path. wanted: its true values. The
    task's preset has its name; its adapter is called NAME-1."""

    task: str
    make: Callable[[Path, int], Path]
    wanted: Callable[[int], Mapping[str, Value]]
    folder: Path
    capsys: pytest.CaptureFixture[str]
    home: Home = field(init=False)

    def __post_init__(self) -> None:
        self.home = find_home(self.folder / "home")
        self.feedback = Feedback(self.home)
        self.service = ModelService(None, EMBEDDED, [], [self.home.adapters])
        self.adapter = f"{self.task}-1"

    def predicted(self, seed: int, adapter: str | None = None) -> tuple[Path, PairPrediction]:
        path = self.make(self.folder, seed)
        request = PairRequest(self.task, find_task(self.task).prompt, adapter=adapter)
        return path, self.service.predict_pair(load_media(path), request)

    def corrected(self) -> None:
        """Twelve predicted, corrected by one person or two, accepted."""
        ids = []
        for seed in range(12):
            path, pair = self.predicted(seed)
            stored = self.feedback.add_prediction(
                pair, path, self.service.info(), adapter_version=None
            )
            for who in ("ann", "ben")[: 1 + seed // 2 % 2]:
                fix = Fix(self.task, "wrong", dict(self.wanted(seed)))
                made = self.feedback.correct(
                    task=self.task, media=pair.image.content_hash, prediction=stored, payload=fix,
                    author=who,
                )  # fmt: skip
                ids.append(made.id)
        assert self.feedback.review(ids, "accept", "rob") == 18
        measured = agreement(self.feedback.cases(CaseFilter(task=self.task)))
        main = find_task(self.task).main_field.label.lower()
        assert measured.slices[0].alpha[main].value == pytest.approx(1)

    def exchanged(self) -> None:
        """Exported, and imported into another store."""
        for name in ("csv", "parquet", "sharegpt"):
            of_task = CaseFilter(task=self.task)
            written = export(self.feedback, name, self.folder / name, of_task)
            assert (written.rows, written.pictures, written.left_out) == (18, 12, {})
        other = Feedback(find_home(self.folder / "other"))
        for name in ("csv", "parquet"):
            read = import_file(other, self.folder / name, "zoe")
            assert read.problems == () and read.added + read.known == 18
        assert {c.id: (c.payload, c.media) for c in other.corrections()} == {
            c.id: (c.payload, c.media) for c in self.feedback.corrections()
        }
        media = self.feedback.corrections()[0].media
        assert other.media(media).kind == find_task(self.task).media

    def trained(self, targets: set[str]) -> None:
        """Frozen, trained for some steps, proven. targets: the sentences that are taught."""
        settings = PRESETS[self.task].settings
        share = settings.validation_share
        plan = plan_snapshot(self.feedback, task=self.task, validation_share=share)
        assert {e.target for e in plan.examples} == targets
        snapshot = freeze(self.home, plan, "rob")
        boss = Supervisor(self.home, tick_s=0.2).start()
        job = jobs.submit(
            self.home, snapshot.hash, settings, "rob", name=self.adapter, device="cpu"
        )
        try:
            from tests.training.job_hand import until

            until(lambda: self._ended(job), "the end", TRAIN_S)
        finally:
            boss.stop()
            for process in processes.marked(job):
                process.kill()
        row = jobs.job(self.home, job)
        assert (row.state, row.reason) == ("done", ""), jobs.log_tail(self.home, job, 40)
        proof = compare(self.home, self.adapter, in_use(self.home, self.task))
        assert proof is not None and {c.kind for c in proof.cases} == {"heldout", "corrected"}
        assert " %" in proof.headline and "px" not in proof.headline + proof.verdict.words
        self.allowed = proof.verdict.allowed

    def _ended(self, job: str) -> bool:
        return jobs.job(self.home, job).state not in ("queued", "running")

    def evaluated(self) -> None:
        """By the command that the cards' metrics come from."""
        folder = str(adapter_folder(self.home, self.adapter))
        flags = ["--task", self.task, "--adapter", folder, "--n", "6", "--json"]
        assert evaluation.main(flags) == 0
        sides = json.loads(self.capsys.readouterr().out.splitlines()[-1])["sides"]
        assert set(sides) == {"base", self.adapter, "most_common"}
        assert sides[self.adapter]["lm_loss"] < sides["base"]["lm_loss"]
        assert set(sides["base"]) >= {"accuracy", "macro_f1", "parse_rate", "bleu4"}

    def promoted(self, seed: int) -> PairPrediction:
        """Promoted, and what it answers then."""
        promote(self.home, self.adapter, "rob", "" if self.allowed else "a test of the loop")
        assert in_use(self.home, self.task) == self.adapter
        return self.predicted(seed, self.adapter)[1]
