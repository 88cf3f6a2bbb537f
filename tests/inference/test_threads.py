"""Many threads on one model get the answers that they would get alone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch

from inference.errors import Cancelled, UserError
from inference.predictor import Predictor
from inference.schema import PairRequest


def outcome(pair: Any) -> tuple[Any, ...]:
    sides = [s for s in (pair.base, pair.finetuned) if s is not None]
    return tuple((s.text, s.point, float(s.trace.attention.sum())) for s in sides)


def test_eight_threads_answer_as_one(zoo, make_image):
    predictor = zoo.predictor("qwen2_vl")
    adapters = ["patch", None, "vision", "patch"]
    jobs = [
        (make_image(seed=i), PairRequest(adapter=adapters[i % 4], max_new_tokens=5))
        for i in range(16)
    ]
    serial = [outcome(predictor.predict_pair(*job)) for job in jobs]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda job: outcome(predictor.predict_pair(*job)), jobs))
    assert together == serial


def test_cancel_while_waiting_for_the_model(zoo, make_image):
    predictor = zoo.predictor("qwen2_vl")
    with ThreadPoolExecutor(1) as pool, predictor._lock:
        waiting = pool.submit(
            predictor.predict_pair, make_image(), PairRequest(), cancelled=lambda: True
        )
        with pytest.raises(Cancelled):
            waiting.result(timeout=60)


def test_out_of_memory_is_a_sentence(zoo, make_image, monkeypatch):
    predictor = zoo.predictor("qwen2_vl")

    def full(*_: Any) -> None:
        raise torch.cuda.OutOfMemoryError("tried to allocate 80 GiB")

    with monkeypatch.context() as patch:
        patch.setattr(predictor._backbone, "preprocess", full)
        with pytest.raises(UserError, match="memory is full"):
            predictor.predict_pair(make_image(), PairRequest())
    assert predictor.predict_pair(make_image(), PairRequest(max_new_tokens=1)).base.tokens


def test_adapters_come_and_go_while_others_predict(zoo, make_image):
    predictor = Predictor.load(zoo.model("qwen2_vl"), device="cpu")
    predictor.load_adapter(zoo.adapter("qwen2_vl"), "stays")
    request = PairRequest(adapter="stays", max_new_tokens=5)
    want = outcome(predictor.predict_pair(make_image(), request))
    passing = PairRequest(adapter="passes", max_new_tokens=5)
    folder = zoo.adapter("qwen2_vl", "plain")

    def churn() -> None:
        for _ in range(6):
            predictor.load_adapter(folder, "passes")
            predictor.load_adapter(folder, "passes")
            predictor.unload_adapter("passes")

    def use(request: PairRequest) -> Any:
        try:
            return outcome(predictor.predict_pair(make_image(), request))
        except UserError as error:
            return error.field

    with ThreadPoolExecutor(6) as pool:
        busy = pool.submit(churn)
        staying = list(pool.map(use, [request] * 8))
        guests = list(pool.map(use, [passing] * 4))
        busy.result()
    assert staying == [want] * 8
    answers = {g for g in guests if g != "adapter"}
    assert len(answers) <= 1
    assert [e.name for e in predictor.adapters()] == ["stays"]
