using SplitFrozen.Model.Blocks;
using SplitFrozen.Model.Training;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Lora;

/// <summary>
/// Low-rank addition to a frozen linear module, y = W x + s · B A x (Hu et al. 2021). In the graph of F, A and B are constants: the
/// gradients of activations flow through them (B), and those of A and B themselves follow later from two products of kept matrices (W).
/// </summary>
internal sealed class LoraAdapter
{
    private readonly Trainable _a;
    private readonly Trainable _b;
    private readonly float _scale;

    /// <summary>An adapter over trainable numbers that a <see cref="TrainableSet"/> owns.</summary>
    /// <param name="module">Full name of the module, such as <c>transformer.h.4.attn.c_attn</c>.</param>
    /// <param name="a">A, [r, in].</param>
    /// <param name="b">B, [out, r].</param>
    /// <param name="scale">s = alpha / r.</param>
    public LoraAdapter(string module, Trainable a, Trainable b, double scale)
    {
        Module = module;
        _a = a;
        _b = b;
        _scale = (float)scale;
    }

    /// <summary>Full name of the module that carries the adapter.</summary>
    public string Module { get; }

    /// <summary>Adds the adapter's part to the module's output.</summary>
    /// <param name="y">The frozen module's output [R, out]; overwritten.</param>
    /// <param name="x">The module's input [R, in].</param>
    /// <param name="pass">Whose tape notes the pass.</param>
    public Tensor Add(Tensor y, Tensor x, ForwardPass pass)
    {
        var input = pass.Tape?.Dropout is { } dropout ? x.mul(dropout.Mask(Module, pass, (int)x.shape[1], x.device)) : x;
        var inner = input.mm(_a.Value.t());
        if (pass.Tape is null)
        {
            return y.addmm_(inner, _b.Value.t(), 1, _scale);
        }

        // Nothing below the first adapter needs a gradient: there the graph begins, here.
        if (!inner.requires_grad)
        {
            inner.requires_grad_(true);
        }

        var output = y.addmm_(inner, _b.Value.t(), 1, _scale);
        pass.Tape.Add(new LoraTape.Entry(this, input.detach(), inner, output));
        return output;
    }

    /// <summary>W: adds the gradients of one pass, dA += dhᵀ x and dB += s · dyᵀ h.</summary>
    /// <param name="input">x after dropout [R, in].</param>
    /// <param name="inner">h = A x, [R, r].</param>
    /// <param name="innerGradient">dh [R, r]; holds the factor s already.</param>
    /// <param name="outputGradient">dy [R, out].</param>
    public void AddGradients(Tensor input, Tensor inner, Tensor innerGradient, Tensor outputGradient)
    {
        _a.Gradient.addmm_(innerGradient.t(), input, 1, 1);
        _b.Gradient.addmm_(outputGradient.t(), inner, 1, _scale);
    }
}
