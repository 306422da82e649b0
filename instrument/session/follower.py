"""The thread that looks after the other processes for a program's `live.Session`.

In: a host that plays. Out: nothing; trouble is kept until the program's own thread asks for it.
"""

from __future__ import annotations

import threading

from instrument.session.control import LOOP_SECONDS, Host


class Follower:
    """Calls `Host.follow` until `stop`. Whoever else pushes into a ring holds `lock` meanwhile.

    Parameters
    ----------
    host
        Is started.
    """

    def __init__(self, host: Host) -> None:
        self.lock = threading.Lock()  # rings have one writer
        self._host = host
        self._ends = threading.Event()
        self.problem: BaseException | None = None  #: what ended it before its time
        self._is_told = False
        self._thread = threading.Thread(target=self._follow, name="latentkeys", daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Raise what has gone wrong; any thread may ask.

        Raises
        ------
        LatentkeysError
            The engine has died, or a preset cannot be rendered.
        """
        if self.problem:
            self._is_told = True
            raise self.problem

    def check_untold(self) -> None:
        """Raise what has gone wrong if `check` has not told it yet."""
        if not self._is_told:
            self.check()

    def stop(self) -> None:
        """End the thread; returns when it has ended."""
        self._ends.set()
        self._thread.join()

    def _follow(self) -> None:
        while not self._ends.wait(LOOP_SECONDS):
            try:
                with self.lock:
                    self._host.follow()
            except Exception as problem:  # told in the program's own thread
                self.problem = problem
                return
