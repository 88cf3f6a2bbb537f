import json
import math
from pathlib import Path

import pytest

from inference.adapters import read_card
from inference.errors import UserError
from tests.training.hand import case, pointed, said
from training.evaluation import run as evaluate
from training.evaluation import sets as evalsets
from training.evaluation.sets import EvalCase, EvalSet


def two_cases() -> EvalSet:
    cases = [case((100, 100), slices=("night",)), case((200, 200), slices=("debris",))]
    return EvalSet("hand", 2, lambda: cases, (0.5, 0.5), frozenset({"debris"}))


def fake_split(n: int = 2, seed_start: int = 0) -> EvalSet:
    return two_cases()


def fake(_: object, adapters: object, **options: object) -> object:
    def respond(one: EvalCase) -> dict:
        return {"base": said((100, 110)), "patch": pointed(None, (1, 1), (100, 105))}

    return respond


@pytest.fixture(autouse=True)
def _hand_made_split(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(evalsets.SPLITS, "hazard/hand", "tests.training.test_evaluate:fake_split")


def card(folder: Path) -> Path:
    folder.mkdir()
    (folder / "adapter_config.json").write_text("{}")
    fields = {"name": "patch", "task": "hazard", "base_model": "tiny", "extra": {"kept": 1}}
    (folder / "card.json").write_text(json.dumps(fields))
    return folder


def test_last_line_is_the_object(capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate.main(["--split", "hand", "--adapter"], fake) == 0
    lines = capsys.readouterr().out.splitlines()
    result = json.loads(lines[-1])
    assert result["task"] == "hazard"
    assert result["n"] == 1
    assert result["sides"]["base"]["median_px"] == 10
    assert result["sides"]["patch"]["median_px"] == 5
    assert result["slices"]["debris"]["n"] == 1
    assert len(lines) > 10  # the table above it
    assert evaluate.main(["--split", "hand", "--adapter", "--json"], fake) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["data"] == "hand"


def test_cards_are_written_and_stay_valid(tmp_path: Path) -> None:
    folder = card(tmp_path / "patch")
    arguments = ["--split", "hand", "--adapter", str(folder), "--write-cards", "--json"]
    assert evaluate.main(arguments, fake) == 0
    written = read_card(folder)
    assert written is not None
    assert written.heldout["sides"]["patch"]["median_px"] == 5
    assert written.extra == {"kept": 1}
    evaluate.write_card(folder, {"n": 51}, photos=True)
    again = read_card(folder)
    assert again is not None
    assert again.extra == {"kept": 1, "photos": {"n": 51}}
    assert again.heldout == written.heldout
    assert [p.name for p in folder.iterdir() if p.suffix == ".new"] == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--task", "sudoku"], "hazard"),
        (["--split", "train"], "heldout"),
        (["--split", "hand", "--adapter", "nowhere"], "no such adapter"),
        (["--data", "/nowhere"], "no such folder"),
        (["--split", "hand", "--n", "0"], "positive"),
    ],
)
def test_mistakes_are_named(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate.main(arguments, fake) == 2
    assert message in capsys.readouterr().err


def test_an_adapter_may_be_called_by_its_short_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluate, "ADAPTERS", tmp_path)
    folder = card(tmp_path / "hazard-patch")
    assert evaluate.adapter_folders(["patch"], "hazard") == [folder]
    with pytest.raises(UserError, match="hazard-patch"):
        evaluate.adapter_folders(["pooled"], "hazard")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Path]]:
    from tests.tiny import make_tiny, make_tiny_adapter

    root = tmp_path_factory.mktemp("evaluate")
    base = make_tiny("qwen2_vl", root / "base")
    heads: tuple[tuple[str, str | None, bool], ...] = (
        ("patch", "patch", False),
        ("pooled", "pooled", False),
        ("eyes", None, True),
    )
    folders = [
        make_tiny_adapter(base, root / name, head, vision, seed=i, card=True)
        for i, (name, head, vision) in enumerate(heads, 1)
    ]
    return base, folders


@pytest.mark.slow
def test_a_real_model_in_a_mixed_batch(
    tiny: tuple[Path, list[Path]],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    base, folders = tiny
    cases = [case((100, 60), (336, 196)), case((30, 20), (280, 168)), case((9, 9), (196, 336))]
    data = EvalSet("three", 3, lambda: cases)
    monkeypatch.setattr(evaluate, "load_split", lambda *_: data)
    names = [str(f) for f in folders]
    assert evaluate.main(["--model", str(base), "--adapter", *names, "--json"]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert result["n"] == 3
    sides = result["sides"]
    expected = {"base", "patch", "patch:soft_argmax", "patch:text", "pooled", "eyes"}
    assert expected <= set(sides)
    losses = [sides[s]["lm_loss"] for s in ("base", "patch", "pooled", "eyes")]
    assert all(math.isfinite(loss) and loss > 0 for loss in losses)
    assert len(set(losses)) == 4
    assert 0 <= sides["patch"]["hit_50px"] <= 1


@pytest.mark.slow
def test_a_mixed_batch_answers_as_each_side_alone(tiny: tuple[Path, list[Path]]) -> None:
    from training.evaluation.responses import ModelSides

    base, folders = tiny
    one = case((100, 60), (336, 196))
    together = ModelSides(str(base), folders, task="hazard")(one)
    assert list(together) == ["base", "patch", "pooled", "eyes"]
    for folder in folders:
        alone = ModelSides(str(base), [folder], task="hazard")(one)
        for side in ("base", folder.name):
            assert alone[side].text == together[side].text
            assert alone[side].nll == pytest.approx(together[side].nll, abs=1e-4)
            assert alone[side].default == together[side].default
    assert together["patch"].default == "window"
    assert set(together["patch"].ways) == {"text", "soft_argmax", "window"}


@pytest.mark.slow
def test_light_path_agrees_with_the_pages_prediction(tiny: tuple[Path, list[Path]]) -> None:
    """The figures are about what the page shows: the same text and the same head point."""
    from inference.predictor import Predictor
    from inference.schema import PairRequest
    from training.evaluation.responses import ModelSides

    base, folders = tiny
    one = case((100, 60), (336, 196))
    answers = ModelSides(str(base), folders[:1], task="hazard")(one)
    predictor = Predictor.load(base)
    predictor.load_adapter(folders[0])
    pair = predictor.predict_pair(one.image, PairRequest(adapter="patch"))
    assert pair.finetuned is not None
    assert answers["base"].text == pair.base.text
    assert answers["patch"].text == pair.finetuned.text
    shown, measured = pair.finetuned.head_point, answers["patch"].values["point"]
    assert shown is not None
    assert shown.distance_px(measured) < 0.01


@pytest.mark.slow
def test_two_sides_of_one_name_are_refused(tiny: tuple[Path, list[Path]]) -> None:
    from training.evaluation.responses import ModelSides

    base, folders = tiny
    with pytest.raises(UserError, match="one name"):
        ModelSides(str(base), [folders[0], folders[0]], task="hazard")
