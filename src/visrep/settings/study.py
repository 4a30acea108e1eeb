"""The whole of params.yaml."""

from visrep.params import Section
from visrep.settings.adv_train import AdvTrain
from visrep.settings.download import Download
from visrep.settings.fgsm_sweep import FgsmSweep
from visrep.settings.figures import Figures
from visrep.settings.runtime import Runtime
from visrep.settings.train_cnn import TrainCNN


class Study(Section):
    runtime: Runtime
    download: Download
    train_cnn: TrainCNN
    adv_train: AdvTrain
    fgsm_sweep: FgsmSweep
    figures: Figures
