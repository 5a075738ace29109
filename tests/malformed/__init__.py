"""Makers of hostile files: what a stranger, a full disk or a broken download hands to the program."""
