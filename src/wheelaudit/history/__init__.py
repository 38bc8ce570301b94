"""OUTPUT: what releases said on other nights.

``values`` are the words; ``compare`` holds two snapshots against each other (pure);
``store`` keeps them in SQLite, and ``lines`` writes and reads them as JSON Lines.
"""
