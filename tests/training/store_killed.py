"""Writers that are killed. A script: `python -m tests.training.store_killed HOME MEDIA ROUNDS`.

Forks a child that writes from four threads and tells each id once the store has confirmed it,
kills it at a random moment, and again. Prints every id that was told. It never opens the database
itself: a connection must not be there when a process forks.
"""

from __future__ import annotations

import os
import random
import select
import signal
import sys
import threading
import time
from pathlib import Path

from tests.fixes import hazard_fix
from tests.training.store_hand import picture
from training.store.feedback import Feedback
from training.store.home import Home

THREADS = 4


def main(arguments: list[str]) -> None:
    home, media, rounds = Home(Path(arguments[0])), arguments[1], int(arguments[2])
    rng = random.Random(7)
    for number in range(rounds):
        for line in killed(home, media, number, rng):
            print(line)


def killed(home: Home, media: str, number: int, rng: random.Random) -> list[str]:
    """One round: every complete line that the child told before it died."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        work(home, media, number, write)
        os._exit(1)  # it is killed before
    os.close(write)
    if number % 2:  # half of them once writing goes on, half wherever they are
        select.select([read], [], [], 20)
    time.sleep(rng.uniform(0, 0.06))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    told = b""
    while block := os.read(read, 1 << 16):
        told += block
    os.close(read)
    return told.decode().splitlines()


def work(home: Home, media: str, number: int, told: int) -> None:
    """Endless: corrections from all threads, and in one of them new pictures too."""
    feedback = Feedback(home)

    def person(thread: int) -> None:
        count = 0
        while True:
            about = media
            if thread == 0:
                count += 1
                folder = home.root.parent / f"upload-{number}"
                folder.mkdir(exist_ok=True)
                about = feedback.add_media(picture(folder, 1000 * number + count))
                os.write(told, f"media {about}\n".encode())
            made = feedback.correct(
                task="hazard",
                media=about,
                prediction=None,
                payload=hazard_fix("wrong", (5.0, 5.0), reason="x" * 500),
                author=f"person {thread}",
            )
            # One small write to a pipe is whole or absent.
            os.write(told, f"correction {made.id}\n".encode())

    threads = [threading.Thread(target=person, args=(i,)) for i in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main(sys.argv[1:])
