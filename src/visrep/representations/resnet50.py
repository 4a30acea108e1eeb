"""torchvision's ResNet-50 with an embedding as its last layer and, where the settings say so, ImageNet's weights.

N images, D dimensions.
"""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from visrep.data import pixels
from visrep.data.store import SIZE
from visrep.errors import Failure

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's pixels in [0, 1], which its weights expect


class ResNet50(nn.Module):
    """(N, 3, S, S) in [-1, 1] to (N, D); images are enlarged first, those of 32 pixels to ``input_size``."""

    mean: Tensor
    std: Tensor

    def __init__(self, input_size: int, dimensions: int) -> None:
        from torchvision.models import resnet50  # slow to import, and rarely wanted

        super().__init__()
        self.config: dict[str, Any] = {"network": "resnet50", "input_size": input_size, "dimensions": dimensions}
        self.network = resnet50(weights=None)
        self.network.fc = nn.Linear(self.network.fc.in_features, dimensions)
        for name, value in (("mean", MEAN), ("std", STD)):
            self.register_buffer(name, torch.tensor(value)[:, None, None], persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        larger = pixels.enlarged(images, images.shape[3] * self.config["input_size"] // SIZE)
        embeddings: Tensor = self.network(((larger + 1) / 2 - self.mean) / self.std)
        return embeddings

    def take_imagenet(self) -> None:
        """Put ImageNet's weights into all but the last layer: torchvision's second version, checked by its hash and
        kept where `torch.hub` keeps files. Raises `Failure` where they cannot be had."""
        from torchvision.models import ResNet50_Weights

        weights = ResNet50_Weights.IMAGENET1K_V2
        try:
            state = weights.get_state_dict(progress=False, check_hash=True)
        except (OSError, RuntimeError) as error:  # no network, no such address, a wrong hash
            place = Path(torch.hub.get_dir()) / "checkpoints" / Path(weights.url).name
            raise Failure(
                f"encoder.pretrained: ImageNet's weights cannot be fetched ({' '.join(str(error).split())}); "
                f"set it to false, or put them at {place}"
            ) from None
        self.network.load_state_dict(
            {name: value for name, value in state.items() if not name.startswith("fc.")}, False
        )
