"""Shapes of the API: what comes in, what goes out. What it means is the services' business."""
