using System.Net;

using SplitFrozen.Domain;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Scheduling;

namespace SplitFrozen.Actors.Configuration;

/// <summary>Rules between settings. What depends on the model or the data is checked when those are opened.</summary>
internal static class SettingsRules
{
    /// <summary>Throws <see cref="UserErrorException"/> at the first rule that is broken.</summary>
    public static void Check(Settings settings)
    {
        var training = settings.Training;
        var devices = settings.Data.Partition.Devices;
        Require(
            training.MicroBatchSize <= training.BatchSize,
            $"splitfrozen.training.micro-batch-size = {training.MicroBatchSize} is larger than splitfrozen.training.batch-size = {training.BatchSize}; lower the one or raise the other.");
        Require(
            training.LoraFrom is null || training.Method == TrainingMethods.CenLora,
            $"splitfrozen.training.lora-from = {training.LoraFrom} has no meaning for splitfrozen.training.method = {training.Method}, which {(training.Method == TrainingMethods.SplitFrozen ? "trains from splitfrozen.model.cut on; set that, or" : "trains all blocks; set")} the method {TrainingMethods.CenLora}.");
        Require(
            training.Patience is null || (training.Best != BestMeasure.None && settings.Data.Validation != 0),
            $"splitfrozen.training.patience = {training.Patience} needs validations to compare; set splitfrozen.training.best to accuracy or loss and splitfrozen.data.validation to something, or patience = off.");
        Require(
            training.PutOffAfter is null || training.Replay is null,
            "splitfrozen.training.put-off-after has no meaning beside splitfrozen.training.replay, which trains in the order that was recorded; set put-off-after = off, or replay = none.");
        Require(
            (training.PutOffAfter is null && training.Replay is null) || training.Method == TrainingMethods.SplitFrozen,
            $"splitfrozen.training.{(training.Replay is null ? "put-off-after" : "replay")} is for splitfrozen.training.method = {TrainingMethods.SplitFrozen}, and it is {training.Method}; leave the key as it is by default, or set the method.");
        Require(
            settings.Pipeline.PendingWeights == 0 || settings.Pipeline.Schedule == ScheduleKind.ZbH1,
            $"splitfrozen.pipeline.pending-w = {settings.Pipeline.PendingWeights} has no meaning for splitfrozen.pipeline.schedule = {settings.Pipeline.Schedule.Name()}, which does not part W from B; set it to 0, or the schedule to zb-h1.");
        Require(
            settings.Start.MinDevices is null || settings.Start.MinDevices <= devices,
            $"splitfrozen.start.min-devices = {settings.Start.MinDevices} is more than splitfrozen.data.devices = {devices}; training would never start.");
        Require(
            settings.Device.Partition is null || settings.Device.Partition < devices,
            $"splitfrozen.device.partition = {settings.Device.Partition} names no part of the data: splitfrozen.data.devices = {devices} splits it into parts 0 to {devices - 1}.");
        Require(
            settings.Device.Partition is null || settings.Device.Id is not null,
            $"splitfrozen.device.partition = {settings.Device.Partition} needs splitfrozen.device.id: which device has that part.");
        Require(
            settings.Store.Mode == StoreMode.Disk || (settings.Store.KeyFile is null && settings.Store.Path is null),
            $"splitfrozen.store.path and key-file are for files, and splitfrozen.store.mode = {settings.Store.Mode.ToString().ToLowerInvariant()} writes none; set the mode to disk, or leave them away.");
        var tls = settings.Security.Tls;
        Require(
            !tls.Enabled || (tls.Certificate is not null && tls.Key is not null && tls.Authority is not null),
            "splitfrozen.security.tls.enabled = on needs three PEM files: splitfrozen.security.tls.certificate, .key and .ca.");
        RequirePrivacy("splitfrozen.cluster.host", settings.Cluster.Host, settings.Security);
        RequirePrivacy("splitfrozen.channel.host", settings.Channel.Host, settings.Security);
        Require(
            tls.Enabled || settings.Control.Port is null || settings.Control.Host == "localhost" || (IPAddress.TryParse(settings.Control.Host, out var address) && IPAddress.IsLoopback(address)),
            $"splitfrozen.control.host = {settings.Control.Host} would take commands from other machines without TLS; set it to 127.0.0.1, splitfrozen.security.tls.enabled = on, or splitfrozen.control.port = off.");
        Require(
            settings.Start.Servers <= settings.Pipeline.Stages,
            $"splitfrozen.start.servers = {settings.Start.Servers} server nodes are more than splitfrozen.pipeline.stages = {settings.Pipeline.Stages}, so that some would hold none; raise the stages, or lower the servers (auto: one more than splitfrozen.server.nodes names).");
        Require(
            settings.Start.Servers <= 1 || settings.Training.Method == TrainingMethods.SplitFrozen,
            $"splitfrozen.start.servers = {settings.Start.Servers} has no meaning for splitfrozen.training.method = {settings.Training.Method}, which has no trainer stages to spread; leave it and splitfrozen.server.nodes away.");
        RequireUnique("splitfrozen.nodes", settings.Nodes);
        RequireUnique("splitfrozen.server.nodes", settings.Server.Nodes);
    }

    private static void RequirePrivacy(string key, string host, SecuritySettings security)
    {
        var isLocal = host == "localhost" || (IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address));
        Require(
            isLocal || security.Tls.Enabled || security.IsInsecureAllowed,
            $"{key} = {host} is reached from other machines, and splitfrozen.security.tls.enabled is off: anyone there could read activations and labels, or join. Switch TLS on (`splitfrozen certs new` makes certificates), or set splitfrozen.security.insecure = on in a network that you trust.");
    }

    private static void RequireUnique(string key, IReadOnlyList<NodeProfile> nodes)
    {
        if (nodes.GroupBy(n => n.Name, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1) is { } twice)
        {
            throw new UserErrorException($"{key} names {twice.Key} {twice.Count()} times; give each node a name of its own.");
        }
    }

    private static void Require(bool holds, string otherwise)
    {
        if (!holds)
        {
            throw new UserErrorException(otherwise);
        }
    }
}
