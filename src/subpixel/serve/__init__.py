"""A server of pages and of a REST interface; needs the extra ``web``.

Requests are answered by one process, which decodes nothing. Images and videos are upscaled by worker processes. What
is asked for, and what came of it, is kept in a database beside the files, so that no job is lost.
"""
