"""Everything that makes the numbers: training, baselines, calibration, evaluation; imports `labels` and `serve`."""
