using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Sampling;
using SplitFrozen.Domain.Scheduling;
using SplitFrozen.Protocol;

namespace SplitFrozen.Domain.Configuration;

/// <summary>Everything that a run or node is configured with, validated. Read from HOCON in one place; key names stand at the members.</summary>
public sealed record Settings(
    ModelSettings Model, DataSettings Data, LoraSpec Lora, TrainingSettings Training, PipelineSettings Pipeline,
    ChannelSettings Channel, ClusterSettings Cluster, StartSettings Start, DeviceSettings Device, RunSettings Run, IReadOnlyList<NodeProfile> Nodes,
    AllocationSettings Allocation, ServerSettings Server, SecuritySettings Security, StoreSettings Store)
{
    /// <summary>Scoring by generated answers.</summary>
    public EvaluationSettings Evaluation { get; init; } = new(0, false, 1);

    /// <summary>Where operators' commands are taken.</summary>
    public ControlSettings Control { get; init; } = new("127.0.0.1", null);

    /// <summary>Where liveness and readiness are told.</summary>
    public HealthSettings Health { get; init; } = new("127.0.0.1", null);

    /// <summary>Federated LoRA.</summary>
    public FedLoraSettings FedLora { get; init; } = FedLoraSettings.Default;

    /// <summary>Split LoRA.</summary>
    public SplitLoraSettings SplitLora { get; init; } = SplitLoraSettings.Default;
}

/// <summary>Keys splitfrozen.evaluation.*: exact match, for language modelling on answers with a number after ####.</summary>
/// <param name="ExactMatchLimit">At most so many evaluation rows are answered (key <c>exact-match-limit</c>); 0: none.</param>
/// <param name="ExactMatchAfterTraining">Whether a run ends with it (key <c>exact-match-after-training</c>); <c>eval</c> always does it.</param>
/// <param name="MaxNewTokens">Tokens of an answer at most (key <c>max-new-tokens</c>).</param>
public sealed record EvaluationSettings(int ExactMatchLimit, bool ExactMatchAfterTraining, int MaxNewTokens);

/// <summary>Keys splitfrozen.model.*</summary>
/// <param name="Path">Model folder or GGUF file, absolute.</param>
/// <param name="Cut">The frozen line C, or null for L/2 (<c>cut = auto</c>).</param>
/// <param name="Compute">Compute device: <c>cpu</c> or <c>cuda:N</c> (key <c>compute</c>).</param>
public sealed record ModelSettings(string Path, int? Cut, string Compute);

/// <summary>Keys splitfrozen.data.*</summary>
/// <param name="Path">Data folder, absolute.</param>
/// <param name="Partition">How shared data is spread (keys partition, alpha, labels-per-device, devices, limit); its validation share is resolved from <paramref name="Validation"/>.</param>
/// <param name="Validation">null: auto; 0: none; otherwise the share of training rows held out.</param>
/// <param name="MaxLength">Tokens at which samples are cut off.</param>
/// <param name="EvaluationLimit">At most this many rows of each evaluation split are scored, or 0 for all.</param>
/// <param name="Columns">Names of columns or fields; unset ones are recognised from the files.</param>
public sealed record DataSettings(
    string Path, PartitionSpec Partition, double? Validation, int MaxLength, int EvaluationLimit, ColumnSettings Columns)
{
    /// <summary>File that says whose the rows are, absolute, or null: they are drawn (key <c>partition-file</c>).</summary>
    public string? PartitionFile { get; init; }
}

/// <summary>Keys splitfrozen.data.columns.*; null means: recognise from the files.</summary>
/// <param name="Text">Column of the (first) text.</param>
/// <param name="SecondText">Column of the second text of a pair.</param>
/// <param name="Label">Column of the label.</param>
/// <param name="Question">Field of the prompt, for language modelling.</param>
/// <param name="Answer">Field of the answer, for language modelling.</param>
public sealed record ColumnSettings(string? Text, string? SecondText, string? Label, string? Question, string? Answer);

/// <summary>How the learning rate falls after warm-up.</summary>
public enum LearningRateDecay
{
    /// <summary>Linearly to zero.</summary>
    Linear,

    /// <summary>Along half a cosine to zero.</summary>
    Cosine,

    /// <summary>Not at all.</summary>
    Constant,
}

/// <summary>By what the validations of a run are compared.</summary>
public enum BestMeasure
{
    /// <summary>They are not.</summary>
    None,

    /// <summary>The higher accuracy is better.</summary>
    Accuracy,

