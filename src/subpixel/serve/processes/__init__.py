"""What runs in processes of its own, beside the server: upscaling, previews and estimates."""
