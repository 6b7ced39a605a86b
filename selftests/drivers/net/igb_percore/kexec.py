#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Goes on with another kernel, and looks at what the last one has left.

usage: kexec.py load KERNEL INITRD CMDLINE    loads it
       kexec.py go                            starts it; nobody says goodbye
       kexec.py quiet ADDRESS                 whether that 82576 sends and receives
                                              nothing, and cannot reach memory
"""
import ctypes
import mmap
import os
import struct
import sys

KEXEC_FILE_LOAD, REBOOT = 320, 169      # system calls of x86-64
MAGIC, KEXEC = (0xFEE1DEAD, 672274793), 0x45584543
COMMAND, MEMORY, MASTER = 4, 2, 4       # of PCI
RCTL, TCTL, RXDCTL, TXDCTL = 0x100, 0x400, 0xC028, 0xE028
ON, QUEUE_ON, QUEUES = 1 << 1, 1 << 25, 16

libc = ctypes.CDLL(None, use_errno=True)


def call(number, *args):
    if libc.syscall(number, *args) < 0:
        sys.exit(os.strerror(ctypes.get_errno()))


def load(kernel, initrd, cmdline):
    text = cmdline.encode() + b"\0"
    with open(kernel, "rb") as one, open(initrd, "rb") as other:
        call(KEXEC_FILE_LOAD, one.fileno(), other.fileno(),
             ctypes.c_ulong(len(text)), text, ctypes.c_ulong(0))


def go():
    call(REBOOT, *(ctypes.c_uint(word) for word in (*MAGIC, KEXEC)), None)


def quiet(address):
    where = f"/sys/bus/pci/devices/{address}"
    with open(f"{where}/config", "r+b", buffering=0) as config:
        config.seek(COMMAND)
        command = struct.unpack("=H", config.read(2))[0]
        config.seek(COMMAND)
        config.write(struct.pack("=H", command | MEMORY))
    on = ["bus master"] if command & MASTER else []
    with open(f"{where}/resource0", "r+b") as file, mmap.mmap(file.fileno(), 1 << 17) as bar:
        def is_on(reg, bit):
            return struct.unpack_from("=I", bar, reg)[0] & bit

        on += [name for name, reg in (("RCTL", RCTL), ("TCTL", TCTL)) if is_on(reg, ON)]
        # A reset turns the queues of number 0 on
        for name, reg in (("RXDCTL", RXDCTL), ("TXDCTL", TXDCTL)):
            on += [f"{name}{q}" for q in range(1, QUEUES) if is_on(reg + 0x40 * q, QUEUE_ON)]
    print(f"command {command:#06x}, on: {' '.join(on)}")
    return 1 if on else 0


if __name__ == "__main__":
    sys.exit({"load": load, "go": go, "quiet": quiet}[sys.argv[1]](*sys.argv[2:]))
