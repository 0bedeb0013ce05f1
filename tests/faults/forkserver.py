"""A parent that has imported everything once and forks a service on demand: a start costs a fork, not the imports.

It runs alone in a clean interpreter with one thread, because only such a one may be forked safely.
"""

import gc
import json
import os
import signal
import socket
import sys
import tempfile
import threading
import traceback

_LARGEST = 1 << 16


def main(descriptor: int) -> None:
    """Serve orders from a socket until it closes: ``{"order": …}`` with a pipe forks, ``{"wait": pid}`` reaps."""
    _import_everything()
    from tests.faults.child import run  # noqa: PLC0415  after the imports that it needs
    from tests.faults.order import Order, Trap  # noqa: PLC0415
    from tests.faults.tracer import die_with_parent  # noqa: PLC0415

    die_with_parent()
    assert threading.active_count() == 1, "a process with threads must not be forked"
    gc.collect()
    gc.freeze()
    with socket.socket(fileno=descriptor) as orders:
        orders.send(b"{}")
        while True:
            message, descriptors, _, _ = socket.recv_fds(orders, _LARGEST, 1)
            if not message:
                return
            ask = json.loads(message)
            if "wait" in ask:
                _, status = os.waitpid(ask["wait"], 0)
                orders.send(json.dumps({"status": status}).encode())
                continue
            pid = os.fork()
            if pid == 0:
                orders.close()
                code = 70
                try:
                    order = ask["order"] | {"trap": Trap(**ask["order"]["trap"]) if ask["order"]["trap"] else None}
                    code = run(Order(**order), descriptors[0])
                except BaseException:  # noqa: BLE001  the process ends here, whatever came
                    traceback.print_exc()
                    sys.stderr.flush()
                finally:
                    os._exit(code)
            os.close(descriptors[0])
            orders.send(json.dumps({"pid": pid}).encode())


def _import_everything() -> None:
    """Whatever a service loads at some time, so that it is loaded before the fork."""
    import alembic.command  # noqa: PLC0415
    import git.cmd  # noqa: PLC0415
    import psycopg  # noqa: PLC0415
    import uvicorn.lifespan.off  # noqa: PLC0415
    import uvicorn.loops.auto  # noqa: PLC0415
    import uvicorn.protocols.http.auto  # noqa: PLC0415
    import uvicorn.protocols.websockets.auto  # noqa: PLC0415

    import reconciler.runtime.serve  # noqa: F401, PLC0415

    del alembic, git, psycopg, uvicorn
    tempfile.gettempdir()  # it tries folders out, once


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    main(int(sys.argv[1]))
