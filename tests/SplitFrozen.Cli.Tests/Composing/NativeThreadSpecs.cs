using SplitFrozen.Cli.Composing;
using SplitFrozen.Model;

namespace SplitFrozen.Cli.Tests.Composing;

/// <summary>The number of threads belongs to the whole process.</summary>
[Collection(nameof(NativeThreadSpecs))]
public sealed class NativeThreadSpecs
{
    [Fact]
    public void Should_leave_a_runs_threads_alone_when_the_library_is_only_looked_at()
    {
        var before = TorchRuntime.Threads;
        try
        {
            TorchRuntime.UseThreads(before + 1);

            new Composition().ProbeNativeLibrary();

            Assert.Equal(before + 1, TorchRuntime.Threads);
        }
        finally
        {
            TorchRuntime.UseThreads(before);
        }
    }
}

/// <summary>Alone: other specs train with the number of threads that they set.</summary>
[CollectionDefinition(nameof(NativeThreadSpecs), DisableParallelization = true)]
public sealed class NativeThreadCollection;
