"""Following a branch of a remote: the same files, and always whole ones."""

from __future__ import annotations

import logging
import os
import threading
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from ..errors import Retriable, SpecError
from ..secrets import Redactor
from .address import Address, address_of
from .faults import Fault, explain
from .origin import FORMAT, commit_line
from .place import Place, as_text, links_that_leave
from .program import Ended, Stopped, program, run

log = logging.getLogger("syncline")

LIMIT = 300.0
"""Seconds for one call of git."""

DEPTH = 100
"""So many commits are fetched: enough to say who changed what since the last pull, also when it came by a merge."""

FOLLOWED = "refs/syncline/followed"
KEPT = "refs/syncline/kept"

# Files are what was committed, byte by byte: no line ends are changed, and no filter (large files, encryption) is run.
ATTRIBUTES = "* -text -ident -filter !eol !working-tree-encoding\n"
ALONE = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
OURS = (("safe.directory", "*"),)
"""For what needs no network: the user's configuration has no say, and the place is ours, whoever owns its disk."""


@dataclass(frozen=True)
class Revision:
    """A `commit` of the branch (its whole name) by `author` (a name, no address) at `at` (UTC).

    It is checked out in `folder`, which is a Git checkout: `origins_of` answers there.
    """

    commit: str
    author: str
    at: datetime | None
    folder: Path


