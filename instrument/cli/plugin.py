"""``latentkeys plugin``: into the DAWs' folders, what is there, and away again."""

from __future__ import annotations

import click

from instrument.plugin import install as plugin


@click.group("plugin")
def plugin_group() -> None:
    """Put the plug-in into DAWs, or take it away."""


@plugin_group.command("install")
def install_command() -> None:
    """Put the plug-in (VST3 and CLAP) where DAWs look for it.

    Afterwards let the DAW look for new plug-ins: it lists latentkeys as an instrument. The plug-in
    starts what it needs by itself.
    """
    for path in plugin.install():
        click.echo(path)
    click.echo("Let your DAW look for new plug-ins: latentkeys is an instrument.")


@plugin_group.command("status")
def status_command() -> None:
    """Say where the plug-in is and what runs for it."""
    found = plugin.status()
    for kind in plugin.FORMATS:
        if kind not in found.installed:
            click.echo(f"{kind:8}not installed: latentkeys plugin install")
            continue
        old = "" if found.is_current[kind] else "  another version: latentkeys plugin install"
        click.echo(f"{kind:8}{found.installed[kind]}{old}")
    runs = (
        f"runs (process {found.service_pid})" if found.service_pid else "comes when a DAW needs it"
    )
    if not found.launch:
        runs = "cannot be started by the plug-in: latentkeys plugin install"
    click.echo(f"{'service':8}{runs}")
    click.echo(f"{'sounds':8}{found.tables} in the cache, {found.table_bytes / 1e6:.0f} MB")


@plugin_group.command("remove")
def remove_command() -> None:
    """Take the plug-in away; presets, songs and rendered sounds stay."""
    gone = plugin.remove()
    for path in gone:
        click.echo(f"removed {path}")
    if not gone:
        click.echo("The plug-in is not installed.")