    /// <summary>The lower loss is better.</summary>
    Loss,
}

/// <summary>Keys splitfrozen.training.*</summary>
/// <param name="Method">One of <see cref="TrainingMethods.All"/>.</param>
/// <param name="LoraFrom">First block with adapters for cenlora (key <c>lora-from</c>); null: 0, all blocks.</param>
/// <param name="Epochs">Passes over the data.</param>
/// <param name="BatchSize">Samples of a global batch.</param>
/// <param name="MicroBatchSize">Samples of a micro-batch.</param>
/// <param name="LearningRate">Peak learning rate.</param>
/// <param name="Warmup">Share of all steps with a rising rate, in [0, 1].</param>
/// <param name="Decay">How the rate falls after that.</param>
/// <param name="WeightDecay">AdamW's decoupled weight decay.</param>
/// <param name="ClipNorm">Largest gradient norm, 0 for none.</param>
/// <param name="Seed">Seed of everything drawn.</param>
/// <param name="Threads">Threads of a matrix product.</param>
/// <param name="CheckpointSteps">A checkpoint every so many steps (key <c>checkpoint-steps</c>), besides the one at the end and at a stop.</param>
/// <param name="Best">By which validation the best checkpoint is kept.</param>
/// <param name="Patience">Validations in a row without a better one after which the run stops early, or null: never.</param>
public sealed record TrainingSettings(
    string Method, int? LoraFrom, int Epochs, int BatchSize, int MicroBatchSize, double LearningRate, double Warmup, LearningRateDecay Decay,
    double WeightDecay, double ClipNorm, long Seed, int Threads, int CheckpointSteps, BestMeasure Best = BestMeasure.None, int? Patience = null)
{
    /// <summary>How many checkpoints are kept (key <c>checkpoint-keep</c>), besides the best.</summary>
    public int CheckpointKeep { get; init; } = 1;

    /// <summary>How samples are put into order (key <c>order</c>).</summary>
    public SampleOrder Order { get; init; }

    /// <summary>How long the trainer waits for samples that are not there before it puts them off, or null: for as long as it takes (key <c>put-off-after</c>).</summary>
    public TimeSpan? PutOffAfter { get; init; }

    /// <summary>Folder of a run in whose recorded order this one trains, absolute, or null (key <c>replay</c>).</summary>
    public string? Replay { get; init; }

    /// <summary>How far the label mix of global batches may lie from the overall one, beyond what chance does, before an alarm; null: no alarm (key <c>mix-alarm</c>).</summary>
    public double? MixAlarm { get; init; }
}

/// <summary>Keys splitfrozen.pipeline.*</summary>
/// <param name="GrantBatches">Global batches of a grant.</param>
/// <param name="Window">Grants that may be in flight: granted and not yet trained.</param>
/// <param name="UnitTokens">Token budget of a forward unit.</param>
/// <param name="Stages">Trainer stages p that the trained blocks are split into.</param>
/// <param name="Schedule">The order of F, B and W across stages.</param>
/// <param name="PendingWeights">W that a stage may put off until it would wait (key <c>pending-w</c>).</param>
public sealed record PipelineSettings(int GrantBatches, int Window, int UnitTokens, int Stages = 1, ScheduleKind Schedule = ScheduleKind.ZbH1, int PendingWeights = 0);

/// <summary>Keys splitfrozen.channel.* (the activation channel)</summary>
/// <param name="Host">Address the server listens on and that devices are told.</param>
/// <param name="Port">TCP port, 0 for a free one.</param>
/// <param name="Credits">Units a device may have sent and not yet seen placed.</param>
/// <param name="MaxFrameBytes">Largest frame that is accepted.</param>
/// <param name="Codec">How activations are written.</param>
public sealed record ChannelSettings(string Host, int Port, int Credits, int MaxFrameBytes, ActivationCodec Codec);

/// <summary>Where stages of a lost server node go.</summary>
public enum TakeOver
{
    /// <summary>To whichever server node is done soonest with them.</summary>
    Any,

    /// <summary>Only to one that holds no stage: a spare one, or the lost one started again.</summary>
    Spare,
}

/// <summary>Keys splitfrozen.server.*</summary>
/// <param name="MemoryLimit">Most bytes of forward units that the server holds, or null: half of the machine's memory.</param>
public sealed record ServerSettings(long? MemoryLimit)
{
    /// <summary>What this server node pretends to be (key <c>profile</c>).</summary>
    public NodeProfile Profile { get; init; } = new("server", null);

