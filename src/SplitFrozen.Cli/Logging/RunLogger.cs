using Akka.Actor;
using Akka.Configuration;
using Akka.Dispatch;
using Akka.Event;

namespace SplitFrozen.Cli.Logging;

/// <summary>Akka's logger that writes to a <see cref="RunLog"/>.</summary>
internal sealed class RunLogger : ReceiveActor, IRequiresMessageQueue<ILoggerMessageQueueSemantics>
{
    private const string LogKey = "akka.run-log";

    public RunLogger()
    {
        var log = RunLog.Find(Context.System.Settings.Config.GetString(LogKey));
        Receive<InitializeLogger>(_ => Sender.Tell(new LoggerInitialized()));
        Receive<LogEvent>(e => !(log?.IsForPeople ?? true) || IsForPeople(e), e => log?.Write(
            e.LogLevel().StringFor(), e.LogSource, e.Cause is null ? $"{e.Message}" : $"{e.Message}{Environment.NewLine}{e.Cause}"));
        Receive<LogEvent>(_ => { });
    }

    /// <summary>Makes actor systems log to a log, unless the user names loggers of his own.</summary>
    /// <param name="user">The user's configuration.</param>
    /// <param name="log">The log.</param>
    public static Config Bind(Config user, RunLog log) => user.WithFallback(ConfigurationFactory.ParseString(
        $$"""
        akka {
          loggers = ["{{typeof(RunLogger).FullName}}, {{typeof(RunLogger).Assembly.GetName().Name}}"]
          stdout-logger-class = "{{typeof(NoStandardOutput).FullName}}, {{typeof(NoStandardOutput).Assembly.GetName().Name}}"
          run-log = "{{log.Name.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}}"
        }
        """));

    /// <summary>People are told what this program says; what Akka says of its connections is for a log.</summary>
    private static bool IsForPeople(LogEvent e) => (e.LogClass.Namespace ?? "").StartsWith(nameof(SplitFrozen), StringComparison.Ordinal);

    /// <summary>Stands in for Akka's logger to standard output, which would write into the display while systems start and end, whatever its level.</summary>
    internal sealed class NoStandardOutput : MinimalLogger
    {
        protected override void Log(object message)
        {
        }
    }
}
