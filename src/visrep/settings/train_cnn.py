"""The section `train_cnn`: the classifier of street digits."""

from typing import Literal

from pydantic import NonNegativeInt

from visrep.settings.training import Augment, ConvNet, Probability, Share, Watched


class TrainCNN(Watched):
    seed: NonNegativeInt
    validation: Share  # of the training images
    model: ConvNet
    select: Literal["last", "val_accuracy"]
    label_smoothing: Probability
    balance: Literal["none", "weights", "oversample"]  # what is done for rare digits
    augment: Augment
