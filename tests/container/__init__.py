"""The image and what starts it: context, settings, chosen options, and, where a tool works, the image itself."""
