"""Edits of a bundle's files, by which tests make bad twins of a good one."""

import json
from typing import Any

from ledger.canonical import canonical

from .bundles import Edit, Files


def lines_of(files: Files, path: str) -> list[Any]:
    return [json.loads(line) for line in files[path].splitlines()]


def put_lines(files: Files, path: str, lines: list[Any]) -> None:
    files[path] = b"".join(canonical(line) + b"\n" for line in lines)


def line(path: str, number: int, **changes: Any) -> Edit:
    """Change keys of one line, counted from 1."""

    def edit(files: Files) -> None:
        lines = lines_of(files, path)
        lines[number - 1] |= changes
        put_lines(files, path, lines)

    return edit


def drop_line(path: str, number: int) -> Edit:
    def edit(files: Files) -> None:
        lines = lines_of(files, path)
        del lines[number - 1]
        put_lines(files, path, lines)

    return edit


def swap_lines(path: str) -> Edit:
    def edit(files: Files) -> None:
        first, second, *rest = lines_of(files, path)
        put_lines(files, path, [second, first, *rest])

    return edit


def put(path: str, content: bytes) -> Edit:
    def edit(files: Files) -> None:
        files[path] = content

    return edit


def swap_in(path: str, old: bytes, new: bytes) -> Edit:
    def edit(files: Files) -> None:
        assert old in files[path]
        files[path] = files[path].replace(old, new, 1)

    return edit


def drop(*paths: str) -> Edit:
    def edit(files: Files) -> None:
        for path in paths:
            del files[path]

    return edit


def move(path: str, to: str) -> Edit:
    def edit(files: Files) -> None:
        files[to] = files.pop(path)

    return edit


def report(**changes: Any) -> Edit:
    def edit(files: Files) -> None:
        files["report.json"] = canonical(json.loads(files["report.json"]) | changes)

    return edit


def period(**changes: int) -> Edit:
    def edit(files: Files) -> None:
        value = json.loads(files["report.json"])
        value["period"] |= changes
        files["report.json"] = canonical(value)

    return edit


def manifest(**changes: Any) -> Edit:
    def edit(files: Files) -> None:
        files["manifest.json"] = canonical(json.loads(files["manifest.json"]) | changes)

    return edit
