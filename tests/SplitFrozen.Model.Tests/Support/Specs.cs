using SplitFrozen.Domain.Models;
using SplitFrozen.Protocol;

namespace SplitFrozen.Model.Tests.Support;

/// <summary>Trainer specifications.</summary>
internal static class Specs
{
    /// <summary>Classification.</summary>
    public static TrainerSpec Classify(int labels, int cut, int rank = 4, double alpha = 32, double dropout = 0, params string[] targets) =>
        new(TaskKind.Classification, labels, cut, new LoraSpec(rank, alpha, dropout, targets), 0.01, 1, 7);

    /// <summary>Language modelling.</summary>
    public static TrainerSpec Language(int cut, int rank = 4, double alpha = 32, double dropout = 0, params string[] targets) =>
        new(TaskKind.LanguageModel, 0, cut, new LoraSpec(rank, alpha, dropout, targets), 0.01, 1, 7);
}
