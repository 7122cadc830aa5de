"""One LoRA step of GPT-2 small's upper blocks in plain PyTorch, the peer of `splitfrozen bench compute`.

Arguments: blocks, samples, tokens of each sample, threads. Prints a line with the version, then for each line read the seconds of one step:
forward, backward, clipping of the gradients' norm and AdamW. Shapes, adapters (c_attn, rank 8, alpha 16), frozen weights without gradients, the head on the
last token and the optimiser are those of the benchmark. Written as one would write it: fused attention where this PyTorch has it, else the two products;
frozen weights do not require gradients, and so autograd computes no gradient below the first adapter.
"""
import math
import sys
import time

try:
    import torch
except ImportError:
    sys.exit("PyTorch is not installed")

from torch import nn
from torch.nn import functional as F

WIDTH, HEADS, INNER, LABELS, RANK, ALPHA = 768, 12, 3072, 2, 8, 16


class LoraLinear(nn.Module):
    """Frozen y = x W + b (GPT-2's order of W) plus a trained low-rank part."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(inputs, outputs) * 0.02, requires_grad=False)
        self.bias = nn.Parameter(torch.zeros(outputs), requires_grad=False)
        self.a = nn.Parameter(torch.randn(RANK, inputs) * 0.02)
        self.b = nn.Parameter(torch.zeros(outputs, RANK))

    def forward(self, x):
        y = torch.addmm(self.bias, x, self.weight)
        return y + (x @ self.a.t()) @ self.b.t() * (ALPHA / RANK)


class Conv1D(nn.Module):
    """Frozen y = x W + b."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(inputs, outputs) * 0.02, requires_grad=False)
        self.bias = nn.Parameter(torch.zeros(outputs), requires_grad=False)

    def forward(self, x):
        return torch.addmm(self.bias, x, self.weight)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.c_attn, self.c_proj = LoraLinear(WIDTH, 3 * WIDTH), Conv1D(WIDTH, WIDTH)
        self.c_fc, self.mlp_proj = Conv1D(WIDTH, INNER), Conv1D(INNER, WIDTH)
        for norm in (self.ln_1, self.ln_2):
            norm.requires_grad_(False)

    def forward(self, x, samples, length):
        q, k, v = self.c_attn(self.ln_1(x)).view(samples, length, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        x = x + self.c_proj(attend(q, k, v).transpose(1, 2).reshape(samples * length, WIDTH))
        return x + self.mlp_proj(F.gelu(self.c_fc(self.ln_2(x)), approximate="tanh"))


def attend(q, k, v):
    if hasattr(F, "scaled_dot_product_attention"):
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)
    length = q.shape[2]
    mask = torch.full((length, length), -math.inf).triu(1)
    return torch.softmax(q @ k.transpose(2, 3) / math.sqrt(q.shape[3]) + mask, -1) @ v


def main():
    layers, samples, length, threads = map(int, sys.argv[1:5])
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    blocks = nn.ModuleList(Block() for _ in range(layers))
    norm = nn.LayerNorm(WIDTH).requires_grad_(False)
    head = nn.Linear(WIDTH, LABELS, bias=False)
    trained = [p for p in [*blocks.parameters(), *head.parameters()] if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-4)
    rows = torch.rand(samples * length, WIDTH) - 0.5
    labels = torch.arange(samples) % LABELS

    def step():
        x = rows
        for block in blocks:
            x = block(x, samples, length)
        last = x.view(samples, length, WIDTH)[:, -1]
        loss = F.cross_entropy(head(norm(last)), labels)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()

    blas = "MKL" if torch.backends.mkl.is_available() else "the system's BLAS"
    print(f"torch {torch.__version__} with {blas}", flush=True)
    for _ in sys.stdin:
        started = time.perf_counter()
        step()
        print(f"{time.perf_counter() - started:.6f}", flush=True)


main()
