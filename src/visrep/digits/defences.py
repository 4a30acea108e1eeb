"""Further classifiers: other ways of adversarial training, and defences that are known to break."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from visrep.data.store import ImageSet
from visrep.digits import adversarial, cnn, masked, supervised
from visrep.machine.device import Machine
from visrep.settings.defences import Defence
from visrep.settings.digits import AdvTrain, TrainCNN
from visrep.training import loop


def train(
    defence: Defence,
    settings: TrainCNN | AdvTrain,
    images: ImageSet,
    trained: cnn.ConvNet,
    machine: Machine,
    checkpoint: Path,
    progress: loop.Progress,
) -> supervised.Trained[masked.Classifier] | adversarial.Defended:
    """Train a ``defence`` by ``settings``, which include its own; ``trained`` is the undefended classifier. Progress is
    kept in ``checkpoint``."""
    if isinstance(settings, AdvTrain):
        return adversarial.train(settings, images, trained, machine, checkpoint, progress)
    if defence.temperature is not None:
        return _distilled(settings, defence.temperature, images, trained, machine, checkpoint, progress)
    kind: Callable[..., masked.Classifier] = cnn.ConvNet
    for name, strength in defence.masks.items():
        kind = partial(masked.Masked.behind, name, strength)
    return supervised.train(kind, settings, images, machine, checkpoint, progress)


def _distilled(
    settings: TrainCNN,
    temperature: float,
    images: ImageSet,
    trained: cnn.ConvNet,
    machine: Machine,
    checkpoint: Path,
    progress: loop.Progress,
) -> supervised.Trained[masked.Classifier]:
    """Defensive distillation (Papernot et al. 2016): a network is trained on labels and one like it on the first one's
    probabilities, both with logits divided by a temperature, which in use is 1.

    To divide logits z in training and not in use is to train z / T, an ordinary network, and then to multiply its last
    layer by T. So the ``trained`` classifier is the first network, and the logits of the second are multiplied in the
    end.
    """
    made = supervised.train(cnn.ConvNet, settings, images, machine, checkpoint, progress, machine.place(trained))
    sharpened = cnn.sharpened(made.model, temperature)
    return supervised.Trained(sharpened, made.logits * temperature, made.result, made.history)
