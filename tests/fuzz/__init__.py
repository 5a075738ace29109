"""Fuzzing: what hostile bytes may lead to, one harness for each reader or editor of files."""
