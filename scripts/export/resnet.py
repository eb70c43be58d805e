"""timm's ResNet as a module that TorchScript can hold."""

import torch
import torchvision_operators  # noqa: F401  before timm
from calls import Call, standard_calls
from timm.models._features import feature_take_indices
from timm.models.resnet import ResNet


class ScriptableResNet(torch.nn.Module):
    """timm's ResNet with every method that TorchScript can hold; state-dict keys and their order are timm's."""

    def __init__(self, model: ResNet) -> None:
        super().__init__()
        self.drop_rate = float(model.drop_rate)
        for name, child in model.named_children():
            self.add_module(name, child)

    @torch.jit.export
    def forward_features(self, x: torch.Tensor) -> torch.Tensor:
        """[N,3,H,W] to [N,D,H/32,W/32]"""
        x = self.maxpool(self.act1(self.bn1(self.conv1(x))))
        return self.layer4(self.layer3(self.layer2(self.layer1(x))))

    @torch.jit.export
    def forward_head(self, x: torch.Tensor, pre_logits: bool = False) -> torch.Tensor:
        """[N,D,H/32,W/32] to [N,K], with pre_logits to [N,D]"""
        x = self.global_pool(x)
        if self.drop_rate > 0.0:
            x = torch.nn.functional.dropout(x, p=self.drop_rate, training=self.training)
        return x if pre_logits else self.fc(x)

    @torch.jit.export
    def forward_intermediates(
        self, x: torch.Tensor, indices: list[int] | None = None, stop_early: bool = False
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """The last features and those of the stages asked for (all by default; -1 is the last), in the stages' order."""
        wanted, last = feature_take_indices(5, indices)  # the stem's activation and layer1 to layer4
        if not stop_early:
            last = 4
        intermediates: list[torch.Tensor] = []
        x = self.act1(self.bn1(self.conv1(x)))
        if 0 in wanted:
            intermediates.append(x)
        x = self.maxpool(x)
        # Written out: TorchScript loops over a ModuleList only, and that would rename the state dict's keys.
        if last >= 1:
            x = self.layer1(x)
            if 1 in wanted:
                intermediates.append(x)
        if last >= 2:
            x = self.layer2(x)
            if 2 in wanted:
                intermediates.append(x)
        if last >= 3:
            x = self.layer3(x)
            if 3 in wanted:
                intermediates.append(x)
        if last >= 4:
            x = self.layer4(x)
            if 4 in wanted:
                intermediates.append(x)
        return x, intermediates

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.forward_head(self.forward_features(x), pre_logits=False)


def resnet_calls(model: ResNet, x: torch.Tensor) -> list[Call]:
    return [
        *standard_calls(model, x),
        Call("forward_intermediates", (x,)),
        Call("forward_intermediates", (x, [0, 2, -1])),
        Call("forward_intermediates", (x, [1, -3]), {"stop_early": True}),
    ]
