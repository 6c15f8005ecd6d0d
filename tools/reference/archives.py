"""Small archives as Python's zipfile and tarfile write them, whole and hostile, for src/data/archives.test.ts.

    python tools/reference/archives.py      (standard library only)
"""
import base64
import io
import json
import pathlib
import struct
import tarfile
import zipfile
import zlib

FILES = {
    "set/a2.txt": b"two",
    "set/a10.txt": b"ten " * 500,
    "set/deep/er/é.bin": bytes(range(256)) * 3,
    "set/" + "long-name-" * 25 + "/x.bin": b"long",
    "set/empty.bin": b"",
}
NOISE = {"set/.hidden": b"h", "__MACOSX/set/._a2.txt": b"m", "Thumbs.db": b"t"}


def zipped(method: int, files: dict[str, bytes], **options) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method, **options) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def streamed_zip() -> bytes:
    """Sizes behind the data, as a writer that cannot seek leaves them."""

    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def seek(self, *_) -> int:
            raise io.UnsupportedOperation

        def tell(self) -> int:
            raise io.UnsupportedOperation

    out = Pipe()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in FILES.items():
            archive.writestr(name, data)
    return out.getvalue()


def zip64() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in FILES.items():
            with archive.open(name, "w", force_zip64=True) as entry:
                entry.write(data)
    return out.getvalue()


def tarred(files: dict[str, bytes], kind: int, mode: str = "w") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode, format=kind) as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        folder = tarfile.TarInfo("set/folder")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        link = tarfile.TarInfo("set/link.txt")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    return out.getvalue()


def patched(data: bytes, *changes: tuple[bytes, int, bytes]) -> bytes:
    """Overwrites bytes at an offset from the first place where a marker is."""
    copy = bytearray(data)
    for marker, offset, value in changes:
        at = copy.index(marker) + offset
        copy[at : at + len(value)] = value
    return bytes(copy)


LOCAL, CENTRAL = b"PK\x03\x04", b"PK\x01\x02"


def hostile() -> dict[str, bytes]:
    one = {"a.txt": b"content " * 40}
    stored, packed = zipped(zipfile.ZIP_STORED, one), zipped(zipfile.ZIP_DEFLATED, one)
    tar = tarred(one, tarfile.USTAR_FORMAT)
    evil = {"../../etc/passwd": b"1", "/abs.txt": b"2", "C:\\win.txt": b"3", "ok/./b.txt": b"4", "x\\..\\..\\y.txt": b"5"}
    bomb = zipped(zipfile.ZIP_DEFLATED, {"bomb.txt": bytes(10_000_000)})
    twice = io.BytesIO()
    with zipfile.ZipFile(twice, "w") as archive:
        archive.writestr("same.txt", b"first")
        archive.writestr("same.txt", b"second")
    return {
        "traversal.zip": zipped(zipfile.ZIP_STORED, evil),
        "traversal.tar": tarred(evil, tarfile.PAX_FORMAT),
        # The list states 100 bytes of ten million.
        "lying.zip": patched(bomb, (CENTRAL, 24, struct.pack("<I", 100))),
        "short.zip": patched(packed, (CENTRAL, 24, struct.pack("<I", 100_000))),
        "huge.zip": patched(packed, (CENTRAL, 24, struct.pack("<I", 0xFFFFFFF0))),
        "outside.zip": patched(stored, (CENTRAL, 42, struct.pack("<I", 0x7FFFFFF0))),
        "checksum.zip": patched(stored, (b"content ", 0, b"C")),
        "broken.zip": patched(packed, (LOCAL, 36, b"\xff\xff\xff\xff")),
        "encrypted.zip": patched(stored, (LOCAL, 6, b"\x01"), (CENTRAL, 8, b"\x01")),
        "method.zip": zipped(zipfile.ZIP_LZMA, one),
        "twice.zip": twice.getvalue(),
        "nested.zip": zipped(zipfile.ZIP_STORED, {"inner.zip": stored, "b.txt": b"b"}),
        "cut.zip": zipped(zipfile.ZIP_STORED, FILES)[:-30],
        "text.zip": b"This is no archive.",
        "empty.zip": b"",
        "cut.tar": tarred(FILES, tarfile.PAX_FORMAT)[:3000],
        "text.tar": b"This is no archive. " * 100,
        "header.tar": patched(tar, (b"ustar", -100, b"\x07")),
        "size.tar": sized(tar, b"\x80" + b"\x7f" * 11),
        "bomb.tar.gz": b"".join([gzip_zeros(300_000_000)]),
        "cut.tar.gz": tarred(FILES, tarfile.PAX_FORMAT, "w:gz")[:-60],
        "text.tgz": b"This is no archive.",
    }


def sized(tar: bytes, size: bytes) -> bytes:
    header = bytearray(tar[:512])
    header[124:136] = size
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + tar[512:]


def gzip_zeros(count: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    piece = bytes(1_000_000)
    return b"".join(packer.compress(piece) for _ in range(count // len(piece))) + packer.flush()


def main() -> None:
    everything = FILES | NOISE
    whole = {
        "stored.zip": zipped(zipfile.ZIP_STORED, everything),
        "deflated.zip": zipped(zipfile.ZIP_DEFLATED, everything),
        "streamed.zip": streamed_zip(),
        "zip64.zip": zip64(),
        "appended.zip": b"#!/bin/sh\n" + zipped(zipfile.ZIP_DEFLATED, FILES),
        "pax.tar": tarred(everything, tarfile.PAX_FORMAT),
        "gnu.tar": tarred(everything, tarfile.GNU_FORMAT),
        "packed.tar.gz": tarred(everything, tarfile.PAX_FORMAT, "w:gz"),
        "short.tgz": tarred(everything, tarfile.GNU_FORMAT, "w:gz"),
    }
    b64 = lambda files: {name: base64.b64encode(data).decode() for name, data in files.items()}
    bad = hostile()
    # Zeros pack so well that the packed bomb packs once more.
    bomb = base64.b64encode(zlib.compress(bad.pop("bomb.tar.gz"), 9)).decode()
    path = pathlib.Path(__file__).parent / "fixtures" / "archives.json"
    path.write_text(json.dumps({"files": b64(FILES), "whole": b64(whole), "hostile": b64(bad), "bomb": bomb}, indent=0) + "\n")


if __name__ == "__main__":
    main()
