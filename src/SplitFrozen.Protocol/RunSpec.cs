namespace SplitFrozen.Protocol;

/// <summary>What is learned: one label for a text, or the text itself.</summary>
public enum TaskKind
{
    /// <summary>Sequence classification on the last real token.</summary>
    Classification,

    /// <summary>Causal language modelling.</summary>
    LanguageModel,
}

/// <summary>How rows of shared data are spread over devices.</summary>
public enum PartitionKind
{
    /// <summary>Uniformly at random, in equal shares.</summary>
    Iid,

    /// <summary>Each label's rows are spread by a draw from a symmetric Dirichlet distribution.</summary>
    Dirichlet,

    /// <summary>Each device gets rows of a fixed small number of labels.</summary>
    Pathological,

    /// <summary>Devices get unequal amounts of rows, by a draw from a symmetric Dirichlet distribution; whose rows they are is left to chance.</summary>
    Quantity,

    /// <summary>As <see cref="Dirichlet"/>, but a device that has its even share gets nothing of further labels, so that amounts are about equal.</summary>
    Balanced,
}

/// <summary>Everything that decides which row of shared training data belongs to whom; the partition is a pure function of this and the rows' labels.</summary>
/// <param name="Kind">The partitioner.</param>
/// <param name="Devices">Into how many devices the data is split, at least 1.</param>
/// <param name="Alpha">Concentration of the Dirichlet distribution, above 0; read by <see cref="PartitionKind.Dirichlet"/>, <see cref="PartitionKind.Balanced"/> and <see cref="PartitionKind.Quantity"/> only.</param>
/// <param name="LabelsPerDevice">Labels a device has, at least 1; read by <see cref="PartitionKind.Pathological"/> only.</param>
/// <param name="ValidationShare">Share of the training rows that no device gets, in [0, 0.5].</param>
/// <param name="Limit">At most this many training rows are used, or 0 for all.</param>
/// <param name="Seed">Seed of every draw.</param>
public sealed record PartitionSpec(
    PartitionKind Kind, int Devices, double Alpha, int LabelsPerDevice, double ValidationShare, int Limit, long Seed)
{
    /// <summary>Hash of the partition file that says whose the rows are, or null where they are drawn.</summary>
    public string? FileSha256 { get; init; }
}

/// <summary>What all nodes of a run must agree on. The server tells it to each device that greets it.</summary>
/// <param name="RunName">Name of the run, for logs.</param>
/// <param name="ModelFingerprint">Hash of the model folder's configuration, tokenizer and weights (hexadecimal).</param>
/// <param name="Task">What is learned.</param>
/// <param name="Labels">Names of the labels in the order of their ids; empty for language modelling.</param>
/// <param name="Cut">The frozen line C: blocks [0, C) are frozen.</param>
/// <param name="MaxLength">Samples are cut off at this many tokens.</param>
/// <param name="UnitTokens">Token budget of a forward unit.</param>
/// <param name="Credits">Forward units that a device may have sent and not yet seen placed.</param>
/// <param name="Threads">Threads a matrix product uses; equal bits are promised for equal thread counts only.</param>
/// <param name="Partition">How shared data is split.</param>
/// <param name="HeartbeatMilliseconds">Interval of a device's heartbeats in milliseconds.</param>
/// <param name="Codec">How activations are written on the wire.</param>
public sealed record RunSpec(
    string RunName, string ModelFingerprint, TaskKind Task, string[] Labels, int Cut, int MaxLength, int UnitTokens,
    int Credits, int Threads, PartitionSpec Partition, int HeartbeatMilliseconds, ActivationCodec Codec)
{
    /// <summary>Whether devices tell when they did what.</summary>
    public bool Trace { get; init; }

    /// <summary>How devices train, or null: they run frozen blocks forward.</summary>
    public MethodSpec? Method { get; init; }
}

/// <summary>Where a device opens its activation channel.</summary>
/// <param name="Host">Name or address of the server node.</param>
/// <param name="Port">TCP port.</param>
/// <param name="Token">Secret (32 hexadecimal digits) that ties connections to the life of the device that was welcomed, and ends with it.</param>
public sealed record ChannelEndpoint(string Host, int Port, string Token);
