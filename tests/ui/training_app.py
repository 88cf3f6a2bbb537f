"""The real app over a home, with a proof of a few scenes: for the browser test that trains.

python -m tests.ui.training_app --home FOLDER --port 7864
"""

from __future__ import annotations

import sys

import app
from training.jobs.supervisor import Supervisor
from training.store.home import find_home
from ui.layout import build_page, launch_options

HELDOUT = 6
PROGRAM = [
    sys.executable,
    "-c",
    "import sys; from training.jobs import processes, stages;"
    "stages.main(sys.argv[1:], make_proof=lambda home, job: processes.python("
    f"'training.proof.run', job, '--home', str(home.root), '--n', '{HELDOUT}'))",
]

if __name__ == "__main__":
    flags = app.parse_flags()
    home = find_home(flags.home)
    Supervisor(home, PROGRAM).start()
    page, desk = build_page(app.build_services(flags))
    options = launch_options(desk, app.EXAMPLES / "media", [home.root])
    page.launch(server_name="127.0.0.1", server_port=flags.port, quiet=True, **options)
