"""A session in a ``with`` block: what is called sounds when it should; nothing stays behind."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
import soundfile
from numpy.typing import ArrayLike

from instrument.errors import EngineError, PresetError, SettingError
from instrument.music.note import Note, Phrase
from instrument.offline.render import render
from instrument.preset.partner_options import PartnerOptions
from instrument.preset.preset import Preset, load_preset
from instrument.rendering.renderer import Audio, SineRenderer
from instrument.session.live import Session
from tests.helpers.live.home import users_home
from tests.helpers.live.patience import wait_for

pytestmark = pytest.mark.live

MOTIF = Phrase.of([Note(0.0, 60, 0.5), Note(0.5, 67, 0.5)])
SINE = Preset.of([0.0, 0.0], "Sine")


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with users_home(tmp_path_factory), pytest.MonkeyPatch.context() as patch:
        patch.setenv("JACK_NO_START_SERVER", "1")
        yield


def our_processes() -> dict[str, psutil.Process]:
    """Return the processes of the session, by their module."""
    children = [(child, child.cmdline()) for child in psutil.Process().children()]
    return {line[2]: child for child, line in children if "-m" in line}


@pytest.mark.slow
def test_notes_sound_at_the_frames_that_were_asked_for(tmp_path: Path) -> None:
    out = tmp_path / "out.wav"
    with Session(SINE, audio=out, renderer=SineRenderer()) as session:
        assert session.audio.endswith("out.wav")
        session.wait_until_rendered()
        first = session.seconds + 0.3
        session.note_on(69, 127, at_seconds=first)
        session.note_off(69, at_seconds=first + 0.25)
        session.note_on(69, 127, at_seconds=first + 0.5)
        wait_for(lambda: session.seconds > first + 0.7, "the second note")
        rate_hz = session.rate_hz
    sound = soundfile.read(out, dtype="float32")[0][:, 0]
    # A sine begins at zero, so its first frame that is not is the one after its start.
    starts = round(first * rate_hz) + 1
    assert np.flatnonzero(sound)[0] == starts
    silence = sound[round((first + 0.5) * rate_hz) - 100 : round((first + 0.5) * rate_hz)]
    assert np.abs(silence).max() < 0.01 < np.abs(sound[starts : starts + 4_800]).max()


@pytest.mark.slow
def test_a_phrase_sounds_live_as_it_does_offline(tmp_path: Path) -> None:
    out = tmp_path / "out.wav"
    with Session("reed", audio=out) as session:
        session.wait_until_rendered()
        session.play(MOTIF)
        assert session.voices == 0
    live = soundfile.read(out, dtype="float32")[0]
    offline = render(MOTIF, "reed")
    begins = np.flatnonzero(live[:, 0])[0] - np.flatnonzero(offline[:, 0])[0]
    sounds = np.flatnonzero(offline[:, 0])[-1]
    np.testing.assert_array_equal(live[begins : begins + sounds], offline[:sounds])


@pytest.mark.slow
def test_presets_change_by_name_and_by_value() -> None:
    reed = load_preset("reed")
    with Session(reed, audio="null") as session:
        session.wait_until_rendered()
        session.change_preset("choir")
        session.wait_until_rendered()
        session.change_preset(Preset.of(reed.sound.latent[:2]))  # of no model that is there
        with pytest.raises(PresetError, match="there is no preset 'ree'"):
            session.change_preset("ree")


def test_what_no_midi_message_can_be_is_refused() -> None:
    with Session("reed", audio="null") as session:
        for wrong in (b"\x90\x3c\x80", b"\xf8", b"\x3c\x40", b"\x90"):
            with pytest.raises(SettingError, match="a channel message must have"):
                session.send(wrong)
        wrong_calls: list[tuple[Callable[[], None], str]] = [
            (lambda: session.note_on(128), r"pitch must be in 0\.\.127, got 128"),
            (lambda: session.note_on(60.5), "pitch must be a whole number"),  # type: ignore[arg-type]
            (lambda: session.note_on(60, 300), r"velocity must be in 0\.\.127, got 300"),
            (lambda: session.note_off(60, channel=16), r"channel must be in 0\.\.15, got 16"),
            (lambda: session.control_change(-1, 0), r"control must be in 0\.\.127, got -1"),
            (lambda: session.pitch_bend(8192), r"bend must be in -8192\.\.8191, got 8192"),
            (
                lambda: session.note_on(60, at_seconds=math.nan),
                "must be a time in seconds",
            ),
            (lambda: session.play([60]), "music must be a phrase"),  # type: ignore[arg-type]
        ]
        for call, said in wrong_calls:
            with pytest.raises(SettingError, match=said):
                call()


def test_other_threads_may_enter_play_and_leave() -> None:
    heard: list[int] = []

    def play() -> None:
        with Session("reed", audio="null") as session:
            session.note_on(60)
            heard.append(wait_for(lambda: session.voices, "a voice"))
            session.panic()
            wait_for(lambda: session.voices == 0, "silence")

    thread = threading.Thread(target=play)
    thread.start()
    thread.join()
    assert heard == [1]


def test_nothing_stays_behind_and_the_terminal_stays_empty(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "latentkeys")
    with Session("reed", audio="null") as session:
        folder = session._made.parent
        children = our_processes()
        assert set(children) == {"instrument.engine.process", "instrument.rendering.process"}
    assert psutil.wait_procs(children.values(), timeout=3)[1] == []
    assert not folder.exists()
    assert capfd.readouterr() == ("", "")
    assert "Playing Reed" in caplog.messages


def test_an_engine_that_somebody_ends_is_told_to_the_program() -> None:
    with (
        pytest.raises(EngineError, match="was ended by another program"),
        Session("reed", audio="null") as session,
    ):
        our_processes()["instrument.engine.process"].terminate()
        wait_for(lambda: session._follower and session._follower.problem, "the news")
        with pytest.raises(EngineError, match="was ended by another program"):
            session.note_on(60)
        session.play(MOTIF)  # it is told again, for as long as the session is used


def test_what_cannot_be_rendered_is_told() -> None:
    with pytest.raises(SettingError, match="rate_hz must be in"):
        render(MOTIF, "reed", rate_hz=1)
    with pytest.raises(SettingError, match=r"a MIDI file, got a list\nOf notes Phrase\.of"):
        render([60], "reed")  # type: ignore[arg-type]


def test_a_session_is_not_entered_while_it_runs() -> None:
    with Session("reed", audio="null") as session:
        with pytest.raises(EngineError, match="this session is running already"), session:
            pass
        session.note_on(60)
        wait_for(lambda: session.voices, "a voice")


def test_what_cannot_be_is_told_before_anything_starts() -> None:
    sessions: list[tuple[Callable[[], Session], str]] = [
        (lambda: Session("reed", rate_hz=1), r"rate_hz must be in 8000\.\.192000, got 1"),
        (lambda: Session("reed", block_frames=1), r"block_frames must be in 16\.\.8192, got 1"),
        (lambda: Session("reed", partner=PartnerOptions(mode="duet", model="ngam")), "'ngam'"),
    ]
    for wrong, said in sessions:
        with pytest.raises(SettingError, match=said), wrong():
            raise AssertionError("it has started")


def test_a_session_that_has_ended_says_so_and_may_be_entered_again() -> None:
    session = Session("reed", audio="null")
    for _ in range(2):
        with session:
            session.note_on(60)
            wait_for(lambda: session.voices, "a voice")
        for call in (
            session.panic,
            lambda: session.note_on(60),
            lambda: session.play(MOTIF),
            lambda: session.seconds,
            lambda: session.voices,
            lambda: session.rate_hz,
            lambda: session.audio,
        ):
            with pytest.raises(EngineError, match="no session is running"):
                call()


class Broken(SineRenderer):
    def render(
        self,
        pitches: ArrayLike,
        latents: ArrayLike,
        velocities: ArrayLike | None = None,
        frames: int | None = None,
    ) -> Audio:
        raise ZeroDivisionError("of one's own")


def test_what_a_renderer_raises_comes_out_in_the_program() -> None:
    with (
        pytest.raises(ZeroDivisionError, match="of one's own"),
        Session(SINE, audio="null", renderer=Broken()) as session,
    ):
        session.wait_until_rendered()


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda tones: tones * math.nan, r"with NaN or infinity"),
        (lambda tones: np.zeros(3), r"as float32, got float64 of the shape \(3,\)"),
        (lambda tones: tones[:, :10], r"a renderer must make 2 tones of \d+ frames"),
        (lambda tones: None, "got object of the shape"),
        (lambda tones: tones.astype(np.int16), "got int16"),
    ],
)
def test_what_a_renderer_makes_is_looked_at(
    made: Callable[[Audio], object], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = SineRenderer.render
    monkeypatch.setattr(SineRenderer, "render", lambda *args, **named: made(plain(*args, **named)))
    with pytest.raises(ValueError, match=said):
        render(MOTIF, SINE, renderer=SineRenderer())
    with (
        pytest.raises(ValueError, match=said),
        Session(SINE, audio="null", renderer=SineRenderer()) as session,
    ):
        session.wait_until_rendered()


def test_what_is_no_renderer_is_refused() -> None:
    for wrong in (SineRenderer, object()):
        with pytest.raises(SettingError, match="must have an info of the kind RendererInfo"):
            render(MOTIF, SINE, renderer=wrong)  # type: ignore[arg-type]
        with pytest.raises(SettingError, match="must have an info of the kind RendererInfo"):
            Session(SINE, renderer=wrong)  # type: ignore[arg-type]


def test_a_latent_that_is_not_the_renderers_is_refused() -> None:
    wrong = Preset.of([0.0], "Short")
    with pytest.raises(PresetError, match="latent has 1 numbers, the renderer takes 2"):
        render(MOTIF, wrong, renderer=SineRenderer())
    with (
        pytest.raises(PresetError, match="latent has 1"),
        Session(wrong, audio="null", renderer=SineRenderer()) as session,
    ):
        session.wait_until_rendered()


def test_a_partner_plays_along(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "latentkeys")
    with Session("reed", audio="null", partner=PartnerOptions(mode="duet", model="ngram")):
        wait_for(lambda: "Your partner listens: ngram." in caplog.messages, "the partner")


@pytest.mark.slow
def test_a_sound_of_its_own_for_a_partner_that_is_silent_here_is_no_reason_to_end() -> None:
    elsewhere = PartnerOptions(mode="duet", model="ngram", preset="reed", plays_here=False)
    with Session("reed", audio="null", partner=elsewhere) as session:
        session.wait_until_rendered()
        time.sleep(0.5)
        session.note_on(60)  # raises what has gone wrong meanwhile


def test_a_partner_out_of_range_is_refused() -> None:
    with pytest.raises(PresetError, match=r"the partner's options: tempo must be in 20\.\.400 bpm"):
        Session("reed", partner=PartnerOptions(tempo=9.0))


@pytest.mark.slow
def test_a_split_plays_each_preset_on_its_keys() -> None:
    with Session("reed", audio="null", keys="C4-C8", parts=["celesta_snow keys=A0-B3"]) as session:
        state = session._host.state
        wait_for(lambda: int(state.fields["part_count"]) == 2, "the second part", 60)
        session.note_on(72)
        session.note_on(48)
        wait_for(lambda: int(state.meters["active_voices"]) == 2, "two notes")
        sounding = [voice for voice in state.voices if voice["stage"]]
        banks = {int(voice["key"]): int(voice["bank"]) for voice in sounding}
        assert set(banks) == {48, 72}
        assert banks[48] != banks[72]
        session.change_preset("glass_choir")
        session.wait_until_rendered()
        session.note_on(79)
        wait_for(lambda: int(state.meters["active_voices"]) == 3, "a third note")
        kept = {int(voice["key"]): int(voice["bank"]) for voice in state.voices if voice["stage"]}
        assert kept[48] == banks[48] not in (kept[79],)
