"""One job on many machines, by Ray: the batch of images and the segments of a video, worked on by workers.

``pool`` starts and joins Ray, ``scheduler`` decides which worker does what, ``worker`` runs there. ``image_*`` and
``video_*`` say what the pieces are; they hold the jobs of :mod:`subpixel.image` and :mod:`subpixel.video`, so the bytes
are those of one machine. Only ``pool`` imports Ray, when a cluster starts; it needs the extra ``cluster``.
"""
