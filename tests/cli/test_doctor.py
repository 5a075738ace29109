"""``subpixel doctor``: versions, backends, and the reasons why one is unavailable."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import subpixel
import subpixel.backends.native

Run = Callable[..., Any]


def test_doctor_says_what_this_machine_can(run: Run) -> None:
    done = run("doctor", "--json")
    assert (done.code, done.err) == (0, "")
    report = json.loads(done.out)
    assert report["versions"]["subpixel"] == subpixel.__version__
    assert report["versions"]["numpy"] == np.__version__
    assert report["versions"]["python"].count(".") == 2
    assert report["versions"]["libvips"].split(".")[0].isdigit()
    assert set(report["backends"]) == {"native", "reference", "torch", "torch-compiled", "onnxruntime", "openvino"}
    assert report["backends"]["reference"]["unavailable"] is None
    assert "f32" in report["backends"]["reference"]["precisions"]
    assert report["threads"] >= 1
    native = report["backends"]["native"]
    if native["unavailable"] is None:
        assert report["auto"] == "native"
        assert native["details"]["chosen"] in native["details"]["targets"]
        assert native["details"]["int8 convolutions"].startswith(("direct", "winograd"))
        assert all(isinstance(present, bool) for present in native["details"]["features"].values())
    assert set(report["flat"]) >= {"fast ×2", "fast-compressed ×2"}
    text = run("doctor").out
    assert "flat parts" in text
    for name in (
        "subpixel",
        "numpy",
        "native",
        "reference",
        "torch",
        "torch-compiled",
        "onnxruntime",
        "openvino",
        "auto",
    ):
        assert name in text


def test_doctor_refuses_a_target_that_does_not_run(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    pytest.importorskip("subpixel._native", reason="this installation has no compiled module")
    monkeypatch.setenv("SUBPIXEL_TARGET", "avx9")
    done = run("doctor")
    assert (done.code, done.out) == (1, "")
    assert "SUBPIXEL_TARGET: target 'avx9' is not one of this build; here run: scalar" in done.err


def test_doctor_says_which_form_int8_convolutions_have(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    native = pytest.importorskip("subpixel._native", reason="this installation has no compiled module")
    monkeypatch.setenv("SUBPIXEL_TARGET", "scalar")
    assert "int8 convolutions: direct, the only form here\n" in run("doctor").out
    monkeypatch.setenv("SUBPIXEL_INT8_FORM", "fast")
    done = run("doctor")
    assert (done.code, done.out) == (1, "")
    assert "SUBPIXEL_INT8_FORM: 'fast' is no form; direct or winograd is needed" in done.err
    if "avx2" not in native.targets():
        return
    monkeypatch.setenv("SUBPIXEL_TARGET", "avx2")
    for form in ("direct", "winograd"):
        monkeypatch.setenv("SUBPIXEL_INT8_FORM", form)
        assert f"int8 convolutions: {form}, forced\n" in run("doctor").out
    monkeypatch.delenv("SUBPIXEL_INT8_FORM")
    assert "found to be faster\n" in run("doctor").out


def test_doctor_names_the_form_by_channels_where_it_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    forms = {16: "direct", 24: "winograd", 64: "winograd"}
    monkeypatch.setattr(subpixel.backends.native, "_form_of", lambda module, channels, form: form or forms[channels])
    monkeypatch.delenv("SUBPIXEL_INT8_FORM", raising=False)
    assert subpixel.backends.native._form_in_use(None) == (  # type: ignore[arg-type]
        "direct with 16 channels, winograd with 24 channels, winograd with 64 channels; found to be faster"
    )


def test_doctor_says_why_a_backend_is_unavailable(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    monkeypatch.setattr(subpixel.backends.native, "native_module", lambda: None)
    report = json.loads(run("doctor", "--json").out)
    assert "compiler" in report["backends"]["native"]["unavailable"]
    assert report["auto"] == "reference"
    assert "unavailable: " in run("doctor").out
