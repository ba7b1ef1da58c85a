"""The image and what starts it: its context, its settings, the chosen options, and, where a tool works, the image itself."""
