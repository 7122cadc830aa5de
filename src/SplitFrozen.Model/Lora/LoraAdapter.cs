using SplitFrozen.Model.Blocks;
using SplitFrozen.Model.Training;
using TorchSharp;
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

    /// <summary>Whether A stays as it is.</summary>
    public bool IsAFrozen { get; init; }

    /// <summary>Full name of the module that carries the adapter.</summary>
    public string Module { get; }

    /// <summary>Adds the adapter's part to the module's output.</summary>
    /// <param name="y">The frozen module's output [R, out]; overwritten.</param>
    /// <param name="x">The module's input [R, in].</param>
    /// <param name="pass">Whose tape notes the pass.</param>
    /// <param name="rows">Which rows of the batch these are; null for all.</param>
    public Tensor Add(Tensor y, Tensor x, ForwardPass pass, RowSelection? rows)
    {
        var (input, inner) = Inner(x, pass, rows);
        var output = Products.Up(y, inner, _b.Value, _scale);
        pass.Tape?.Add(new LoraTape.Entry(this, input.detach(), inner, [new LoraTape.Part(inner.detach(), output, 0)]));
        return output;
    }

    /// <summary>The same where the first columns are computed for some rows only.</summary>
    /// <param name="first">First columns of the frozen module's output [R, …]; overwritten.</param>
    /// <param name="some">The rows of those.</param>
    /// <param name="rest">The other columns for all rows [T, …]; overwritten.</param>
    /// <param name="x">The module's input [T, in].</param>
    /// <param name="pass">Whose tape notes the pass.</param>
    public (Tensor First, Tensor Others) Add(Tensor first, RowSelection some, Tensor rest, Tensor x, ForwardPass pass)
    {
        long columns = first.shape[1];
        var (input, inner) = Inner(x, pass, null);
        var narrowed = inner.index_select(0, some.Index);
        var firstOutput = Products.Up(first, narrowed, _b.Value.narrow(0, 0, columns), _scale);
        var restOutput = Products.Up(rest, inner, _b.Value.narrow(0, columns, rest.shape[1]), _scale);
        pass.Tape?.Add(new LoraTape.Entry(this, input.detach(), inner,
        [
            new LoraTape.Part(narrowed.detach(), firstOutput, 0),
            new LoraTape.Part(inner.detach(), restOutput, columns),
        ]));
        return (firstOutput, restOutput);
    }

    /// <summary>W: adds the gradient of A, dA += dhᵀ x.</summary>
    /// <param name="input">x after dropout [R, in].</param>
    /// <param name="innerGradient">dh [R, r]; holds the factor s already.</param>
    public void AddGradientOfA(Tensor input, Tensor innerGradient)
    {
        if (!IsAFrozen)
        {
            Products.AddGradient(_a.Gradient, innerGradient, input);
        }
    }

    /// <summary>Adds weight · s · B A of a module's factors to a matrix.</summary>
    /// <param name="matrix">[out, in].</param>
    /// <param name="a">A, [r, in].</param>
    /// <param name="b">B, [out, r].</param>
    /// <param name="weight">Weight.</param>
    public void AddProduct(Tensor matrix, Tensor a, Tensor b, double weight) => matrix.addmm_(b, a, beta: 1, alpha: (float)(weight * _scale));

    /// <summary>W: adds the gradient of rows of B, dB += s · dyᵀ h.</summary>
    /// <param name="part">What was computed with those rows.</param>
    /// <param name="outputGradient">dy [R, columns].</param>
    public void AddGradientOfB(LoraTape.Part part, Tensor outputGradient)
    {
        // As (hᵀ dy)ᵀ: a product with r rows takes a fraction of the time of one with r columns.
        var product = zeros(part.Inner.shape[1], outputGradient.shape[1], device: outputGradient.device);
        Products.AddGradient(product, part.Inner, outputGradient);
        using Scalar scale = _scale;
        _b.Gradient.narrow(0, part.FirstColumn, outputGradient.shape[1]).add_(product.t(), alpha: scale);
    }

    private (Tensor Input, Tensor Inner) Inner(Tensor x, ForwardPass pass, RowSelection? rows)
    {
        var input = pass.Tape?.Dropout is { } dropout ? x.mul(dropout.Mask(Module, pass, rows, (int)x.shape[1], x.device)) : x;
        var inner = Products.Down(input, _a.Value);

        // Nothing below the first adapter needs a gradient: there the graph begins, here.
        if (pass.Tape is not null && !inner.requires_grad)
        {
            inner.requires_grad_(true);
        }

        return (input, inner);
    }
}
