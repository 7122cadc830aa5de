using System.Diagnostics;
using System.Text.RegularExpressions;

using SplitFrozen.Actors.Configuration;

using YamlDotNet.RepresentationModel;

namespace SplitFrozen.Cli.Tests.Docker;

/// <summary>What can be told about the container files without a container engine.</summary>
public sealed partial class DockerSpecs
{
    private static readonly string _root = FindRoot();

    [Fact]
    public void Should_copy_only_what_exists()
    {
        var sources = CopyLine().Matches(File.ReadAllText(At("Dockerfile")))
            .Where(line => !line.Groups["arguments"].Value.StartsWith("--from", StringComparison.Ordinal))
            .SelectMany(line => line.Groups["arguments"].Value.Split(' ')[..^1])
            .ToList();

        Assert.Contains("src", sources);
        Assert.All(sources, source => Assert.True(Path.Exists(Path.Combine(_root, source)), source));
    }

    [Theory]
    [InlineData("server.conf", "server")]
    [InlineData("device.conf", "device")]
    public void Should_configure_nodes_that_speak_tls(string file, string certificate)
    {
        var settings = SettingsReader.Read(SettingsReader.Load([At(file)], []));

        Assert.True(settings.Security.Tls.Enabled);
        Assert.Equal($"/certs/{certificate}.pem", settings.Security.Tls.Certificate);
        Assert.Equal(8080, settings.Health.Port);
    }

    [Fact]
    public void Should_let_devices_join_the_server_of_the_same_composition()
    {
        var server = SettingsReader.Read(SettingsReader.Load([At("server.conf")], [])).Cluster;
        var device = SettingsReader.Read(SettingsReader.Load([At("device.conf")], [])).Cluster;

        Assert.Equal([$"{server.Host}:{server.Port}"], device.SeedNodes);
        Assert.Equal(server.Host, Text(Service("server"), "hostname"));
    }

    [Theory]
    [InlineData("certs")]
    [InlineData("server")]
    [InlineData("device")]
    [InlineData("weak-device")]
    public void Should_start_services_with_commands_that_the_entry_point_knows(string service)
    {
        var command = ((YamlSequenceNode)Service(service)["command"]).Children[0].ToString();

        Assert.Contains($"\n  {command})\n", File.ReadAllText(At("entrypoint.sh")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, null, "server --config CONF/server.conf --run RUN --set a=b")]
    [InlineData("config.conf", "    method = splitfrozen", "server --resume RUN --set a=b")]
    [InlineData("config.conf", "    method = fedlora", "server --config CONF/server.conf --run RUN --set a=b")]
    [InlineData("summary.json", "{ \"completed\": false }", "server --resume RUN --set a=b")]
    [InlineData("summary.json", "{ \"completed\": true }", "server --config CONF/server.conf --run RUN --set a=b")]
    public void Should_go_on_with_a_run_that_is_not_over(string? file, string? text, string expected)
    {
        var folder = Directory.CreateTempSubdirectory("splitfrozen-docker-");
        try
        {
            var (program, run) = (Path.Combine(folder.FullName, "splitfrozen"), Path.Combine(folder.FullName, "runs", "current"));
            File.WriteAllText(program, "#!/bin/sh\necho \"$@\"\n");
            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserExecute);
            }

            Directory.CreateDirectory(Path.GetDirectoryName(run)!);
            if (file is not null)
            {
                Directory.CreateDirectory(run);
                File.WriteAllText(Path.Combine(run, file), text);
            }

            var asked = Run(("SPLITFROZEN_HOME", folder.FullName), ("SPLITFROZEN_CONFIG", "CONF"), ("SPLITFROZEN_RUN", run));

            Assert.Equal(expected, asked.Replace(run, "RUN", StringComparison.Ordinal));
            Assert.Equal(file is null ? 0 : 1, Directory.GetDirectories(Path.GetDirectoryName(run)!).Length);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public void Should_give_every_named_volume()
    {
        var declared = ((YamlMappingNode)Compose()["volumes"]).Children.Keys.Select(key => key.ToString()).ToList();
        var used = ((YamlMappingNode)Compose()["services"]).Children.Values.SelectMany(Volumes).Select(volume => volume.Split(':')[0]).ToHashSet();

        Assert.NotEmpty(used);
        Assert.Subset(declared.ToHashSet(), used);
    }

    [Fact]
    public void Should_keep_the_authoritys_key_from_nodes()
    {
        var holders = ((YamlMappingNode)Compose()["services"]).Children
            .Where(service => Volumes(service.Value).Any(volume => volume.StartsWith("authority:", StringComparison.Ordinal)))
            .Select(service => service.Key.ToString());

        Assert.Equal(["certs"], holders);
        Assert.All(new[] { "server", "device", "weak-device" }, node =>
            Assert.All(Volumes(Service(node)).Where(volume => volume.Contains("certs", StringComparison.Ordinal)), volume => Assert.EndsWith(":ro", volume, StringComparison.Ordinal)));
    }

    /// <summary>What the entry point calls the program with as a server.</summary>
    private static string Run(params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo("bash", [At("entrypoint.sh"), "server", "--set", "a=b"]) { RedirectStandardOutput = true };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEnd().Trim();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return output;
    }

    private static IEnumerable<string> Volumes(YamlNode service)
    {
        var own = (YamlMappingNode)service;
        return own.Children.TryGetValue("volumes", out var volumes) ? ((YamlSequenceNode)volumes).Select(volume => volume.ToString())
            : own.Children.TryGetValue("<<", out var shared) ? Volumes(shared)
            : [];
    }

    private static string At(string file) => Path.Combine(_root, "docker", file);

    private static YamlMappingNode Compose()
    {
        using var reader = new StreamReader(At("compose.yaml"));
        var stream = new YamlStream();
        stream.Load(reader);
        return (YamlMappingNode)stream.Documents[0].RootNode;
    }

    private static YamlMappingNode Service(string name) => (YamlMappingNode)Compose()["services"][name];

    private static string Text(YamlMappingNode node, string key) => node[key].ToString();

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder!.FullName, "SplitFrozen.sln")))
        {
            folder = folder.Parent;
        }

        return folder.FullName;
    }

    [GeneratedRegex("^COPY (?<arguments>.+)$", RegexOptions.Multiline)]
    private static partial Regex CopyLine();
}