class Branch:
    """One branch of one remote, followed in a private folder `place` that no other process uses.

    `url` is anything that git reads; `${env:NAME}` and `${file:PATH}` in it are resolved anew at each pull, relative to
    `folder`. For one thread; only `stop` may be set by another. Raises `SpecError` for an address or a branch that
    git must not be given, `Fatal` when git is missing or the place is another's. To be closed.
    """

    def __init__(
        self,
        url: str,
        branch: str,
        place: Path,
        redactor: Redactor,
        *,
        folder: Path | None = None,
        stop: threading.Event | None = None,
        limit: float = LIMIT,
    ) -> None:
        program()
        self.branch = branch
        self._url = url
        self._redactor = redactor
        self._folder = folder or Path.cwd()
        self._stop = stop or threading.Event()
        self._limit = limit
        self._current: str | None = None
        self._kept: str | None = None
        self.shown = redactor.clean(self._address().shown)
        self._place = Place(place, f"{self.shown} {branch}")
        try:
            self._check_branch()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let another process have the place; what is checked out stays."""
        self._place.close()

    def pull(self) -> Revision | None:
        """What the branch is now, when that is not what the last pull has returned; None as well when stopped.

        The folder of the revision is there in full or not at all. Folders of other revisions are removed, but for
        the one that is kept. Whatever goes wrong is `Retriable`, and leaves the earlier revisions as they are.
        """
        try:
            address = self._address()
        except SpecError as error:  # it was sound before: a secret that is being replaced comes back
            raise Retriable(error.what, where=error.where, why=error.why, mend=error.mend) from None
        try:
            tip = self._tip(address)
            if tip == self._current:
                return None
            if not self._is_whole(tip):
                tip = self._fetched(address, tip)
            if not self._is_whole(tip):
                self._check_out(tip)
            revision = self._revision(tip)
        except Stopped:
            return None
        except OSError as error:
            raise self._failed(Fault("the files of the branch cannot be written", why=error.strerror or "")) from None
        self._current = tip
        self._place.remove_others({tip, self._kept or tip})
        return revision

    def keep(self, commit: str) -> None:
        """This revision is in use: its folder stays until another one is kept, and a later process finds it by `kept`.

        Folders of older revisions are removed. Raises `Retriable` when that cannot be written down.
        """
        self._local("update-ref", KEPT, commit, patient=True)
        self._kept = commit
        self._place.remove_others({commit, self._current or commit})

    def kept(self) -> Revision | None:
        """The revision that was kept last, by this process or an earlier one, if it is still there as it was.

        So a process that starts while the remote is out of reach has something to begin with.
        """
        try:
            found = self._try("rev-parse", "--verify", "--quiet", KEPT)
            if found.code or not self._is_whole(found.text):
                return None
            self._kept = found.text
            return self._revision(found.text)
        except Stopped:
            return None

    # ------------------------------------------------------------------------------------------------ the remote

    def _address(self) -> Address:
        return address_of(self._url, self._redactor, folder=self._folder, where="--git")

    def _tip(self, address: Address) -> str:
        """The commit that the branch is at."""
        name = f"refs/heads/{self.branch}"
        self._prepare()
        listed = self._remote(address, "ls-remote", "--exit-code", "--", address.url, name)
        if listed.code not in (0, 2):
            raise self._failed(explain(listed.words), address)
        for line in listed.text.splitlines():
            commit, _, found = line.partition("\t")
            if found == name:
                return commit
        raise self._failed(
            Fault(
                f"there is no branch {self.branch}",
                why="it was deleted, or never there",
                mend="push it, or name another one",
            )
        )

    def _fetched(self, address: Address, tip: str) -> str:
        """Bring the branch here; returns its commit, which may be a newer one than `tip` by now."""
        kind = "sha256" if len(tip) == 64 else "sha1"
        self._prepare(kind)
        fetched = self._fetch(address)
        if fetched.code and not explain(fetched.words).remote:
            # what is kept here may be damaged, or hold a lock of somebody who was killed: begin anew, once
            log.info(
                "%s: git failed, everything is fetched anew: %s", self.shown, explain(address.clean(fetched.words)).why
            )
            self._place.forget_repository()
            self._prepare(kind)
            fetched = self._fetch(address)
        if fetched.code:
            raise self._failed(explain(fetched.words), address)
        return self._local("rev-parse", "--verify", f"{FOLLOWED}^{{commit}}").text

    def _fetch(self, address: Address) -> Ended:
        def fetch(*depth: str) -> Ended:
            return self._remote(
                address, "fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head",
                "--update-shallow", *depth, "--", address.url, f"+refs/heads/{self.branch}:{FOLLOWED}",
            )  # fmt: skip

        fetched = fetch(f"--depth={DEPTH}")
        if fetched.code and "does not support shallow" in fetched.words:  # plain files behind a web server
            fetched = fetch()
        return fetched

    def _remote(self, address: Address, *arguments: str) -> Ended:
        """Git, with the network."""
        try:
            return run(
                f"--git-dir={self._place.repository}", *arguments, folder=self._place.folder, limit=self._limit,
                stop=self._stop, config=address.config, environment=address.environment,
            )  # fmt: skip
        except TimeoutError:
            raise self._failed(
                Fault(
                    "the Git server does not answer",
                    why=f"git was ended after {self._limit:g} seconds",
                    mend="check the address and the network",
                )
            ) from None

    # ------------------------------------------------------------------------------------------- what is kept here

    def _prepare(self, kind: str | None = None) -> None:
        """A repository, for names of commits of this kind; None: whichever is there will do."""
        repository = self._place.repository
        if (repository / "HEAD").exists():
            found = self._try("rev-parse", "--show-object-format")
            if found.code == 0 and kind in (None, found.text):
                return
            self._place.forget_repository()
        self._local(
            "init",
            "--quiet",
            "--bare",
            "--template=",
            f"--object-format={kind or 'sha1'}",
            str(repository),
            inside=self._place.folder,
        )

    def _check_out(self, commit: str) -> None:
        (self._place.repository / "info").mkdir(exist_ok=True)
        (self._place.repository / "info" / "attributes").write_text(ATTRIBUTES)
        self._local("worktree", "prune", "--expire=now")
        half = self._place.half(commit)
        self._local("worktree", "add", "--quiet", "--detach", "--force", str(half), commit)
        listed = self._local("ls-files", "-s", "-z", inside=half).out.split(b"\0")
        links = [entry.partition(b"\t")[2] for entry in listed if entry.startswith(b"120000")]
        for link in links_that_leave(half, links):
            log.warning(
                "%s: the link %s of commit %.12s leads out of the repository and is not followed",
                self.shown, link.relative_to(half), commit,
            )  # fmt: skip
            as_text(link)
            self._local("update-index", "--assume-unchanged", "--", str(link), inside=half)
        whole = self._place.finish(commit)
        self._local("worktree", "repair", str(whole))

    def _is_whole(self, commit: str) -> bool:
        """Whether the checkout is there as it was made. That of this process's own is not looked at again."""
        folder = self._place.whole(commit)
        if not folder.is_dir():
            return False
        if commit in (self._current, self._kept) and self._try("cat-file", "-e", commit).code == 0:
            return True
        head = self._try("rev-parse", "HEAD", inside=folder)
        state = self._try("status", "--porcelain", "--untracked-files=all", "--ignored", inside=folder)
        return head.code == state.code == 0 and head.text == commit and not state.out

    def _revision(self, commit: str) -> Revision:
        line = self._local("log", "-1", "--encoding=UTF-8", f"--format={FORMAT}", commit).text
        return Revision(*commit_line(line), folder=self._place.whole(commit))

    def _local(self, *arguments: str, inside: Path | None = None, patient: bool = False) -> Ended:
        """Git in our repository, or `inside` a folder; it has to succeed. `patient`: it is not ended by a stop."""
        ended = self._try(*arguments, inside=inside, patient=patient)
        if ended.code:
            raise self._failed(explain(ended.words))
        return ended

    def _try(self, *arguments: str, inside: Path | None = None, patient: bool = False) -> Ended:
        repository = [] if inside else [f"--git-dir={self._place.repository}"]
        try:
            return run(
                *repository, *arguments, folder=inside or self._place.folder, limit=self._limit,
                stop=None if patient else self._stop, config=OURS, environment=ALONE,
            )  # fmt: skip
        except TimeoutError:
            raise self._failed(Fault("git does not end", why=f"ended after {self._limit:g} seconds")) from None

    def _check_branch(self) -> None:
        checked = self._try("check-ref-format", f"refs/heads/{self.branch}", inside=self._place.folder)
        if checked.code or self.branch.startswith("-") or not self.branch:
            raise SpecError(
                f"{self.branch!r} is no name of a branch",
                where="--branch",
                mend="name it as `git branch` shows it",
            )

    def _failed(self, fault: Fault, address: Address | None = None) -> Retriable:
        why = address.clean(fault.why) if address else fault.why
        return Retriable(
            fault.what, where=f"{self.shown}, branch {self.branch}", why=self._redactor.clean(why), mend=fault.mend
        )
