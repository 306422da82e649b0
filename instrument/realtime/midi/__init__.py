"""What MIDI does: from a message to keys, pedals, controllers, zones and voices.

References in brackets, here and in the modules, are to the MIDI 1.0 Detailed Specification (4.2),
to the recommended practice RP-015 (what "Reset All Controllers" resets) and to the specification of
MIDI Polyphonic Expression (MPE, 1.1). Every channel has its own state, in omni mode as well: a
pedal or an All Notes Off on one channel does nothing to another one, which matters because
sequencers send CC 64 and CC 123 on all sixteen when they start and stop.
"""
