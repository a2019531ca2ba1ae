"""Experiments of single chapters: programs that would bury the explanation they belong to.

A module has the name of its chapter (`two_processes` is what *Beyond one machine* starts). The chapter calls the
functions, shows them folded, and asserts what it says of their results; nothing else imports them, and none of their
names is public. What two chapters need is one floor up.
"""
