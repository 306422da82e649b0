"""The panel: the instrument in a browser, in a process of its own.

In: what hands do on a page, as JSON over one WebSocket (`instrument.panel.messages`). Out: MIDI in
a ring of the engine block that belongs to the panel, requests to control as JSON lines, and what is
to be seen and heard. A panel that hangs, floods or dies changes nothing about the sound.
"""
