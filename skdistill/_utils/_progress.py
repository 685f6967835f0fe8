"""Progress: the tasks of a fit, for scikit-learn's callbacks where it has them (since 1.9)."""

from contextlib import contextmanager
from functools import wraps

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # an older scikit-learn: there `verbose` shows progress

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Take no callbacks."""

    def with_callbacks(method):
        """Return a method as deep in the stack as scikit-learn's: warnings count on that."""

        @wraps(method)
        def same_method(estimator, *args, **kwargs):
            return method(estimator, *args, **kwargs)

        return same_method


__all__ = ["CallbackSupportMixin", "Progress", "with_callbacks"]


class Progress:
    """A task of a fit, which may consist of others; or nothing, where nobody is told."""

    def __init__(self, estimator=None, context=None):
        self.estimator, self.context = estimator, context

    @classmethod
    def of_fit(cls, estimator, max_tasks):
        """Begin a fit of at most so many tasks."""
        if not hasattr(estimator, "_init_callback_context"):
            return cls()
        # Private by its name, but what scikit-learn's documentation tells developers to call.
        context = estimator._init_callback_context(max_subtasks=max_tasks)
        return cls(estimator, context)._begin()

    @contextmanager
    def task(self, name, max_tasks=0):
        """Begin and end a task of this one, around what is done for it."""
        if self.context is None:
            yield self
            return
        context = self.context.subcontext(task_name=name, max_subtasks=max_tasks)
        task = Progress(self.estimator, context)._begin()
        yield task
        task.end()

    def end(self):
        """Say that this task is done; one that fails has no end."""
        if self.context is not None:
            self.context.call_on_fit_task_end(estimator=self.estimator)

    def _begin(self):
        self.context.call_on_fit_task_begin(estimator=self.estimator)
        return self

    def __reduce__(self):  # callbacks are told by the process that they were set in
        return Progress, ()