    /// <summary>TCP port where other server nodes connect, 0 for a free one (key <c>port</c>).</summary>
    public int Port { get; init; }

    /// <summary>Further server nodes that <c>train</c> starts (key <c>nodes</c>).</summary>
    public IReadOnlyList<NodeProfile> Nodes { get; init; } = [];

    /// <summary>How long training waits for lost stages to be held and connected again (key <c>lost-after</c>).</summary>
    public TimeSpan LostAfter { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Where stages of a lost server node go (key <c>take-over</c>).</summary>
    public TakeOver TakeOver { get; init; }

    /// <summary>How long the run's lease is the server's after it was last renewed (key <c>lease</c>).</summary>
    public TimeSpan Lease { get; init; } = TimeSpan.FromSeconds(10);
}

/// <summary>Keys splitfrozen.security.*</summary>
/// <param name="Tls">Certificates.</param>
/// <param name="IsInsecureAllowed">Whether nodes may talk in the open beyond this machine.</param>
public sealed record SecuritySettings(TlsSettings Tls, bool IsInsecureAllowed = false)
{
    /// <summary>How much a device may ask of the server.</summary>
    public LimitSettings Limits { get; init; } = LimitSettings.Default;
}

/// <summary>Keys splitfrozen.security.limits.*: what no honest device comes near, and what the server puts up with from others.</summary>
/// <param name="MessagesPerSecond">Control messages a second that a node may send for each of its devices, on average over ten seconds (key <c>messages-per-second</c>).</param>
/// <param name="DevicesPerNode">Devices that one node may speak for (key <c>devices-per-node</c>).</param>
/// <param name="ConnectionsPerMinute">Connections to the activation channel that a device may open within a minute (key <c>connections-per-minute</c>).</param>
/// <param name="DamagedFrames">Damaged frames in a row that are put down to the line (key <c>damaged-frames</c>).</param>
public sealed record LimitSettings(int MessagesPerSecond, int DevicesPerNode, int ConnectionsPerMinute, int DamagedFrames)
{
    /// <summary>The shipped limits.</summary>
    public static LimitSettings Default { get; } = new(1000, 1024, 1200, 8);
}

/// <summary>Keys splitfrozen.security.tls.*; PEM files, absolute, or null where none is given. All are given where TLS is on.</summary>
/// <param name="Enabled">Whether nodes speak TLS and prove themselves by certificates.</param>
/// <param name="Certificate">The node's certificate.</param>
/// <param name="Key">Its private key.</param>
/// <param name="Authority">Certificates of the authority whose certificates are trusted (key <c>ca</c>).</param>
/// <param name="VerifyHost">Whether the connecting end compares the certificate's names with the host it connects to.</param>
public sealed record TlsSettings(bool Enabled, string? Certificate, string? Key, string? Authority, bool VerifyHost = true);

/// <summary>Where activations at the frozen line are kept after their first use.</summary>
public enum StoreMode
{
    /// <summary>Nowhere: devices run and send every sample in every epoch.</summary>
    Off,

    /// <summary>In the server's memory, until the run ends.</summary>
    Memory,

