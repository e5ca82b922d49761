"""avbench judges folders of generated audio-video clips."""
