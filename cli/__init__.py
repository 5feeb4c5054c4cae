"""The command line: click commands, the only place that prints, exits or draws a progress bar.

One file a command (`encode`, `decode`, `info`, `verify`, `compare`, `pack`, `train`) and five shared ones:

    helptext.py  option groups in --help, options that several commands share
    quality.py   what --max-error, --target-size and --units mean
    streams.py   which input goes to which output, stdin and stdout, overwriting
    console.py   what is said on stderr: notes, warnings, results, progress bars
    errors.py    exceptions -> one line and an exit code; several inputs, one after another

Nothing here imports torch, libigl, scikit-image or trimesh before a command needs it.
"""
