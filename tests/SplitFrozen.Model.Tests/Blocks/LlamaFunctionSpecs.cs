using SplitFrozen.Model.Blocks;
using SplitFrozen.Model.Llama;
using SplitFrozen.Model.Tests.Support;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Tests.Blocks;

/// <summary>RMSNorm and rotation in one pass, against the same in torch's operations.</summary>
public sealed class LlamaFunctionSpecs
{
    private const double Epsilon = 1e-5;

    [Theory(DisplayName = "RMSNorm gives the formula's values and gradients")]
    [InlineData(1, 8)]
    [InlineData(37, 64)]
    [InlineData(300, 576)]
    public void Should_be_the_formulas_norm(int rows, int width)
    {
        using var scope = NewDisposeScope();
        var x = randn(rows, width, requires_grad: true);
        var weight = randn(width);
        var expected = x * (x.square().mean([-1L], keepdim: true) + Epsilon).rsqrt() * weight;
        var found = RmsNormFunction.Run(x, weight, Epsilon);
        var seed = randn_like(found);

        Near.Equal(expected, found);
        Near.Equal(autograd.grad([expected], [x], [seed])[0], autograd.grad([found], [x], [seed])[0]);
        using var _ = no_grad();
        Near.Equal(expected, RmsNormFunction.Run(x, weight, Epsilon));
    }

    [Fact(DisplayName = "Rotation gives the formula's values and gradients, in place where nothing is trained")]
    public void Should_be_the_formulas_rotation()
    {
        using var scope = NewDisposeScope();
        var layout = new RaggedLayout([5, 40], 64, CPU);
        float[] frequencies = [.. Enumerable.Range(0, 16).Select(i => (float)Math.Pow(10_000, -i / 16.0))];
        var angles = RotaryEmbedding.Angles(frequencies, layout, CPU);
        var x = randn([45, 3, 32], requires_grad: true);
        var halves = x.chunk(2, -1);
        var expected = (x * angles.Cosine) + (cat([-halves[1], halves[0]], -1) * angles.Sine);
        var found = RotaryEmbedding.Rotate(x, angles);
        var seed = randn_like(found);

        Near.Equal(expected, found);
        Near.Equal(autograd.grad([expected], [x], [seed])[0], autograd.grad([found], [x], [seed])[0]);
        using var _ = no_grad();
        var copy = x.detach().clone();
        Near.Equal(expected, RotaryEmbedding.Rotate(copy, angles));
        Near.Equal(expected, copy);
    }

    [Fact(DisplayName = "Widths that are no whole vectors are left to torch")]
    public void Should_leave_other_widths()
    {
        using var scope = NewDisposeScope();
        Assert.False(RmsNormFunction.Takes(randn(3, 12)));
        Assert.False(RotaryFunction.Takes(randn(3, 2, 8)));
    }
}
