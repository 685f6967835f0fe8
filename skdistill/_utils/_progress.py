"""Progress: the tasks of a fit, for the callbacks of scikit-learn 1.9 and later."""

import time
from contextlib import contextmanager

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # older scikit-learn: only `verbose` shows progress

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Placeholder without callbacks."""

    def with_callbacks(method):
        """Return the method itself."""
        return method


__all__ = ["CallbackSupportMixin", "Progress", "with_callbacks"]


class Progress:
    """A task of a fit, which may have subtasks; a no-op without callbacks."""

    def __init__(self, estimator=None, context=None):
        self.estimator, self.context = estimator, context
        self.started = time.perf_counter()

    def seconds(self):
        """Return the seconds since this task began."""
        return time.perf_counter() - self.started

    @classmethod
    def of_fit(cls, estimator, max_tasks):
        """Begin a fit of at most `max_tasks` tasks."""
        if not hasattr(estimator, "_init_callback_context"):
            return cls()
        # A private name, but documented by scikit-learn for developers.
        context = estimator._init_callback_context(max_subtasks=max_tasks)
        return cls(estimator, context)._begin()

    @contextmanager
    def task(self, name, max_tasks=0):
        """Context manager that begins and ends a subtask."""
        if self.context is None:
            yield self
            return
        context = self.context.subcontext(task_name=name, max_subtasks=max_tasks)
        task = Progress(self.estimator, context)._begin()
        yield task
        task.end()

    def end(self):
        """End this task; a failed task is not ended."""
        if self.context is not None:
            self.context.call_on_fit_task_end(estimator=self.estimator)

    def _begin(self):
        self.context.call_on_fit_task_begin(estimator=self.estimator)
        return self

    def __reduce__(self):  # callbacks run only in the process that they were set in
        return Progress, ()
