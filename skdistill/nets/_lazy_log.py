"""A log of epochs that costs nothing while nothing is shown."""

from typing import Any

from skorch.callbacks import PrintLog


class LazyLog(PrintLog):
    """skorch's log, without making a table of each epoch that `verbose=0` then hides."""

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Print a line, or send it to a `sink` other than `print`."""
        if net.verbose or self.sink is not print:
            super().on_epoch_end(net, **kwargs)
