"""The panel's web server and its doors: two sockets, files, OSC.

In: browsers and programs of this machine, each with the token. Out: their requests, checked; news
to all of them. Runs in the panel's process, in one event loop.
"""
