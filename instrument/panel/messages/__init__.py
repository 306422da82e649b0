"""The wire format of the panel: what its pages, its process and control say to each other.

In: JSON, one object per WebSocket message (`requests`) or per line of control's (`link`). Out: the
same (`news`). docs/api.md shows all that a page says and hears.
"""
