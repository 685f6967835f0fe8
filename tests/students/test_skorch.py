"""skorch's nets as students equal hand-written losses and their ordinary training."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch import NeuralNet, NeuralNetBinaryClassifier, NeuralNetClassifier, NeuralNetRegressor
from skorch.callbacks import Checkpoint, EarlyStopping, EpochScoring
from skorch.dataset import Dataset, ValidSplit
from skorch.helper import predefined_split
from torch.nn.functional import cross_entropy

from skdistill import DistilledClassifier, SoftLabelClassifier, SoftLabels, fit_soft_labels
from skdistill.datasets import make_gaussian_classes
from skdistill.nets import LogitMatching, SoftLabelNet
from skdistill.students._registry import resolve_fitter
from skdistill.students.skorch import fit_net_of_skorch, fit_soft_label_net

X, y, P = make_gaussian_classes(120, 4, 3, random_state=0)
X = X.astype(np.float32)
NAMES = np.array(["one", "three", "two"])


class Small(torch.nn.Module):
    def __init__(self, n_outputs=3, softmax=False):
        super().__init__()
        torch.manual_seed(0)
        self.last = torch.nn.Linear(4, n_outputs)
        self.softmax = softmax

    def forward(self, x):
        logits = self.last(x)
        return logits.softmax(dim=1) if self.softmax else logits


def net(cls=NeuralNetClassifier, **params):
    defaults = {"module": Small, "max_epochs": 3, "lr": 0.1, "verbose": 0, "train_split": None}
    if cls in (NeuralNetClassifier, NeuralNet):
        defaults["criterion"] = torch.nn.CrossEntropyLoss
    return cls(**{**defaults, **params})


def weights_of(fitted):
    return torch.cat([each.detach().ravel() for each in fitted.module_.parameters()])


def descend(loss, n_steps=3, n_outputs=3):
    """Return the weights after plain gradient descent on a loss of the logits of all rows."""
    module = Small(n_outputs)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    for _ in range(n_steps):
        optimizer.zero_grad()
        loss(module(torch.as_tensor(X))).backward()
        optimizer.step()
    return torch.cat([each.detach().ravel() for each in module.parameters()])


def soft(logits):
    return cross_entropy(logits, torch.as_tensor(P).float())


@pytest.mark.parametrize(
    ("student", "loss", "n_outputs"),
    [
        (net(batch_size=-1), soft, 3),
        (net(NeuralNet, batch_size=-1), soft, 3),
        (net(batch_size=-1, criterion=torch.nn.NLLLoss, module__softmax=True), soft, 3),
        (
            net(NeuralNetRegressor, batch_size=-1),
            lambda outputs: ((outputs - torch.as_tensor(P)) ** 2).mean(),
            3,
        ),
    ],
)
def test_each_net_descends_on_the_soft_loss(student, loss, n_outputs):
    fitted = fit_soft_labels(student, X, SoftLabels(P))
    torch.testing.assert_close(
        weights_of(fitted), descend(loss, n_outputs=n_outputs), rtol=1e-4, atol=1e-6
    )


@pytest.mark.parametrize("cls", [NeuralNetBinaryClassifier, NeuralNetRegressor])
def test_one_output_module_fits_the_second_of_two_classes(cls):
    p = P[:, 0]
    student = net(cls, batch_size=-1, module__n_outputs=1)
    two = np.column_stack([1 - p, p])
    fitted = fit_soft_labels(student, X, SoftLabels(two, ["no", "yes"]))

    def loss(outputs):
        outputs, target = outputs.ravel(), torch.as_tensor(p).float()
        if cls is NeuralNetRegressor:
            return ((outputs - target) ** 2).mean()
        return torch.nn.functional.binary_cross_entropy_with_logits(outputs, target)

    torch.testing.assert_close(weights_of(fitted), descend(loss, n_outputs=1), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("criterion", [torch.nn.CrossEntropyLoss, torch.nn.NLLLoss])
def test_weights_are_factors_of_the_loss(criterion):
    weight = np.random.default_rng(0).integers(0, 4, 120)
    student = net(batch_size=-1, criterion=criterion)
    student.set_params(module__softmax=criterion is torch.nn.NLLLoss)
    fitted = fit_soft_labels(student, X, SoftLabels(P, sample_weight=weight))

    def weighted(logits):
        rows = cross_entropy(logits, torch.as_tensor(P).float(), reduction="none")
        return (rows * torch.as_tensor(weight)).sum() / weight.sum()

    torch.testing.assert_close(weights_of(fitted), descend(weighted), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("cls", [NeuralNetClassifier, NeuralNet, NeuralNetBinaryClassifier])
def test_one_hot_rows_are_ordinary_training(cls):
    labels, n_outputs = (y, 3) if cls is not NeuralNetBinaryClassifier else (y > 0, 1)
    student = net(cls, module__n_outputs=n_outputs)
    fitted = fit_soft_labels(student, X, SoftLabels.from_labels(labels))
    own = labels.astype(np.float32) if n_outputs == 1 else labels
    torch.testing.assert_close(
        weights_of(fitted), weights_of(net(cls, module__n_outputs=n_outputs).fit(X, own))
    )


@pytest.mark.parametrize("alpha", [0, 0.5, 1])
@pytest.mark.parametrize("in_pipeline", [False, True])
@pytest.mark.parametrize("cls", [NeuralNetClassifier, NeuralNet, NeuralNetRegressor, SoftLabelNet])
def test_distilled_classifier_predicts_string_labels(cls, in_pipeline, alpha):
    student = net(cls, max_epochs=40)
    if in_pipeline:
        student = make_pipeline(StandardScaler(), student)
    model = DistilledClassifier(ExtraTreesClassifier(20, random_state=0), student, alpha=alpha)
    model.fit(X, NAMES[y])
    assert model.score(X, NAMES[y]) > 0.75
    proba = model.predict_proba(X)
    np.testing.assert_allclose(proba.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(model.predict(X), NAMES[proba.argmax(axis=1)])
    assert type(model.student_) is type(student)


def test_the_student_is_its_own_class_again_and_pickles():
    for criterion in (torch.nn.NLLLoss, torch.nn.CrossEntropyLoss):
        student = net(criterion=criterion, module__softmax=criterion is torch.nn.NLLLoss)
        fitted = fit_soft_labels(student, X, SoftLabels(P, NAMES))
        assert type(fitted) is NeuralNetClassifier
        assert type(fitted.criterion_) is criterion
        assert (fitted.classes_ == NAMES).all()
        again = pickle.loads(pickle.dumps(fitted))
        np.testing.assert_array_equal(again.predict_proba(X), fitted.predict_proba(X))


def test_a_failing_fit_gives_the_class_back():
    student = net(module__n_outputs=5).initialize()
    student.set_params(warm_start=True)
    with pytest.raises(ValueError, match="one output per class"):
        fit_net_of_skorch(student, X, SoftLabels(P))
    assert type(student) is NeuralNetClassifier


def test_a_net_whose_class_cannot_change_is_refused(monkeypatch):
    def keep(net, name, value):
        if name == "__class__":
            raise TypeError("__class__ assignment: object layout differs")
        object.__setattr__(net, name, value)

    monkeypatch.setattr(NeuralNetClassifier, "__setattr__", keep)
    with pytest.raises(TypeError, match=r"version of skorch.*Use skdistill\.nets\.Soft"):
        fit_soft_labels(net(), X, SoftLabels(P))


@pytest.mark.parametrize(
    "params", [{}, {"criterion": torch.nn.NLLLoss, "module__softmax": True}], ids=["CE", "NLL"]
)
def test_warm_start_goes_on(params):
    twice = net(warm_start=True, **params)
    for _ in range(2):
        twice = fit_soft_labels(twice, X, SoftLabels(P))
    once = fit_soft_labels(net(max_epochs=6, **params), X, SoftLabels(P))
    torch.testing.assert_close(weights_of(twice), weights_of(once))


@pytest.mark.parametrize("cls", [NeuralNetClassifier, SoftLabelNet])
def test_a_teacher_that_is_sure_is_learnt_from_all_the_same(cls):
    sure = np.eye(3)[(y + 1) % 3]  # never the true label
    for soft_labels in (SoftLabels(sure, NAMES, y=NAMES[y]), SoftLabels(sure, NAMES)):
        fitted = fit_soft_labels(net(cls, max_epochs=30), X, soft_labels)
        assert (fitted.predict_proba(X).argmax(axis=1) == (y + 1) % 3).mean() > 0.75


def test_any_criterion_takes_plain_labels_as_probabilities():
    student = net(criterion=torch.nn.MSELoss, batch_size=-1)
    fitted = fit_soft_labels(student, X, SoftLabels.from_labels(NAMES[y]))
    target = torch.eye(3)[y]
    by_hand = descend(lambda outputs: ((outputs - target) ** 2).mean())
    torch.testing.assert_close(weights_of(fitted), by_hand, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("params", "match"),
    [
        ({"criterion": torch.nn.NLLLoss}, "which must be probabilities.*CrossEntropyLoss"),
        ({"module__softmax": True}, "ends in a softmax already"),
        ({"lr": 1e38, "batch_size": 30}, r"train loss became (nan|inf) in epoch \d, batch \d of 4"),
        ({"device": "gpu"}, "device='gpu' is not available"),
        ({"criterion": LogitMatching}, "LogitMatching takes logits.*SoftLabelNet"),
    ],
)
@pytest.mark.parametrize("soft_labels", [SoftLabels(P), SoftLabels.from_labels(y)])
def test_what_skorch_would_pass_over(params, match, soft_labels):
    with pytest.raises(ValueError, match=match):
        fit_soft_labels(net(**params), X, soft_labels)


def test_checkpoint_may_pickle_the_net_during_the_fit(tmp_path):
    whole = Checkpoint(monitor=None, f_pickle="net.pkl", dirname=tmp_path)
    fitted = fit_soft_labels(net(callbacks=[whole]), X, SoftLabels(P))
    again = pickle.loads((tmp_path / "net.pkl").read_bytes())
    assert type(again) is NeuralNetClassifier
    np.testing.assert_array_equal(again.predict_proba(X), fitted.predict_proba(X))


def test_compiling_hides_nll_loss():
    compiled = torch.compile(torch.nn.NLLLoss())  # compiled when it is called, not here
    assert type(compiled._orig_mod) is torch.nn.NLLLoss
    with pytest.raises(ValueError, match="compile=True prevents skorch from detecting NLLLoss"):
        fit_soft_labels(net(**NLL, compile=True), X, SoftLabels(P))


CLASS_WEIGHT = torch.tensor([1.0, 2.0, 4.0])
NLL = {"criterion": torch.nn.NLLLoss, "module__softmax": True}


def test_class_weights_of_a_criterion_count():
    weighted = {"criterion__weight": CLASS_WEIGHT, "batch_size": -1}
    by_nll = fit_soft_labels(net(**NLL, **weighted), X, SoftLabels(P))
    by_hand = descend(lambda z: cross_entropy(z, torch.as_tensor(P).float(), CLASS_WEIGHT))
    torch.testing.assert_close(weights_of(by_nll), by_hand, rtol=1e-4, atol=1e-6)
    # On labels they are those of ordinary training, which divides by their sum.
    ordinary = net(**NLL, **weighted).fit(X, y)
    fitted = fit_soft_labels(net(**NLL, **weighted), X, SoftLabels.from_labels(NAMES[y]))
    torch.testing.assert_close(weights_of(fitted), weights_of(ordinary))
    assert (fitted.classes_ == NAMES).all()


def test_a_criterion_that_sums_sums():
    summed = net(**NLL, criterion__reduction="sum", lr=0.1 / 120, batch_size=-1)
    fitted = fit_soft_labels(summed, X, SoftLabels(P))
    torch.testing.assert_close(weights_of(fitted), descend(soft), rtol=1e-4, atol=1e-6)


def test_a_module_with_more_than_one_output_learns_by_its_first():
    class Two(Small):
        def forward(self, x):
            return super().forward(x), x

    fitted = fit_soft_labels(net(NeuralNet, module=Two, batch_size=-1, criterion=First), X,
                             SoftLabels(P))  # fmt: skip
    torch.testing.assert_close(weights_of(fitted), descend(soft), rtol=1e-4, atol=1e-6)


class First(torch.nn.CrossEntropyLoss):
    def forward(self, outputs, target):
        return super().forward(outputs[0], target)


def test_users_own_loss_dataset_and_callbacks_stay_at_work():
    class Shifted(Dataset):
        def transform(self, X, y):
            return super().transform(X + 1, y)

    class Penalised(NeuralNetClassifier):
        def get_loss(self, y_pred, y_true, *args, **kwargs):
            loss = super().get_loss(y_pred, y_true, *args, **kwargs)
            return loss + 0.1 * self.module_.last.weight.square().sum()

    module = Small()
    fitted = fit_soft_labels(
        net(Penalised, dataset=Shifted, batch_size=-1, criterion=torch.nn.CrossEntropyLoss,
            max_epochs=1, train_split=ValidSplit(4, stratified=True)),
        X, SoftLabels(P, y=y),
    )  # fmt: skip
    rows, _ = ValidSplit(4, stratified=True)(Dataset(X, y), y)
    logits = module(torch.as_tensor(X + 1)[rows.indices])
    loss = cross_entropy(logits, torch.as_tensor(P).float()[rows.indices])
    expected = loss + 0.1 * module.last.weight.square().sum()
    assert fitted.history[0, "train_loss"] == pytest.approx(expected.item(), rel=1e-5)
    assert 0 < fitted.history[0, "valid_acc"] <= 1


def test_validation_sees_true_labels():
    scoring = EpochScoring("neg_log_loss", name="log_loss", lower_is_better=False)
    stopping = EarlyStopping(patience=2)
    student = net(max_epochs=60, train_split=ValidSplit(3), callbacks=[scoring, stopping])
    fitted = fit_soft_labels(student, X, SoftLabels(P, y=y))
    last = fitted.history[-1]
    assert last["log_loss"] == pytest.approx(-last["valid_loss"], rel=1e-4)
    held_out = ValidSplit(3)(Dataset(X, y), y)[1].indices
    accuracy = (fitted.predict(X[held_out]) == y[held_out]).mean()
    assert last["valid_acc"] == pytest.approx(accuracy)


@pytest.mark.parametrize("cls", [NeuralNetClassifier, SoftLabelNet])
@pytest.mark.parametrize("kind", ["dataset", "subset", "tensors"])
def test_a_validation_set_of_the_users_own(cls, kind):
    others = {
        "dataset": Dataset(X[:30], y[:30]),
        "subset": torch.utils.data.Subset(Dataset(X, y), list(range(30))),
        "tensors": torch.utils.data.TensorDataset(torch.as_tensor(X[:30]), torch.as_tensor(y[:30])),
    }[kind]
    student = net(cls, train_split=predefined_split(others))
    fitted = fit_soft_labels(student, X[30:], SoftLabels(P[30:], y=y[30:]))
    assert fitted.history[-1, "valid_acc"] == pytest.approx(fitted.score(X[:30], y[:30]))


def test_each_class_resolves_to_its_fitter():
    class KeepsFit(NeuralNetClassifier):
        pass

    for cls in (NeuralNet, NeuralNetClassifier, NeuralNetRegressor, KeepsFit):
        assert resolve_fitter(net(cls)) is fit_net_of_skorch
    assert resolve_fitter(net(SoftLabelNet)) is fit_soft_label_net


def test_fitter_is_resolved_without_prior_imports():
    code = (
        "from torch import nn\n"
        "from skdistill.nets import RankingNet, SoftLabelNet\n"
        "from skdistill.students.ranking._registry import resolve_ranking_fitter\n"
        "from skdistill.students._registry import resolve_fitter\n"
        "print(resolve_fitter(SoftLabelNet(nn.Linear)).__name__)\n"
        "print(resolve_ranking_fitter(RankingNet(nn.Linear)).__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["fit_soft_label_net", "fit_ranking_net"]


def test_weights_that_a_criterion_cannot_express():
    weight = np.arange(120)
    with pytest.raises(ValueError, match=r"SoftLabelNet, whose losses take weights"):
        fit_soft_labels(net(NeuralNetRegressor), X, SoftLabels(P, sample_weight=weight))
    fit_soft_labels(net(NeuralNetRegressor), X, SoftLabels(P, sample_weight=np.full(120, 3)))


def test_a_module_of_the_wrong_width():
    with pytest.raises(
        ValueError, match=r"one output per class, shape \(120, 3\).*got shape \(120, 5"
    ):
        fit_soft_labels(net(module__n_outputs=5), X, SoftLabels(P))
    with pytest.raises(ValueError, match="one output per class"):
        fit_soft_labels(net(NeuralNetRegressor, module__n_outputs=1), X, SoftLabels(P))


def test_the_weights_load_where_skdistill_is_not_installed(tmp_path):
    from safetensors.torch import save_file

    module = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))
    model = SoftLabelClassifier(SoftLabelNet(module, max_epochs=2)).fit(X, P)
    trained = model.student_.module_
    assert type(trained) is torch.nn.Sequential
    save_file(trained.state_dict(), tmp_path / "student.safetensors")
    exported = torch.export.export(trained, (torch.as_tensor(X[:2]),))
    torch.export.save(exported, tmp_path / "student.pt2")
    np.save(tmp_path / "X.npy", X[:2])
    code = f"""
import sys
sys.modules["skdistill"] = sys.modules["skorch"] = None  # importing them now fails
import numpy as np, torch
from safetensors.torch import load_file
X = torch.as_tensor(np.load({str(tmp_path / "X.npy")!r}))
module = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))
module.load_state_dict(load_file({str(tmp_path / "student.safetensors")!r}))
exported = torch.export.load({str(tmp_path / "student.pt2")!r}).module()
assert torch.equal(module(X), exported(X))
print(module(X).softmax(dim=1).tolist())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    np.testing.assert_allclose(eval(done.stdout), model.predict_proba(X[:2]), rtol=1e-5)
