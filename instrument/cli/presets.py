"""What ``latentkeys presets`` and ``latentkeys bundle`` print."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from instrument.bundle.bundle import Bundle, shipped_models_folder, user_models_folder
from instrument.bundle.card import ComposerCard
from instrument.errors import BundleError, LatentkeysError, PresetError, SettingError
from instrument.latents.create_preset import PresetRequest, check_preset, new_preset, refresh_preset
from instrument.preset.banks import program_table
from instrument.preset.preset import PresetEntry, find_preset, list_presets
from instrument.schema import nearest

_console = Console()


def print_list() -> None:
    """Print every preset; a broken one keeps its line and says what is wrong with it."""
    table = Table(box=None, pad_edge=False)
    table.add_column("program", justify="right")
    for heading in ("preset", "from", "what it is"):
        table.add_column(heading)
    entries = list_presets()
    programs = {entry.path: str(number) for number, entry in program_table(entries).items()}
    for entry in entries:
        program = programs.get(entry.path, "-")
        table.add_row(program, entry.name, entry.origin, escape(_description(entry)))
    _console.print(table)
    _console.print("\nPlay one with: latentkeys play --preset NAME", highlight=False)


def _description(entry: PresetEntry) -> str:
    if entry.preset is None:
        return f"cannot be played: {entry.problem.message}" if entry.problem else ""
    return entry.preset.description or ", ".join(entry.preset.tags)


def print_preset(name: str) -> None:
    """Print a preset's file and text."""
    path = find_preset(name)
    preset, bundle = check_preset(path)
    _console.print(f"[bold]{escape(preset.name)}[/]  {escape(str(path))}", highlight=False)
    _console.print(f"model {bundle.card.name} {bundle.card.version}, {escape(str(bundle.path))}\n")
    _console.print(path.read_text(encoding="utf-8"), markup=False)


def print_check(names: tuple[str, ...]) -> None:
    """Check the named presets, or all.

    Raises
    ------
    PresetError
        One of them cannot be played; every one has been looked at.
    """
    paths = [find_preset(name) for name in names] or [entry.path for entry in list_presets()]
    broken = 0
    for path in paths:
        try:
            preset, bundle = check_preset(path, _note)
        except LatentkeysError as problem:
            broken += 1
            said = f"[red]wrong[/]  {path.stem}: {escape(str(problem))}"
            _console.print(said, highlight=False, soft_wrap=True)
        else:
            _console.print(
                f"[green]good[/]   {path.stem}: {escape(preset.name)}, model {bundle.card.name} "
                f"{bundle.card.version}, {len(preset.sound.latent)} latent numbers",
                highlight=False,
                soft_wrap=True,
            )
    if broken:
        raise PresetError(f"{broken} of {len(paths)} presets cannot be played")


def _note(notice: str, remedy: str) -> None:
    text = f"[yellow]note[/]   {escape(notice)}. {escape(remedy)}"
    _console.print(text, highlight=False, soft_wrap=True)


def make_preset(
    name: str,
    *,
    blend: str | None,
    seed: int | None,
    source: str | None,
    between: tuple[str, str] | None,
    amount: float,
    around: bool,
    model: str,
) -> None:
    """Make a preset and say where it is."""
    wish = PresetRequest(
        blend=_shares(blend) if blend else {},
        seed=seed,
        source=source,
        between=between or None,
        amount=amount,
        path="around" if around else "own",
    )
    path = new_preset(name, wish, model=model)
    _console.print(f"Made {path}\nHear it with: latentkeys play --preset {path.stem}", markup=False)


def make_anew(name: str) -> None:
    """Make a preset's latent anew from its recipe."""
    path = find_preset(name)
    preset = refresh_preset(path)
    _console.print(
        f"{path} now belongs to {preset.model.name} {preset.model.version}", markup=False
    )


def print_bundle_check(name: str) -> None:
    """Check a bundle's files, graphs and self-test."""
    from instrument.bundle.inference import Runtime

    bundle = Bundle.load(_bundle_folder(name))
    _console.print(
        f"{bundle.path}: {len(bundle.card.files)} files are as the card says", markup=False
    )
    graphs = bundle.open_every_graph(Runtime(device="cpu"))
    _console.print(f"{graphs} graphs open and take and give what the card says", highlight=False)
    if isinstance(bundle.card, ComposerCard):
        _print_graph_test(bundle)
    else:
        _print_sound_test(bundle)


def _print_graph_test(bundle: Bundle) -> None:
    from instrument.bundle.inference import Runtime
    from instrument.bundle.self_test import check_graphs

    difference = check_graphs(bundle, Runtime(device="cpu"))
    tests = len(bundle.music.self_test)
    said = f"{tests} self-test runs: largest difference {difference:.1e}"
    _console.print(said, highlight=False)


def _print_sound_test(bundle: Bundle) -> None:
    from instrument.rendering.open_renderer import open_renderer, self_test

    renderer = open_renderer(bundle)
    difference = self_test(bundle, renderer)
    _console.print(
        f"{len(bundle.sound.self_test)} self-test notes on {renderer.info.provider}: "
        f"largest difference {difference:.1e} of full scale",
        highlight=False,
    )
    if renderer.info.notice:
        _console.print(renderer.info.notice, markup=False)


def _bundle_folder(name: str) -> Path:
    folders = [Path(name), user_models_folder() / name, shipped_models_folder() / name]
    for folder in folders:
        if folder.is_dir():
            return folder
    names = [
        path.name
        for parent in (user_models_folder(), shipped_models_folder())
        if parent.is_dir()
        for path in parent.iterdir()
        if not path.name.startswith(".")
    ]
    remedy = nearest(name, names) or (f"There are: {', '.join(names)}." if names else "")
    raise BundleError(f"there is no bundle {name!r}", remedy)


def _shares(text: str) -> dict[str, float]:
    """Read ``Marimba:0.5,Choir Aahs:0.5``; a name alone has the share 1."""
    shares: dict[str, float] = {}
    for item in text.split(","):
        instrument, _, share = item.partition(":")
        try:
            shares[instrument.strip()] = float(share) if share else 1.0
        except ValueError:
            raise SettingError(
                f"--blend: the share of {instrument.strip()!r} must be a number, got {share!r}",
                "For example: --blend 'Marimba:0.5,Choir Aahs:0.5'",
            ) from None
    return shares
