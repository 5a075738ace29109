"""What is known of jobs and done about them, without HTTP: the database, the queue, files, events."""
