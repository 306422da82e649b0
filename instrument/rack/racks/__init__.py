"""The shipped racks: one short file each, to be read and copied (docs/rack.md)."""
