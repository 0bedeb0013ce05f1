"""A parent that has imported everything once and forks a service on demand: a start costs a fork, not the imports.

It runs alone in a clean interpreter with one thread, because only such a one may be forked safely.
"""

import json
import os
import signal
import socket
import sys
import traceback

from tests.support.forkserver import end_with_parent, freeze, preload

_LARGEST = 1 << 16


def main(descriptor: int) -> None:
    """Serve orders from a socket until it closes: ``{"order": …}`` with a pipe forks, ``{"wait": pid}`` reaps."""
    preload()
    from tests.faults.child import run  # noqa: PLC0415  after the imports that it needs
    from tests.faults.order import Order, Trap  # noqa: PLC0415

    end_with_parent()
    freeze()
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


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    main(int(sys.argv[1]))
