using System.Diagnostics;

using Akka.Configuration;
using Akka.Event;

using SplitFrozen.Domain.Runs;

namespace SplitFrozen.Actors.Hosting;

/// <summary>
/// Keeps a device node in a run over the loss of its server: model and data stay in memory, the node starts a new actor system and joins again, with pauses that
/// grow while it loses the server again and again.
/// </summary>
public static class DeviceNodeLife
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(1);

    /// <summary>A node that was in touch with the server for so long begins again with the first pause.</summary>
    private static readonly TimeSpan GoodTime = TimeSpan.FromMinutes(2);

    /// <summary>Runs a node until the run is over or it is to stop.</summary>
    /// <param name="options">What it is made of.</param>
    /// <param name="akka">The user's configuration, for its section akka.</param>
    /// <param name="limit">How long it may take to find a server again; zero: the loss of the server ends the node.</param>
    /// <param name="run">Waits for the end of a node that was started, or for the wish to stop.</param>
    /// <param name="stop">Cancelled when the node is to stop.</param>
    /// <exception cref="RunFailedException">No server was found, or none again in time.</exception>
    public static async Task RunAsync(DeviceNodeOptions options, Config akka, TimeSpan limit, Func<DeviceNodeHost, Task> run, CancellationToken stop)
    {
        var pause = FirstPause;
        for (var life = options; ; life = options.Again(limit))
        {
            var started = Stopwatch.GetTimestamp();
            if (!await LoseServerAsync(DeviceNodeHost.Start(life, akka), ReferenceEquals(life, options), limit, run).ConfigureAwait(false))
            {
                return;
            }

            pause = Stopwatch.GetElapsedTime(started) > GoodTime ? FirstPause : pause;
            await Task.WhenAny(Task.Delay(pause, stop)).ConfigureAwait(false);
            if (stop.IsCancellationRequested)
            {
                return;
            }

            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }

    /// <returns>Whether the node lost its server and is to join again.</returns>
    private static async Task<bool> LoseServerAsync(DeviceNodeHost node, bool isFirst, TimeSpan limit, Func<DeviceNodeHost, Task> run)
    {
        await using (node.ConfigureAwait(false))
        {
            try
            {
                await run(node).ConfigureAwait(false);
                return false;
            }
            catch (RunFailedException e) when (e.Failure == RunFailure.ServerLost && limit > TimeSpan.Zero)
            {
                Logging.GetLogger(node.System, typeof(DeviceNodeLife)).Warning("{Reason} This node keeps model and data, and joins again", e.Message);

                // There is nobody left to take leave of.
                await node.EndAsync().ConfigureAwait(false);
                return true;
            }
            catch (RunFailedException e) when (e.Failure == RunFailure.NotStarted && !isFirst)
            {
                throw new RunFailedException(
                    RunFailure.Broken, $"The server was lost, and none answered again within {limit.TotalSeconds:0} s (splitfrozen.device.rejoin-limit).", e);
            }
        }
    }
}
