"""The PyTorch nets of the experiments: the reader, the field's die decoder, a conditional VAE."""

import torch
from torch import nn


class ReaderNet(nn.Module):
    """The reader as it is trained: batch normalisation after each convolution but the last."""

    def __init__(self, layers):
        super().__init__()
        channels, modules = 1, []
        for kernel, stride, pad, out in layers:
            modules += [
                nn.Conv2d(channels, out, kernel, stride, pad),
                nn.BatchNorm2d(out),
                nn.ReLU(),
            ]
            channels = out
        self.body = nn.Sequential(*modules[:-2])

    def forward(self, x):
        """Scores (N, 6) of pictures (N, 1, 32, 32), 0-1."""
        return self.body(x).flatten(1)

    @torch.no_grad()
    def folded(self):
        """[(weight, bias)] of each convolution as arrays, the normalisation after it folded in."""
        modules = list(self.body)
        out = []
        for i in range(0, len(modules), 3):
            conv = modules[i]
            if i + 1 < len(modules):
                conv = nn.utils.fuse_conv_bn_eval(conv, modules[i + 1])
            out.append((conv.weight.numpy(), conv.bias.numpy()))
        return out


class FieldDecoder(nn.Module):
    """The field's die decoder: dense without bias to 4x4, transposed convolutions up to 32x32.

    `dims` counts the channels from the picture inwards, as the field does: dim1-dim2-dim3-dim4.
    `extra` more 3x3 convolutions of dim1 channels work at full resolution before the last.
    """

    def __init__(self, inputs: int, dims: tuple[int, int, int, int], extra: int = 0):
        super().__init__()
        d1, d2, d3, d4 = dims
        self.dense = nn.Linear(inputs, d4 * 16, bias=False)
        modules = []
        for wide, narrow in ((d4, d3), (d3, d2), (d2, d1)):
            modules += [nn.ReLU(), nn.ConvTranspose2d(wide, narrow, 3, 2, 1, output_padding=1)]
        for _ in range(extra):
            modules += [nn.ReLU(), nn.Conv2d(d1, d1, 3, 1, 1)]
        self.body = nn.Sequential(*modules, nn.ReLU(), nn.ConvTranspose2d(d1, 1, 3, 1, 1))
        self._start()

    def _start(self):
        """He initialisation, by the taps that reach one output, and a picture that starts flat and
        dark: with PyTorch's own, every third net of 2 or 3 channels dies in its first steps."""
        nn.init.normal_(self.dense.weight, 0, (2 / 3) ** 0.5)
        for module in self.body:
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                taps = module.in_channels * 9 / module.stride[0] ** 2
                nn.init.normal_(module.weight, 0, (2 / taps) ** 0.5)
                nn.init.zeros_(module.bias)
        nn.init.normal_(self.body[-1].weight, 0, 0.1)
        nn.init.constant_(self.body[-1].bias, -1)

    def forward(self, x):
        """Pictures (N, 32, 32), 0-1, of inputs (N, inputs)."""
        return torch.sigmoid(self.body(self.dense(x).view(len(x), -1, 4, 4))).squeeze(1)

    def macs(self) -> int:
        """Multiply-accumulates a picture, without those that fall outside the border."""
        total, pixels = self.dense.weight.numel(), 16
        for module in self.body:
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                total += pixels * module.weight.numel()  # each input pixel meets each weight once
                pixels *= module.stride[0] ** 2
        return total


class CVAE(nn.Module):
    """A conditional variational autoencoder around a FieldDecoder, which gets condition and z.

    The encoder sees the picture and the condition and answers with mean and log variance of z.
    """

    def __init__(self, condition: int, z: int, dims: tuple[int, int, int, int], extra: int = 0):
        super().__init__()
        self.z = z
        self.decoder = FieldDecoder(condition + z, dims, extra)
        modules, channels = [], 1
        for out in (16, 32, 64):
            modules += [nn.Conv2d(channels, out, 3, 2, 1), nn.ReLU()]
            channels = out
        self.look = nn.Sequential(*modules, nn.Flatten())
        self.judge = nn.Sequential(
            nn.Linear(channels * 16 + condition, 64), nn.ReLU(), nn.Linear(64, 2 * z)
        )

    def encode(self, pictures, condition):
        """Mean and log variance (N, z) of z given pictures (N, 32, 32) and conditions."""
        seen = self.look(pictures[:, None])
        mean, log_variance = self.judge(torch.cat([seen, condition], 1)).chunk(2, 1)
        return mean, log_variance.clamp(-12, 4)

    def decode(self, condition, z):
        """Pictures (N, 32, 32), 0-1."""
        return self.decoder(torch.cat([condition, z], 1))
