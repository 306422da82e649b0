"""Control's ends of its child processes: engine, models, panel, partner, rack.

In: what to play and whom to ask. Out: their reports, and another child where one has died. Runs in
control, in the thread that looks after the session.
"""
