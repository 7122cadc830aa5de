using SplitFrozen.Model.Blocks;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Tests.Blocks;

public sealed class FusedActivationSpecs
{
    private const double Tolerance = 2e-6;

    [Theory(DisplayName = "GELU gives torch's values and gradients of the biased rows, at a row's end too")]
    [InlineData(1, 1)]
    [InlineData(1, 16)]
    [InlineData(3, 77)]
    [InlineData(70, 1_003)]
    public void Should_be_torchs_gelu(int rows, int width)
    {
        using var scope = NewDisposeScope();
        var (x, bias, seed) = (Inputs(rows * width, 1).view(rows, width), Inputs(width, 5), Inputs(rows * width, 2).view(rows, width));
        var theirs = x.clone().requires_grad_(true);
        var expected = nn.functional.gelu(theirs + bias, GELU.Approximate.tanh);
        var ours = x.clone().requires_grad_(true);
        var trained = FusedActivations.GeluTanh(ours.alias(), bias);
        ShouldBeClose(expected.detach(), trained.detach());
        ShouldBeClose(autograd.grad([expected], [theirs], [seed])[0], autograd.grad([trained], [ours], [seed])[0]);
        ShouldBeEqual(trained.detach(), FusedActivations.GeluTanh(x.clone(), bias));
    }

    [Theory(DisplayName = "SwiGLU gives torch's values and gradients, whichever part needs one")]
    [InlineData(5, true, true)]
    [InlineData(64, true, false)]
    [InlineData(64, false, true)]
    [InlineData(70_003, true, true)]
    public void Should_be_torchs_swiglu(int count, bool gateNeeds, bool upNeeds)
    {
        using var scope = NewDisposeScope();
        var (gate, up, seed) = (Inputs(count, 1), Inputs(count, 2), Inputs(count, 3));
        var (theirGate, theirUp) = (gate.clone().requires_grad_(gateNeeds), up.clone().requires_grad_(upNeeds));
        var (ourGate, ourUp) = (gate.clone().requires_grad_(gateNeeds), up.clone().requires_grad_(upNeeds));
        var expected = nn.functional.silu(theirGate).mul(theirUp);
        var trained = FusedActivations.SwiGlu(ourGate.alias(), ourUp.alias());
        ShouldBeClose(expected.detach(), trained.detach());
        ShouldBeEqual(trained.detach(), FusedActivations.SwiGlu(gate.clone(), up.clone()));
        var wanted = Gradients(expected, seed, theirGate, theirUp);
        var found = Gradients(trained, seed, ourGate, ourUp);
        Assert.Equal(wanted.Count, found.Count);
        foreach (var (theirs, ours) in wanted.Zip(found))
        {
            ShouldBeClose(theirs, ours);
        }
    }

    [Fact(DisplayName = "An element's bits do not depend on where it stands")]
    public void Should_not_depend_on_the_position()
    {
        using var scope = NewDisposeScope();
        var x = Inputs(70_003, 4).view(1, 70_003);
        var bias = Inputs(70_003, 5);
        var whole = FusedActivations.GeluTanh(x.clone(), bias);
        ShouldBeEqual(whole.narrow(1, 13, 69_990), FusedActivations.GeluTanh(x.narrow(1, 13, 69_990).clone(), bias.narrow(0, 13, 69_990).clone()));
    }

    [Fact(DisplayName = "Far ends go to zero and to the input, and what is not finite stays so")]
    public void Should_keep_the_far_ends()
    {
        using var scope = NewDisposeScope();
        float[] found = FusedActivations.GeluTanh(torch.tensor([-1e4f, -40f, 0f, 40f, 1e4f, float.NaN]), torch.zeros(6)).data<float>().ToArray();
        Assert.Equal([0f, 0f, 0f, 40f, 1e4f, float.NaN], found.Select(value => value == 0 ? 0 : value));
    }

    private static Tensor Inputs(int count, long seed)
    {
        using var generator = new Generator((ulong)seed, CPU);
        return torch.empty(count).normal_(0, 3, generator);
    }

    private static IList<Tensor> Gradients(Tensor output, Tensor seed, params Tensor[] inputs) =>
        autograd.grad([output], [.. inputs.Where(input => input.requires_grad)], [seed]);

    private static void ShouldBeClose(Tensor expected, Tensor found) =>
        Assert.InRange(expected.sub(found).abs().max().item<float>(), 0, Tolerance * expected.abs().max().item<float>());

    private static void ShouldBeEqual(Tensor expected, Tensor found) => Assert.True(expected.equal(found).all().item<bool>());
}
