"""A new task is one file: this one. It has a label with three values and a text, two splits and a
training preset; no other file of Sightline knows of it.

Goes through the whole loop with the real embedded model: predicted for base and adapter, corrected
by a person, accepted, exported and imported, frozen, trained for some steps, evaluated, proven and
promoted. `SIGHTLINE_PLUGINS=tests.test_new_task` brings it to the programs that the loop starts.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inference.fields import Answer, Field, Label, Text, Value
from inference.registry import PLUGINS, TASKS, Spec
from inference.schema import ImageInput
from inference.tasks.base import WH, Task
from training.evaluation.sets import EvalCase, EvalSet
from training.evaluation.sources import SPLITS
from training.jobs.settings import PRESETS, Preset

# ---- the task -----------------------------------------------------------------------------------

LIGHTS = ("day", "dusk", "night")
FIELDS = (Field("light", "label", "Light", LIGHTS), Field("why", "text", "Reason", optional=True))
PROMPT = "Is it day, dusk or night?"


def parse(text: str, image_wh: WH, frame: str, resized_wh: WH | None = None) -> Answer:
    """ "It is night. The sky is dark." """
    said = re.search(rf"\b({'|'.join(LIGHTS)})\b", text)
    if said is None:
        return Answer({}, {"light": "it names neither day, dusk nor night"})
    values: dict[str, Value] = {"light": Label(said[1], span=said.span(1))}
    reason = text.partition(".")[2].strip()
    if reason:
        start = text.index(reason)
        values["why"] = Text(reason, span=(start, start + len(reason)))
    return Answer(values)


def target_text(
    values: Mapping[str, Value], image_wh: WH, frame: str, resized_wh: WH | None = None
) -> str:
    light, why = values["light"], values.get("why")
    assert isinstance(light, Label)
    return f"It is {light.value}." + (f" {why.text}" if isinstance(why, Text) else "")


TASK = Task(
    name="light",
    fields=FIELDS,
    main="light",
    prompt=PROMPT,
    prompts={"Light": PROMPT},
    neutral_prompt="Describe the image.",
    parse=parse,
    target_text=target_text,
)
TASKS["light"] = Spec("Light", f"{__name__}:TASK")


# ---- images whose truth is known ----------------------------------------------------------------

SHADES = {"day": 220, "dusk": 110, "night": 20}


def image_of(seed: int) -> tuple[ImageInput, dict[str, Value]]:
    """A grey street under a sky that tells the hour."""
    light = LIGHTS[seed % 3]
    pixels = np.full((196, 336, 3), SHADES[light], np.uint8)
    noise = np.random.default_rng(seed).integers(0, 25, pixels.shape, dtype=np.uint8)
    pixels = np.where(np.arange(196)[:, None, None] > 110, 70, pixels).astype(np.uint8) + noise
    why = Text(f"The sky is {'bright' if light == 'day' else 'dark'}.", source="truth")
    image = ImageInput(pixels, f"{seed:064x}", f"light-{seed}")
    return image, {"light": Label(light, source="truth"), "why": why}


def scenes(n: int = 6, seed_start: int = 900) -> EvalSet:
    """At most six, so that the proof is quick."""
    n = min(n, 6)

    def cases() -> Iterator[EvalCase]:
        for seed in range(seed_start, seed_start + n):
            image, truth = image_of(seed)
            yield EvalCase(image, truth, frozenset({str(truth["light"].value)}))  # type: ignore[attr-defined]

    return EvalSet("light", n, cases)


SPLITS |= {"light/heldout": f"{__name__}:scenes", "light/proof": f"{__name__}:scenes"}
PRESETS["light"] = Preset(
    "Light (test)",
    "A few steps from the base, without a head.",
    PRESETS["quick_fix"].settings.changed_by(
        start="base", head="none", train="all", learning_rate=3e-3, max_steps=30, batch=4, views=1,
        replay_share=0.0, lambda_keep=0.0, mirror=False, interpolation=1.0, validation_share=0.2,
    ),
    tasks=("light",),
)  # fmt: skip


# ---- through the whole loop ---------------------------------------------------------------------

ROOT = Path(__file__).resolve().parents[1]
EMBEDDED = ROOT / "examples" / "models" / "sightline-tiny"
needs_model = pytest.mark.skipif(
    not (EMBEDDED / "model.safetensors").is_file(), reason="no embedded model"
)


@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PLUGINS, __name__)


def file_of(folder: Path, seed: int) -> Path:
    path = folder / f"light-{seed}.png"
    Image.fromarray(image_of(seed)[0].pixels).save(path)
    return path


@pytest.mark.slow
@needs_model
def test_whole_loop(plugin: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from inference.correction import Fix
    from inference.media import load_image
    from inference.schema import PairRequest
    from inference.service import ModelService
    from tests.training.job_hand import until
    from training.adapters.folders import adapter_folder
    from training.adapters.promotion import in_use
    from training.agreement.measures import agreement
    from training.evaluation import run as evaluation
    from training.exchange.exporting import export
    from training.exchange.importing import import_file
    from training.jobs import control as jobs
    from training.jobs import processes
    from training.jobs.supervisor import Supervisor
    from training.proof.comparison import compare, promote
    from training.snapshots.freezing import freeze, plan_snapshot
    from training.store.feedback import CaseFilter, Feedback
    from training.store.home import find_home

    home = find_home(tmp_path / "home")
    feedback = Feedback(home)
    service = ModelService(None, EMBEDDED, [], [home.adapters])

    # predicted, corrected by two people, accepted
    ids = []
    for seed in range(12):
        path, truth = file_of(tmp_path, seed), image_of(seed)[1]
        pair = service.predict_pair(load_image(path), PairRequest("light", PROMPT))
        assert pair.base.parsed.missing or "light" in pair.base.values
        prediction = feedback.add_prediction(pair, path, service.info(), adapter_version=None)
        for who in ("ann", "ben")[: 1 + seed % 2]:
            fix = Fix("light", "wrong", truth)
            made = feedback.correct(
                task="light", media=pair.image.content_hash, prediction=prediction, payload=fix,
                author=who,
            )  # fmt: skip
            ids.append(made.id)
    assert feedback.review(ids, "accept", "rob") == 18
    measured = agreement(feedback.cases(CaseFilter(task="light")))
    assert measured.slices[0].alpha["light"].value == pytest.approx(1)

    # exported and imported
    for name in ("csv", "parquet", "sharegpt"):
        written = export(feedback, name, tmp_path / name, CaseFilter(task="light"))
        assert (written.rows, written.pictures, written.left_out) == (18, 12, {})
    other = Feedback(find_home(tmp_path / "other"))
    for name in ("csv", "parquet"):
        found = import_file(other, tmp_path / name, "zoe")
        assert found.problems == () and found.added + found.known == 18
    assert {c.id: c.payload for c in other.corrections()} == {
        c.id: c.payload for c in feedback.corrections()
    }

    # frozen, trained, proven
    settings = PRESETS["light"].settings
    plan = plan_snapshot(feedback, task="light", validation_share=settings.validation_share)
    assert {e.target for e in plan.examples} == {
        f"It is {light}. The sky is {sky}."
        for light, sky in zip(LIGHTS, ("bright", "dark", "dark"), strict=True)
    }
    snapshot = freeze(home, plan, "rob")
    boss = Supervisor(home, tick_s=0.2).start()
    job = jobs.submit(home, snapshot.hash, settings, "rob", name="light-1", device="cpu")
    try:
        until(lambda: jobs.job(home, job).state not in ("queued", "running"), "the end", 600)
    finally:
        boss.stop()
        for process in processes.marked(job):
            process.kill()
    row = jobs.job(home, job)
    assert (row.state, row.reason) == ("done", ""), jobs.log_tail(home, job, 40)
    proof = compare(home, "light-1", in_use(home, "light"))
    assert proof is not None and {c.kind for c in proof.cases} == {"heldout", "corrected"}
    assert " %" in proof.headline and "px" not in proof.headline + proof.verdict.words

    # evaluated
    folder = str(adapter_folder(home, "light-1"))
    flags = ["--task", "light", "--adapter", folder, "--n", "6", "--json"]
    assert evaluation.main(flags) == 0
    sides = json.loads(capsys.readouterr().out.splitlines()[-1])["sides"]
    assert set(sides) == {"base", "light-1", "most_common"}
    assert sides["light-1"]["lm_loss"] < sides["base"]["lm_loss"]
    assert set(sides["base"]) >= {"accuracy", "macro_f1", "parse_rate", "bleu4"}

    # promoted, and it answers
    promote(home, "light-1", "rob", "" if proof.verdict.allowed else "a test of the loop")
    assert in_use(home, "light") == "light-1"
    path = file_of(tmp_path, 902)
    pair = service.predict_pair(load_image(path), PairRequest("light", PROMPT, adapter="light-1"))
    assert pair.finetuned is not None and pair.finetuned.values["light"] == Label(
        "night", span=pair.finetuned.values["light"].span
    )
    assert sys.modules[__name__]