    /// <summary>In memory and in files, which the next run on the same model and data can use.</summary>
    Disk,
}

/// <summary>Keys splitfrozen.store.* (the activation store)</summary>
/// <param name="Mode">Where activations are kept.</param>
/// <param name="Codec">How they are written.</param>
/// <param name="MemoryLimit">Most bytes in memory (key <c>memory-limit</c>).</param>
/// <param name="DiskLimit">Most bytes on disk (key <c>disk-limit</c>).</param>
/// <param name="Path">Folder of the files, absolute, or null: in the run's folder.</param>
/// <param name="KeyFile">File with the key that the files are encrypted with, absolute, or null: not encrypted (key <c>key-file</c>).</param>
public sealed record StoreSettings(StoreMode Mode, ActivationCodec Codec, long MemoryLimit, long DiskLimit, string? Path, string? KeyFile);

/// <summary>Keys splitfrozen.cluster.*</summary>
/// <param name="Name">Name of the actor system; the same on all nodes.</param>
/// <param name="Host">Address this node is reached at by the others.</param>
/// <param name="Port">TCP port of the control plane, 0 for a free one.</param>
/// <param name="SeedNodes">Where to join, as host:port; empty: this node forms the cluster.</param>
public sealed record ClusterSettings(string Name, string Host, int Port, IReadOnlyList<string> SeedNodes)
{
    /// <summary>Whether a standby server may take over; the same on all nodes of a run (key <c>standby</c>).</summary>
    public bool Standby { get; init; }
}

/// <summary>Keys splitfrozen.control.* (the endpoint of the commands status, allocation and drain)</summary>
/// <param name="Host">Address the server listens on; loopback, unless TLS is on.</param>
/// <param name="Port">TCP port, 0 for a free one, or null: none.</param>
public sealed record ControlSettings(string Host, int? Port);

/// <summary>Keys splitfrozen.health.* (liveness and readiness over HTTP)</summary>
/// <param name="Host">Address to listen on.</param>
/// <param name="Port">TCP port, 0 for a free one, or null: none.</param>
public sealed record HealthSettings(string Host, int? Port);

/// <summary>Keys splitfrozen.start.*</summary>
/// <param name="MinDevices">Training starts when so many devices have joined; null: all of splitfrozen.data.devices.</param>
/// <param name="Limit">How long the start may take before the run ends with the names of those it waited for.</param>
public sealed record StartSettings(int? MinDevices, TimeSpan Limit)
{
    /// <summary>Server nodes on which stages are placed, the main one included (key <c>servers</c>).</summary>
    public int Servers { get; init; } = 1;
}

/// <summary>Keys splitfrozen.device.* (a device process of its own)</summary>
/// <param name="Id">The device hosted, or null: this node hosts whatever shared partitions come its way.</param>
/// <param name="Partition">Part of the shared data folder (key <c>partition</c>, from 0), or null: the whole folder is this device's own.</param>
/// <param name="HeartbeatInterval">How often a device reports.</param>
/// <param name="LostAfter">How long training waits for a lost device to return (key <c>lost-after</c>).</param>
/// <param name="Weights">How device nodes hold frozen weights (key <c>weights</c>).</param>
/// <param name="Profile">What the node of a device process pretends to be (key <c>profile</c>).</param>
public sealed record DeviceSettings(
    string? Id, int? Partition, TimeSpan HeartbeatInterval, TimeSpan LostAfter, WeightHolding Weights, NodeProfile Profile)
{
    /// <summary>How long a device process tries to find a server again that it lost; zero: it ends at once (key <c>rejoin-limit</c>).</summary>
    public TimeSpan RejoinLimit { get; init; }
}

/// <summary>Keys splitfrozen.run.*</summary>
/// <param name="Path">The run's folder, or null: a fresh one below <paramref name="Root"/>.</param>
/// <param name="Root">Where fresh run folders are made.</param>
public sealed record RunSettings(string? Path, string Root)
{
    /// <summary>Whether every operation is recorded (key <c>trace</c>).</summary>
    public bool Trace { get; init; }

    /// <summary>Whether event files for TensorBoard are written (key <c>tensorboard</c>).</summary>
    public bool TensorBoard { get; init; }
}

/// <summary>An entry of splitfrozen.nodes, or splitfrozen.device.profile: what a device node pretends to be.</summary>
/// <param name="Name">Name of the node.</param>
/// <param name="GigaFlops">Emulated rate in 10⁹ floating-point operations a second, or null: as fast as the machine is.</param>
public sealed record NodeProfile(string Name, double? GigaFlops)
{
    /// <summary>Emulated rate of its link to the server in 10⁶ bits a second, or null: as fast as the network is (key <c>link-megabits</c>).</summary>
    public double? LinkMegabits { get; init; }

    /// <summary>Emulated latency of its link, on top of the network's (key <c>link-latency</c>).</summary>
    public TimeSpan LinkLatency { get; init; }

    /// <summary>Emulated memory for frozen blocks in bytes, or null: the machine's (key <c>memory</c>).</summary>
    public long? MemoryBytes { get; init; }

    /// <summary>How the rate changes, in order of time, counted from the node's first forward unit (key <c>changes</c>).</summary>
    public IReadOnlyList<ProfileChange> Changes { get; init; } = [];

    /// <summary>The emulated rate so long after the first unit, or null where none is emulated.</summary>
    public double? GigaFlopsAfter(TimeSpan time) => Changes.LastOrDefault(c => c.After <= time)?.GigaFlops ?? GigaFlops;
}

/// <summary>A node's emulated rate from a time on.</summary>
/// <param name="After">Time from the node's first forward unit.</param>
/// <param name="GigaFlops">10⁹ operations a second.</param>
public sealed record ProfileChange(TimeSpan After, double GigaFlops);
