#!/usr/bin/python3
"""What libtorrent makes of a file as a v2-only torrent of 1 MiB pieces: its length, its root, the
SHA-256 of its piece layer ("-" where it has none), and the seconds that the hashing took."""

import hashlib
import os
import sys
import time

try:
    import libtorrent
except ImportError:
    sys.exit(77)

for path in sys.argv[1:]:
    files = libtorrent.file_storage()
    libtorrent.add_files(files, path)
    torrent = libtorrent.create_torrent(files, 1 << 20, libtorrent.create_torrent_flags_t.v2_only)
    began = time.monotonic()
    libtorrent.set_piece_hashes(torrent, os.path.dirname(os.path.abspath(path)))
    seconds = time.monotonic() - began
    made = torrent.generate()
    tree = made[b"info"][b"file tree"][os.path.basename(path).encode()][b""]
    root = tree.get(b"pieces root", bytes(32))
    layer = made[b"piece layers"].get(root)
    print(
        tree[b"length"],
        root.hex(),
        hashlib.sha256(layer).hexdigest() if layer else "-",
        f"{seconds:.3f}",
    )
