"""ROOF: arguments -> command -> exit code; the only rooms that print, know the time, or start an event loop.

``main`` is the door and imports nothing; each command is a module of its name
(``audit``, ``indexes``). ``terminal``, ``progress`` and ``failures`` are what
commands share: where output goes, what is shown meanwhile, how a failure is told.

A new command: a line in ``main.COMMANDS``, a module of that name with a click
command called ``command`` that returns the exit code.
"""
