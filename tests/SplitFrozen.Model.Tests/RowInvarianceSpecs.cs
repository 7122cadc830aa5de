using SplitFrozen.Domain.Models;
using SplitFrozen.Model.Tests.Support;

namespace SplitFrozen.Model.Tests;

/// <summary>A sample's activations do not depend on what else is in its batch, so that those kept from one epoch serve another to the last bit.</summary>
public sealed class RowInvarianceSpecs
{
    /// <summary>Models of which it holds on any number of threads; of Llama models with narrow heads it does on one only, and these tests run on as many as there are cores.</summary>
    public static TheoryData<string> Models { get; } = new(Repository.TinyGpt2, Repository.Fixture("gpt2-random", "model"));

    [Theory(DisplayName = "The bits of a sample are the same alone and in any company")]
    [MemberData(nameof(Models))]
    public void Should_give_equal_bits_in_any_company(string folder)
    {
        var source = HuggingFaceModel.Open(folder, "cpu");
        using var frozen = source.LoadFrozen(1);

        Assert.True(RowInvariance.Holds(frozen, 1, source.Shape.Context));
    }
}
