"""A terminal for the scripts beside it: runs a program on one and presses keys."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time


def run(arguments, columns, rows, presses):
    """Runs it with stdin and stderr on a terminal of that size; returns its exit code.

    `presses`: (seconds after its first output, keys), in order of time.
    """
    near, far = pty.openpty()
    fcntl.ioctl(far, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in ("CI", "NO_COLOR")}
    environment["TERM"] = "xterm-256color"
    process = subprocess.Popen(arguments, stdin=far, stderr=far, stdout=subprocess.DEVNULL, env=environment,
                               start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
    os.close(far)
    begin, presses = None, list(presses)
    while process.poll() is None:
        if select.select([near], [], [], 0.05)[0]:
            try:
                os.read(near, 1 << 16)
            except OSError:
                break
            begin = begin or time.monotonic()
        if begin and presses and time.monotonic() - begin >= presses[0][0]:
            os.write(near, presses.pop(0)[1].encode())
    code = process.wait()
    os.close(near)
    return code
